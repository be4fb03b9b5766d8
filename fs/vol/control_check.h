/*
 * control_check: a check of the whole store, as text.
 *
 * A line "finding TEXT" for each of the first 1,000 findings, of the store and
 * of the volume's records; then lines "NAME NUMBER" for files, directories,
 * others, orphans, bytes and findings.
 */
#ifndef FS_VOL_CONTROL_CHECK_H
#define FS_VOL_CONTROL_CHECK_H

#include "fs/store/store.h"

/* Appends to out.  Errors of a check that could not go on; damage that only
 * stops the reading of records is one more finding. */
int control_check(struct store *s, struct buf *out);

#endif
