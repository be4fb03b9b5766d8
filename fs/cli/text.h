/*
 * text: bytes that may be anything, written so that they can be read.
 *
 * Escaped: printable text stays as it is, UTF-8 included; newline, tab and
 * backslash become \n, \t, \\, every other byte \xNN.  Nothing is lost, and
 * the result has neither tab nor newline.
 */
#ifndef FS_CLI_TEXT_H
#define FS_CLI_TEXT_H

#include <stdio.h>

#include "engine/base/bytes.h"

/* Length of the UTF-8 sequence (RFC 3629) that s begins with; 0: none. */
size_t text_utf8_length(struct bytes s);
bool text_is_utf8(struct bytes s);

void text_put(FILE *out, struct bytes s);
void text_put_escaped(FILE *out, struct bytes s);

/* Escaped if out is a terminal, whose state must not depend on a key. */
void text_put_name(FILE *out, struct bytes s);

/*
 * A member of a JSON object: "name":"..." if s is UTF-8, otherwise
 * "name_base64":"..." (RFC 4648, with padding).
 */
void text_put_json(FILE *out, const char *name, struct bytes s);

#endif
