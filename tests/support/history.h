/*
 * history: a store of tables beside a model that remembers everything ever
 * written, for tests of compaction.
 *
 * Use: history_init; write and flush, choose snapshots, compact, check, in any
 * order; history_fini.  A failing call ends the test case.
 */
#ifndef TESTS_SUPPORT_HISTORY_H
#define TESTS_SUPPORT_HISTORY_H

#include "engine/db/compact.h"
#include "tests/support/store_dir.h"

#define HISTORY_SNAPSHOTS_MAX 8

struct history {
	struct store_dir d;
	struct vset set;
	struct sorted model; /* everything ever written */
	struct lsm_options options;
	struct lsm *db; /* for its job alone: helpers that do not come */
	struct pick_list running;
	struct buf cursors[LSM_LEVELS];
	uint64_t snapshots[HISTORY_SNAPSHOTS_MAX]; /* the last is the newest
						      visible */
	size_t snapshot_count;
	uint64_t visible; /* the last snapshot */
	uint64_t seq;     /* the highest of all */
	unsigned keys;
};

void history_init(struct history *h);
void history_fini(struct history *h);
void history_user(unsigned key, char user[16]);

/* Adds the next write of a key, a put or a delete, to a memtable. */
void history_put(struct history *h, struct sorted *to, unsigned key, bool put);

/* What was written to the memtable becomes a table of level 0. */
void history_flush(struct history *h, struct sorted *memtable);

/* A random memtable, flushed. */
void history_write(struct history *h, struct check_rand *r);

/* Some snapshots are closed; the last number that was visible may become one;
 * and later numbers are visible now, often not the very last. */
void history_choose_snapshots(struct history *h, struct check_rand *r);

/* What one who sees numbers up to seq should see of user: 1 with the value, 0
 * nothing. */
int history_get(const struct history *h, struct bytes user, uint64_t seq,
    struct bytes *value);

/* Every key as every snapshot sees it, and any that may be taken yet. */
void history_check_reads(struct history *h);

/* For picks from v. */
struct pick_scene history_scene(struct history *h, const struct version *v);

struct compact_job history_job(
    struct history *h, struct version *v, const struct pick *p);

/* One of those that run at once; of which history_begin says whether there was
 * something to begin.  What it reads is what there was then. */
struct history_run {
	struct pick pick;
	struct version *version;
	struct compact_job job;
	struct edit edit;
};
bool history_begin(struct history *h, struct history_run *run);
void history_merge(struct history_run *run);
void history_end(struct history *h, struct history_run *run);

/* Whether there was something to do. */
bool history_compact_next(struct history *h);
void history_compact_level(struct history *h, unsigned level);
void history_compact_all(struct history *h);

#endif
