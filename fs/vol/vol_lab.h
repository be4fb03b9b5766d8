/*
 * vol_lab: what a volume has to do with power cuts.
 *
 * Errors: 0 or -errno.
 */
#ifndef FS_VOL_VOL_LAB_H
#define FS_VOL_VOL_LAB_H

#include "engine/base/buf.h"

struct store;
struct vol;

/*
 * Power cuts, for a volume on a store that can forget (mount option lab).
 * What is written to .keyfs/power-cut is handed to `cut`, which returns at
 * once: 0 it is ordered, or -errno; `report` appends what reading the file
 * gives.
 * Without a lab the file refuses writes with -EPERM and a message.
 */
enum vol_cut_keep { VOL_CUT_NONE, VOL_CUT_PREFIX, VOL_CUT_RANDOM };

struct vol_cut {
	uint64_t after; /* at the n-th change of the disk from now; 0: now */
	uint64_t seed;
	enum vol_cut_keep keep; /* of what was not synced */
};

struct vol_lab {
	int (*cut)(void *ctx, const struct vol_cut *how);
	int (*report)(void *ctx, struct buf *text);
	void *ctx;
	/* Lines for .keyfs/stats, which outlive the volume; or NULL. */
	const char *stats;
};

/* Before the volume is used.  lab is copied. */
void vol_set_lab(struct vol *v, const struct vol_lab *lab);

/* An fsync(2) was answered without vol_sync (fsync=ignore): counts it, for
 * .keyfs/stats. */
void vol_fsync_ignored(struct vol *v);

/*
 * After a power cut, while no other call is in flight: vol_stop lets go of the
 * store, so that it can be closed, and forgets every node, as at a reboot.
 * From then on the volume answers -EIO to everything; of what came before only
 * vol_releasedir (whose listing gives -EIO) is still allowed.  vol_restart
 * goes on with what store s holds; on an error the volume stays stopped.
 */
void vol_stop(struct vol *v);
int vol_restart(struct vol *v, struct store *s);

/* Calls each for every node that lookups were given for; name: under which the
 * root has it, NULL if it is elsewhere or the root itself.  Nothing else may
 * be in flight; a stopped volume knows none. */
void vol_each_known(struct vol *v,
    void (*each)(void *ctx, uint64_t ino, const char *name), void *ctx);

#endif
