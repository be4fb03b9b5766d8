/*
 * key_arg: keys as people type them.
 *
 * A key is a path from the root of the store: names with one '/' between
 * them, each of 1 to 255 bytes and not "." or "..".  Bytes, not text.
 */
#ifndef FS_CLI_KEY_ARG_H
#define FS_CLI_KEY_ARG_H

#include "engine/base/bytes.h"

/* NULL: key is one.  Otherwise what is wrong with it. */
const char *key_arg_wrong(struct bytes key);

/* The same for the beginning of a key, which may be empty, end in '/' or
 * within a name. */
const char *key_arg_wrong_prefix(struct bytes prefix);

/* The part before the last '/', empty for a key in the root, and the rest. */
struct bytes key_arg_parent(struct bytes key);
struct bytes key_arg_name(struct bytes key);

/* Takes the first name off *rest and the '/' behind it; false: none left. */
bool key_arg_next(struct bytes *rest, struct bytes *name);

#endif
