/*
 * lsm_stats: figures of a store since it was opened; a part of lsm.h.
 *
 * Counting is without contention and never exact while others work.
 */
#ifndef ENGINE_LSM_STATS_H
#define ENGINE_LSM_STATS_H

#include <stdint.h>
#include <stdio.h>

#define LSM_LEVELS 7

/* Nanoseconds; percentiles are off by 3 % at most. */
struct lsm_latency {
	uint64_t count; /* of those that were timed */
	uint64_t p50, p95, p99, p999, max;
};

struct lsm_stats {
	uint64_t puts, deletes, range_deletes, batches;
	uint64_t range_hints; /* long runs of deletes that scans noted */
	uint64_t gets, get_hits, iterators;
	uint64_t entries_passed; /* by iterators: deleted, or not to be seen */
	uint64_t bytes_written_user; /* keys and values given */
	uint64_t bytes_written_log, bytes_written_flush, bytes_written_compact;
	/* Of the log, for its content: one for each of its files that a
	 * commit, lsm_sync, lsm_close or a policy's bound has to sync, that a
	 * flush leaves values in, or that an open has its manifest name.  Not
	 * counted: headers that a flush needs, files made ready or copied,
	 * tables, files of values alone, manifests, directories. */
	uint64_t syncs;
	uint64_t flushes, compactions;
	uint64_t stalls, stall_us;   /* writers that had to wait for room */
	uint64_t delays, delayed_us; /* and were slowed before that */
	uint64_t cache_hits, cache_misses;
	/* Tables that gets passed by for their filter said so, and those that
	 * they searched although the key is not there. */
	uint64_t filter_skips, searches_in_vain;
	uint64_t expired; /* values that flush and compaction dropped */
	uint64_t cache_bytes, memtable_bytes, memtables;
	uint64_t seq, durable_seq;
	uint64_t unsynced_batches;
	uint64_t unsynced_us;  /* age of the oldest of them */
	uint64_t sync_cost_us; /* of a sync of the log, lately */
	uint64_t log_files, log_bytes;
	/* Files with large values, and what in them is of no use any more. */
	uint64_t value_files, value_bytes, value_garbage_bytes;
	uint64_t value_bytes_collected; /* moved, to get rid of it */
	unsigned level_tables[LSM_LEVELS];
	uint64_t level_bytes[LSM_LEVELS];
	uint64_t level_searched[LSM_LEVELS]; /* tables, by gets */
	uint64_t level_read[LSM_LEVELS];     /* by compactions into it */
	uint64_t level_written[LSM_LEVELS];  /* flush: level 0 */
	/* Of calls: get, and put (lsm_write_under), of which one in 16 is
	 * timed; commit: lsm_write with its sync, if there was one.  Of the
	 * device: sync, as `syncs` without those of flushes.  Of the
	 * background: flush and compaction. */
	struct lsm_latency get, put, commit, sync, flush, compaction;
};

/*
 * All of them by name, as "puts", "level_0_bytes", "get_p99_ns", and what
 * follows from them: write_amplification_percent (written over given: log,
 * flush and compaction), space_amplification_percent (all tables over those of
 * the deepest level), read_amplification_percent (tables searched over gets),
 * cache_hit_percent, filter_hit_percent (of the tables without the key, those
 * passed by).  Goes on while each returns 0, and
 * returns what the last call did.
 */
int lsm_stats_each(const struct lsm_stats *s,
    int (*each)(void *ctx, const char *name, uint64_t value), void *ctx);

/* A line "name value" for each, or a JSON object.  -EIO: out takes no more. */
int lsm_stats_text(const struct lsm_stats *s, FILE *out);
int lsm_stats_json(const struct lsm_stats *s, FILE *out);

#endif
