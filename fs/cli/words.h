/*
 * words: a line taken apart as a shell does.
 *
 * Words are separated by spaces and tabs.  'x y' is one word as it stands;
 * in "x y" and outside quotes a backslash makes the next character an
 * ordinary one.  '#' at the beginning of a word begins a comment.
 */
#ifndef FS_CLI_WORDS_H
#define FS_CLI_WORDS_H

#include "engine/base/buf.h"

struct words {
	char **argv; /* ends with NULL, as main's */
	int argc;
	struct buf text; /* what argv points into */
};

/* -EINVAL: a quote is not closed, or the line ends in a backslash. */
int words_split(const char *line, struct words *out);
void words_fini(struct words *w);

#endif
