/*
 * lsm_lab: a store on a disk whose power can be cut, for experiments.
 *
 * Use: lsm_lab_new for a store directory, set options.lab for lsm_open, and
 * work with the store as always.  After lsm_lab_cut (or when an armed cut has
 * happened) every change and sync fails with -EIO; lsm_close the store, call
 * lsm_lab_restart, and lsm_open it again: it finds what a real cut could have
 * left (engine/os/env_forget.h says how that is chosen).
 * Everything is written through, so without a cut nothing is lost, whatever
 * becomes of the process; a cut without the restart has not happened.
 * Owns: the store's lock, which stays with the lab while the store is closed:
 * from lsm_lab_new, or for a store that is then created from its first
 * lsm_open, until lsm_lab_free.
 * Threads: any; lsm_lab_new, _free and _restart while the store is closed.
 * Errors: as lsm.h.
 */
#ifndef ENGINE_LSM_LAB_H
#define ENGINE_LSM_LAB_H

#include <stdbool.h>
#include <stdint.h>

struct lsm_lab;

/* message, ctx: as in struct lsm_options, whose own are not used then.  After
 * a cut, until the restart, all of them are level 0.  -EBUSY: the store is open
 * elsewhere. */
int lsm_lab_new(const char *dir,
    void (*message)(void *ctx, int level, const char *text), void *ctx,
    struct lsm_lab **out);
void lsm_lab_free(struct lsm_lab *lab); /* NULL is allowed */

enum lsm_lab_keep {
	LSM_LAB_KEEP_NONE,   /* nothing that was not synced */
	LSM_LAB_KEEP_PREFIX, /* what was written before one moment */
	LSM_LAB_KEEP_RANDOM, /* any sectors and names, in any order */
};

struct lsm_lab_how {
	enum lsm_lab_keep keep;
	uint64_t seed;
};

void lsm_lab_cut(struct lsm_lab *lab, const struct lsm_lab_how *how);

/* At the n-th change of the disk from now on (n >= 1; 0: not any more); cut is
 * called then, by a thread of the store, and must not wait. */
void lsm_lab_arm(struct lsm_lab *lab, uint64_t n, const struct lsm_lab_how *how,
    void (*cut)(void *ctx), void *ctx);
bool lsm_lab_is_cut(struct lsm_lab *lab);

/* Every sync of the device takes so much longer. */
void lsm_lab_set_sync_delay(struct lsm_lab *lab, uint64_t us);

struct lsm_lab_report {
	uint64_t changes;     /* of the disk, so far */
	uint64_t writes;      /* that were not synced, */
	uint64_t writes_lost; /* wholly or in part */
	uint64_t bytes_lost;
	uint64_t names; /* changes of names that were not synced, */
	uint64_t names_lost;
};

/* After a cut.  out may be NULL. */
int lsm_lab_restart(struct lsm_lab *lab, struct lsm_lab_report *out);
uint64_t lsm_lab_changes(struct lsm_lab *lab);

#endif
