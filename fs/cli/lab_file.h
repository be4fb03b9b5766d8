/*
 * lab_file: small files written and read whole, and trees removed.
 *
 * Errors: 0 or -errno; a short write is -EIO.
 */
#ifndef FS_CLI_LAB_FILE_H
#define FS_CLI_LAB_FILE_H

#include <stdbool.h>

#include "engine/base/buf.h"

/* flags: O_EXCL, O_TRUNC; the file is made if it is missing.  sync: with an
 * fsync before it is closed. */
int lab_file_put(
    int dir, const char *name, struct bytes content, int flags, bool sync);

/* Appends the content to out. */
int lab_file_get(int dir, const char *name, struct buf *out);

/* The path with everything below it, on its own file system only.  A missing
 * one is fine. */
int lab_file_remove(const char *path);

#endif
