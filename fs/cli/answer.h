/*
 * answer: how commands on keys end: messages about keys, and their output.
 */
#ifndef FS_CLI_ANSWER_H
#define FS_CLI_ANSWER_H

#include "engine/base/bytes.h"

/* 0, or COMMAND_USAGE with a message, if this is no key. */
int answer_check_key(const char *store, const char *key);

/* The message for what an operation on a key gave, and the exit status: "no"
 * for what is not there or is of another kind. */
int answer_error(const char *store, struct bytes key, int err);

/* Before anything is printed: a reader that goes away is an error from then
 * on, not the end of the process. */
void answer_begin(void);

/* Is standard output still of use?  To be asked after each line. */
bool answer_goes_on(void);

/* Everything printed has arrived: status, else COMMAND_UNUSABLE. */
int answer_end(int status);

#endif
