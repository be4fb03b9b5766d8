/*
 * stats_text: the figures by name: lsm_stats_each and what prints with it.
 * Pure functions of the struct.
 */
#include <errno.h>
#include <inttypes.h>

#include "engine/lsm.h"

#define STATS_COUNTS(X)          \
	X(puts)                  \
	X(deletes)               \
	X(range_deletes)         \
	X(range_hints)           \
	X(batches)               \
	X(gets)                  \
	X(get_hits)              \
	X(iterators)             \
	X(entries_passed)        \
	X(bytes_written_user)    \
	X(bytes_written_log)     \
	X(bytes_written_flush)   \
	X(bytes_written_compact) \
	X(syncs)                 \
	X(flushes)               \
	X(compactions)           \
	X(stalls)                \
	X(stall_us)              \
	X(delays)                \
	X(delayed_us)            \
	X(cache_hits)            \
	X(cache_misses)          \
	X(filter_skips)          \
	X(searches_in_vain)      \
	X(expired)               \
	X(cache_bytes)           \
	X(memtable_bytes)        \
	X(memtables)             \
	X(seq)                   \
	X(durable_seq)           \
	X(unsynced_batches)      \
	X(unsynced_us)           \
	X(sync_cost_us)          \
	X(log_files)             \
	X(log_bytes)             \
	X(value_files)           \
	X(value_bytes)           \
	X(value_garbage_bytes)   \
	X(value_bytes_collected)

#define STATS_LEVELS(X) \
	X(tables)       \
	X(bytes)        \
	X(searched)     \
	X(read)         \
	X(written)

#define STATS_LATENCIES(X) \
	X(get)             \
	X(put)             \
	X(commit)          \
	X(sync)            \
	X(flush)           \
	X(compaction)

#define STATS_NAME_MAX 64

/* Whom to tell, and what the last call said. */
struct stats_teller {
	int (*each)(void *ctx, const char *name, uint64_t value);
	void *ctx;
	int rc;
};

static void
stats_tell(struct stats_teller *t, const char *name, uint64_t value)
{
	if (t->rc == 0)
		t->rc = t->each(t->ctx, name, value);
}

static void
stats_tell_level(
    struct stats_teller *t, int level, const char *what, uint64_t value)
{
	char name[STATS_NAME_MAX];

	snprintf(name, sizeof(name), "level_%d_%s", level, what);
	stats_tell(t, name, value);
}

static void
stats_tell_latency(
    struct stats_teller *t, const char *of, const struct lsm_latency *l)
{
	const struct {
		const char *name;
		uint64_t value;
	} parts[] = {{"timed", l->count}, {"p50_ns", l->p50},
	    {"p95_ns", l->p95}, {"p99_ns", l->p99}, {"p999_ns", l->p999},
	    {"max_ns", l->max}};
	char name[STATS_NAME_MAX];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(name, sizeof(name), "%s_%s", of, parts[i].name);
		stats_tell(t, name, parts[i].value);
	}
}

static uint64_t
stats_percent(uint64_t part, uint64_t whole)
{
	return whole ? (uint64_t)((double)part * 100 / (double)whole + 0.5) : 0;
}

/* All tables over those of the deepest level that has any. */
static uint64_t
stats_space_percent(const struct lsm_stats *s)
{
	uint64_t all = 0, deepest = 0;

	for (int i = 0; i < LSM_LEVELS; i++) {
		all += s->level_bytes[i];
		if (s->level_bytes[i] > 0)
			deepest = s->level_bytes[i];
	}
	return stats_percent(all, deepest);
}

static uint64_t
stats_searched(const struct lsm_stats *s)
{
	uint64_t all = 0;

	for (int i = 0; i < LSM_LEVELS; i++)
		all += s->level_searched[i];
	return all;
}

static void
stats_tell_ratios(struct stats_teller *t, const struct lsm_stats *s)
{
	stats_tell(t, "write_amplification_percent",
	    stats_percent(s->bytes_written_log + s->bytes_written_flush +
			      s->bytes_written_compact,
		s->bytes_written_user));
	stats_tell(t, "space_amplification_percent", stats_space_percent(s));
	stats_tell(t, "read_amplification_percent",
	    stats_percent(stats_searched(s), s->gets));
	stats_tell(t, "cache_hit_percent",
	    stats_percent(s->cache_hits, s->cache_hits + s->cache_misses));
	stats_tell(t, "filter_hit_percent",
	    stats_percent(
		s->filter_skips, s->filter_skips + s->searches_in_vain));
}

int
lsm_stats_each(const struct lsm_stats *s,
    int (*each)(void *ctx, const char *name, uint64_t value), void *ctx)
{
	struct stats_teller t = {each, ctx, 0};

#define STATS_TELL_COUNT(name) stats_tell(&t, #name, s->name);
	STATS_COUNTS(STATS_TELL_COUNT)
#undef STATS_TELL_COUNT
	for (int i = 0; i < LSM_LEVELS; i++) {
#define STATS_TELL_LEVEL(name) \
	stats_tell_level(&t, i, #name, s->level_##name[i]);
		STATS_LEVELS(STATS_TELL_LEVEL)
#undef STATS_TELL_LEVEL
	}
	stats_tell_ratios(&t, s);
#define STATS_TELL_LATENCY(name) stats_tell_latency(&t, #name, &s->name);
	STATS_LATENCIES(STATS_TELL_LATENCY)
#undef STATS_TELL_LATENCY
	return t.rc;
}

static int
stats_text_line(void *ctx, const char *name, uint64_t value)
{
	return fprintf(ctx, "%s %" PRIu64 "\n", name, value) < 0 ? -EIO : 0;
}

int
lsm_stats_text(const struct lsm_stats *s, FILE *out)
{
	return lsm_stats_each(s, stats_text_line, out);
}

struct stats_json {
	FILE *out;
	const char *before; /* the next member */
};

static int
stats_json_member(void *ctx, const char *name, uint64_t value)
{
	struct stats_json *j = ctx;
	int n = fprintf(j->out, "%s\"%s\": %" PRIu64, j->before, name, value);

	j->before = ",\n  ";
	return n < 0 ? -EIO : 0;
}

int
lsm_stats_json(const struct lsm_stats *s, FILE *out)
{
	struct stats_json j = {out, "{\n  "};
	int err = lsm_stats_each(s, stats_json_member, &j);

	if (!err && fputs("\n}\n", out) < 0)
		err = -EIO;
	return err;
}
