/*
 * store_lsm: the embedded store: an engine in this process.
 */
#ifndef FS_STORE_STORE_LSM_H
#define FS_STORE_STORE_LSM_H

#include "fs/store/store.h"

struct lsm;
struct lsm_options;

/* Opens the store directory; store_close closes it.  Errors as lsm_open. */
int store_lsm_open(const char *path, const struct lsm_options *o,
    struct store **out);

/* The engine below, for tools (check, stats, compaction). */
struct lsm *store_lsm_engine(struct store *s);

#endif
