/*
 * local: a store opened by this process, with the volume in it.
 */
#ifndef FS_CLI_LOCAL_H
#define FS_CLI_LOCAL_H

#include "engine/lsm.h"
#include "fs/store/store.h"
#include "fs/vol/vol.h"

struct local {
	struct store *store;
	struct lsm *db;
	struct vol *vol;
};

struct local_options {
	bool create;             /* make the store if there is none */
	uint64_t cache_bytes;    /* 0: default */
	uint64_t memtable_bytes; /* 0: default */
	struct vol_options vol;  /* its sink is set by local_open */
};

/* path must live as long as the store is open.  On an error messages have
 * been shown and the exit status is returned. */
int local_open(
    const char *path, const struct local_options *o, struct local *out);

/* Everything durable and closed; an exit status, messages shown. */
int local_close(struct local *l, const char *path);

#endif
