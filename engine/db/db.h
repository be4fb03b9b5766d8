/*
 * db: the open store: what lsm.h's functions work on.
 *
 * Parts, each with a file of its own: segment (files of the log), spare (files
 * for it), values (files with large values, of the log and others), view (what
 * readers see), work (the jobs in the background), room (full memtables),
 * write, sync, pace (when to sync), flush, compaction, get, iter, snapshot,
 * replay and recover.
 *
 * Threads: fields are grouped by what protects them.  Locks nest in the order
 * compactions.lock, write_lock, sync_lock, state_lock, snapshot_lock.
 */
#ifndef ENGINE_DB_DB_H
#define ENGINE_DB_DB_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "engine/base/chunk.h"
#include "engine/base/counter.h"
#include "engine/base/eventcount.h"
#include "engine/base/lock.h"
#include "engine/db/compaction.h"
#include "engine/db/file_name.h"
#include "engine/db/latency.h"
#include "engine/db/memtable.h"
#include "engine/db/pace.h"
#include "engine/db/reaper.h"
#include "engine/db/reserve.h"
#include "engine/db/segment.h"
#include "engine/db/snapshot.h"
#include "engine/db/spare.h"
#include "engine/db/sync.h"
#include "engine/db/throttle.h"
#include "engine/db/values.h"
#include "engine/db/view.h"
#include "engine/db/vset.h"
#include "engine/db/work.h"
#include "engine/lsm.h"
#include "engine/os/env.h"
#include "engine/os/filelock.h"

/* What everybody counts; what only writers count is in write_figures. */
struct db_counters {
	struct counter gets, get_hits, iterators, entries_passed, filter_skips;
	struct counter bytes_flush, bytes_compact, expired, collected;
	struct counter searches_in_vain, level_searched[LSM_LEVELS];
	struct counter level_read[LSM_LEVELS], level_written[LSM_LEVELS];
	struct counter syncs, flushes, compactions;
	struct counter stalls, stall_us, delays, delayed_us;
};

struct write_figures {
	uint64_t puts, deletes, range_deletes, range_hints;
	uint64_t batches, bytes_user, bytes_log;
};

struct lsm {
	/* constant after open */
	struct env posix; /* what env points to, if none was given */
	struct env *env;
	char *dir;
	struct lsm_options options;
	struct filelock *filelock;
	struct cache *cache;
	struct reaper reaper;     /* has its own lock */
	struct values values;     /* the same */
	struct reserve reserve;   /* the same */
	struct chunk_pool chunks; /* the same; of memtables */
	struct vset vset;
	bool has_vset;
	size_t full_max; /* full memtables there may be */

	/* The present view, for readers (view.h). */
	struct pin_slot view_slot;
	/* Everything up to here is in the log and in the memtables.  Stored
	 * with release after that is so; who loads it with acquire finds it. */
	_Atomic uint64_t written;
	/* Everything up to here is on stable storage. Grows under sync_lock. */
	_Atomic uint64_t durable;
	/* 0, or the -errno that ended writing, no full disk's; set once. */
	_Atomic int failed;
	/* What an iterator has found out (hint.h), until somebody takes it. */
	_Atomic(struct hint *) hint;
	/* The last sync served one commit, and nobody waits for another. */
	atomic_bool sync_alone;
	/* The active memtable may be worth a flush though it is not full. */
	atomic_bool spent;
	/* The log has grown past log_mark: so shall the reserve. */
	atomic_bool grown;
	/* Steps of all jobs that did something; changed under state_lock. */
	_Atomic uint64_t work_done;
	/* Set by lsm_close: what runs in the background ends soon. */
	atomic_bool stop;
	/* A sync of the log has ended, or who waits for one has to look. */
	struct eventcount sync_ended;

	struct lock write_lock; /* protects: */
	uint64_t next_seq;
	struct memtable *active; /* the view has the reference */
	struct segment *log;     /* the last; the list's */
	uint64_t log_before;     /* bytes that active has in earlier segments */
	uint64_t log_mark;       /* when it has so many, `grown` is set next */
	struct write_figures figures;

	struct lock sync_lock;        /* protects: */
	struct segment_list segments; /* in order; not yet in tables */
	struct spare_pool spares;
	bool syncing;
	struct sync_group group;

	struct lock state_lock;      /* protects: */
	struct view *view;           /* what view_slot has */
	struct lock_cond work_ended; /* of any job */
	struct work flush;
	struct work compaction;
	struct work spare;

	struct throttle throttle;
	struct compaction_set compactions; /* has its own lock */
	struct pace pace;                  /* has its own lock */
	struct snapshot_list snapshots;    /* the same */
	struct db_counters counters;
	struct latencies latencies;
};

/* All zero, with locks; db_free frees everything that is in it. */
struct lsm *db_new(void);
void db_free(struct lsm *db);

/* Ends writing because of err, with a message; the first error stays, -EIO if
 * it is that of a full disk. */
void db_fail(struct lsm *db, int err);

static inline int
db_failed(struct lsm *db)
{
	/* Relaxed: the number is all that is read. */
	return atomic_load_explicit(&db->failed, memory_order_relaxed);
}

/* *path is a new string; -ENOMEM. */
int db_path(
    struct lsm *db, enum file_name_kind kind, uint64_t number, char **path);

#endif
