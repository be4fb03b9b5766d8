/*
 * local: a store opened by this process, with the volume in it.
 */
#ifndef FS_CLI_LOCAL_H
#define FS_CLI_LOCAL_H

#include <limits.h>
#include <sys/types.h>

#include "engine/lsm.h"
#include "fs/store/store.h"
#include "fs/vol/vol.h"

struct local {
	struct store *store;
	struct lsm *db;
	struct vol *vol;
	struct lsm_lab *lab; /* NULL: none */
};

struct local_options {
	bool create;                  /* make the store if there is none */
	uint64_t cache_bytes;         /* 0: default */
	uint64_t memtable_bytes;      /* 0: default */
	struct durability durability; /* not valid: none */
	bool engine_only;             /* no volume: out->vol is NULL */
	bool passive;           /* nothing is flushed or compacted by itself */
	bool lab;               /* over a disk whose power can be cut */
	uint32_t sync_delay_ms; /* of that disk */
	int damaged_status;     /* if damage is why; 0: COMMAND_UNUSABLE */
	struct vol_options vol; /* its sink is set by local_open */
};

/* path must live as long as the store is open.  On an error messages have
 * been shown and the exit status is returned. */
int local_open(
    const char *path, const struct local_options *o, struct local *out);

/* Somebody else, by whom the store is mounted. */
struct local_holder {
	pid_t pid;
	char mountpoint[PATH_MAX];
};

/*
 * As local_open, but waits (10 s at most) for a command that has the store for
 * a moment, or a daemon that is closing it.  If the store is mounted, opens
 * nothing: then out->store is NULL and *holder is filled.
 */
int local_open_wait(const char *path, const struct local_options *o,
    struct local *out, struct local_holder *holder);

/* After a power cut, when l->store was closed: the store as it is now; l->vol
 * does not know it yet.  0 or -errno, messages shown. */
int local_open_store(
    const char *path, const struct local_options *o, struct local *l);

/* Everything durable and closed; an exit status, messages shown.  A power cut
 * that has not been followed by a restart takes what it has to take. */
int local_close(struct local *l, const char *path);

#endif
