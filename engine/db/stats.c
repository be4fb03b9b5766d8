/*
 * stats: figures of the store.
 */
#include "engine/db/db.h"
#include "engine/table/cache.h"

static void
stats_latency(const struct histogram *h, struct lsm_latency *out)
{
	struct histogram_figures f;

	histogram_read(h, &f);
	*out =
	    (struct lsm_latency){f.count, f.p50, f.p95, f.p99, f.p999, f.max};
}

static void
stats_latencies(struct lsm *db, struct lsm_stats *out)
{
	const struct latencies *l = &db->latencies;

	stats_latency(&l->get, &out->get);
	stats_latency(&l->put, &out->put);
	stats_latency(&l->commit, &out->commit);
	stats_latency(&l->sync, &out->sync);
	stats_latency(&l->flush, &out->flush);
	stats_latency(&l->compaction, &out->compaction);
}

static void
stats_levels(struct lsm *db, struct lsm_stats *out)
{
	for (int i = 0; i < LSM_LEVELS; i++) {
		out->level_searched[i] =
		    counter_sum(&db->counters.level_searched[i]);
		out->level_read[i] = counter_sum(&db->counters.level_read[i]);
		out->level_written[i] =
		    counter_sum(&db->counters.level_written[i]);
	}
}

static void
stats_counters(struct lsm *db, struct lsm_stats *out)
{
	const struct db_counters *c = &db->counters;

	out->gets = counter_sum(&c->gets);
	out->get_hits = counter_sum(&c->get_hits);
	out->entries_passed = counter_sum(&c->entries_passed);
	out->iterators = counter_sum(&c->iterators);
	out->bytes_written_flush = counter_sum(&c->bytes_flush);
	out->bytes_written_compact = counter_sum(&c->bytes_compact);
	out->syncs = counter_sum(&c->syncs);
	out->flushes = counter_sum(&c->flushes);
	out->compactions = counter_sum(&c->compactions);
	out->stalls = counter_sum(&c->stalls);
	out->stall_us = counter_sum(&c->stall_us);
	out->delays = counter_sum(&c->delays);
	out->delayed_us = counter_sum(&c->delayed_us);
	out->expired = counter_sum(&c->expired);
	out->value_bytes_collected = counter_sum(&c->collected);
	out->filter_skips = counter_sum(&c->filter_skips);
	out->searches_in_vain = counter_sum(&c->searches_in_vain);
}

static void
stats_writes(struct lsm *db, struct lsm_stats *out)
{
	const struct write_figures *f = &db->figures;

	lock_acquire(&db->write_lock);
	out->puts = f->puts;
	out->deletes = f->deletes;
	out->range_deletes = f->range_deletes;
	out->range_hints = f->range_hints;
	out->batches = f->batches;
	out->bytes_written_user = f->bytes_user;
	out->bytes_written_log = f->bytes_log;
	lock_release(&db->write_lock);
}

static void
stats_logs(struct lsm *db, struct lsm_stats *out)
{
	struct segment *s;

	lock_acquire(&db->sync_lock);
	TAILQ_FOREACH (s, &db->segments, link) {
		out->log_files++;
		out->log_bytes += wal_size(s->wal);
	}
	lock_release(&db->sync_lock);
}

static void
stats_pace(struct lsm *db, struct lsm_stats *out)
{
	struct pace_figures f;

	pace_figures(db, &f);
	out->unsynced_batches = f.batches;
	out->unsynced_us = f.age_us;
	out->sync_cost_us = f.cost_us;
}

/* Of what is in a file, everything that no table refers to is of no use. */
static void
stats_values(const struct version *v, struct lsm_stats *out)
{
	for (size_t i = 0; i < v->use_count; i++) {
		const struct version_use *u = &v->uses[i];
		uint64_t bytes = values_bytes(u->file);

		out->value_files++;
		out->value_bytes += bytes;
		if (bytes > u->bytes)
			out->value_garbage_bytes += bytes - u->bytes;
	}
}

static void
stats_view(struct lsm *db, struct lsm_stats *out)
{
	struct view *v = view_get(db);

	out->memtables = 1 + v->full_count;
	out->memtable_bytes = memtable_bytes(v->active);
	for (size_t i = 0; i < v->full_count; i++)
		out->memtable_bytes += memtable_bytes(v->full[i]);
	for (int i = 0; i < LSM_LEVELS; i++) {
		out->level_tables[i] = (unsigned)v->version->levels[i].count;
		out->level_bytes[i] = v->version->levels[i].bytes;
	}
	stats_values(v->version, out);
	view_unref(v);
}

void
lsm_stats(struct lsm *db, struct lsm_stats *out)
{
	struct cache_figures cache;

	memset(out, 0, sizeof(*out));
	stats_counters(db, out);
	stats_latencies(db, out);
	stats_levels(db, out);
	stats_writes(db, out);
	stats_logs(db, out);
	stats_view(db, out);
	stats_pace(db, out);
	cache_figures(db->cache, &cache);
	out->cache_hits = cache.hits;
	out->cache_misses = cache.misses;
	out->cache_bytes = cache.bytes;
	out->durable_seq = lsm_durable_seq(db);
	out->seq = lsm_seq(db);
}
