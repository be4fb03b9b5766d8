/*
 * Figures: that they count what was done, and how they are told.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/db/latency.h"
#include "tests/support/lsm_store.h"

/* The figure of this name; the test ends if there is none. */
struct search {
	const char *name;
	uint64_t value;
	unsigned found;
	unsigned all;
};

static int
look(void *ctx, const char *name, uint64_t value)
{
	struct search *s = ctx;

	s->all++;
	if (strcmp(name, s->name) == 0) {
		s->value = value;
		s->found++;
	}
	return 0;
}

static uint64_t
figure(const struct lsm_stats *stats, const char *name)
{
	struct search s = {.name = name};

	check_ok(lsm_stats_each(stats, look, &s));
	check_eq(s.found, 1);
	return s.value;
}

static void
stats__latencies_count_what_is_timed(void **state)
{
	struct lsm_store s;
	struct lsm_stats f;
	uint64_t seq;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1 << 20;
	lsm_store_open(&s);
	for (int i = 0; i < 40; i++)
		seq = lsm_store_put(&s, "key", "value");
	check_ok(lsm_sync(s.db, seq));
	check_str(lsm_store_get(&s, "key"), "value");
	check_ok(lsm_flush(s.db));
	f = lsm_store_stats(&s);
	/* How many this thread did before decides how many are timed. */
	check_true(f.put.count >= 2);
	check_le(f.put.count, 40);
	check_eq(f.sync.count, f.syncs);
	check_eq(f.flush.count, 1);
	check_le(f.put.p50, f.put.p99);
	check_le(f.put.p99, f.put.max);
	check_true(f.sync.p50 > 0);
	check_eq(f.level_written[0], f.bytes_written_flush);
	lsm_store_fini(&s);
}

#define CALLS       800u /* of each kind */
#define CALLS_SLOW  16u
#define SYNC_US     2000
#define SYNC_NS_MIN (SYNC_US * 970) /* as figures may be off by 3 % */

static struct env_ops slow_ops;
static const struct env_ops *fast_ops;

static int
sync_slowly(struct env_file *f)
{
	usleep(SYNC_US);
	return fast_ops->sync(f);
}

struct calls {
	struct lsm_store s;
	unsigned count;
};

static void *
put_and_get(void *arg)
{
	struct calls *c = arg;

	for (unsigned i = 0; i < c->count; i++) {
		lsm_store_put(&c->s, "key", "value");
		check_str(lsm_store_get(&c->s, "key"), "value");
	}
	return NULL;
}

/* In a thread that has done nothing before, so that it is known which of them
 * are timed. */
static struct lsm_stats
figures_of_calls(enum durability_policy policy, unsigned count)
{
	struct calls c = {.count = count};
	struct lsm_stats f;
	pthread_t thread;

	lsm_store_init(&c.s);
	fast_ops = c.s.posix.ops;
	slow_ops = *fast_ops;
	slow_ops.sync = sync_slowly;
	c.s.posix.ops = &slow_ops;
	c.s.options.durability = durability_of(policy);
	lsm_store_open(&c.s);
	check_ok(pthread_create(&thread, NULL, put_and_get, &c));
	check_ok(pthread_join(thread, NULL));
	f = lsm_store_stats(&c.s);
	lsm_store_fini(&c.s);
	return f;
}

static void
stats__gets_and_commits_are_timed(void **state)
{
	struct lsm_stats f = figures_of_calls(DURABILITY_NONE, CALLS);
	uint64_t timed =
	    LATENCY_FIRST + (CALLS - LATENCY_FIRST) / LATENCY_EVERY;

	(void)state;
	check_eq(f.get.count, timed);
	check_eq(f.put.count, timed);
	check_eq(f.commit.count, timed);
	check_true(f.get.p50 > 0);
	check_true(f.put.p50 > 0);
	check_le(f.put.p50, f.commit.p50);
}

static void
stats__a_commit_takes_as_long_as_its_sync(void **state)
{
	struct lsm_stats f = figures_of_calls(DURABILITY_SYNC, CALLS_SLOW);

	(void)state;
	check_eq(f.commit.count, CALLS_SLOW);
	check_le(CALLS_SLOW, f.sync.count); /* one more when the store begins */
	check_le(SYNC_NS_MIN, f.sync.p50);
	check_le(SYNC_NS_MIN, f.commit.p50);
}

static void
stats__levels_tell_what_compactions_read_and_wrote(void **state)
{
	struct lsm_store s;
	struct lsm_stats f;
	uint64_t read = 0, written = 0;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	for (int i = 0; i < 3; i++) {
		lsm_store_fill(&s, 0, 500, 100, (char)('a' + i));
		check_ok(lsm_flush(s.db));
	}
	check_ok(lsm_compact(s.db, NULL, NULL));
	f = lsm_store_stats(&s);
	for (int i = 1; i < LSM_LEVELS; i++) {
		read += f.level_read[i];
		written += f.level_written[i];
	}
	check_eq(written, f.bytes_written_compact);
	check_true(read >= written); /* two of three versions went */
	check_true(f.compaction.count > 0);
	lsm_store_fini(&s);
}

static void
stats__ratios_follow_from_counts(void **state)
{
	struct lsm_stats f = {
	    .bytes_written_user = 100,
	    .bytes_written_log = 110,
	    .bytes_written_flush = 90,
	    .bytes_written_compact = 150,
	    .level_bytes = {10, 0, 50, 200},
	    .cache_hits = 3,
	    .cache_misses = 1,
	    .gets = 50,
	    .level_searched = {10, 0, 25, 40},
	    .filter_skips = 98,
	    .searches_in_vain = 2,
	    .get = {.p99 = 17},
	};

	(void)state;
	check_eq(figure(&f, "write_amplification_percent"), 350);
	check_eq(figure(&f, "space_amplification_percent"), 130);
	check_eq(figure(&f, "cache_hit_percent"), 75);
	check_eq(figure(&f, "read_amplification_percent"), 150);
	check_eq(figure(&f, "filter_hit_percent"), 98);
	check_eq(figure(&f, "level_3_searched"), 40);
	check_eq(figure(&f, "get_p99_ns"), 17);
	check_eq(figure(&f, "level_3_bytes"), 200);
	f = (struct lsm_stats){0};
	check_eq(figure(&f, "write_amplification_percent"), 0);
}

static int
stop_at_3(void *ctx, const char *name, uint64_t value)
{
	unsigned *calls = ctx;

	(void)name;
	(void)value;
	return ++*calls == 3 ? -ECANCELED : 0;
}

static void
stats__each_stops_when_told(void **state)
{
	struct lsm_stats f = {0};
	unsigned calls = 0;

	(void)state;
	check_err(lsm_stats_each(&f, stop_at_3, &calls), -ECANCELED);
	check_eq(calls, 3);
}

static void
stats__text_and_json_have_every_figure(void **state)
{
	struct lsm_stats f = {.puts = 12345};
	struct search s = {.name = ""};
	unsigned lines = 0, members = 0;
	char *text, *json;
	size_t size;
	FILE *out;

	(void)state;
	check_ok(lsm_stats_each(&f, look, &s));
	out = open_memstream(&text, &size);
	check_ok(lsm_stats_text(&f, out));
	fclose(out);
	out = open_memstream(&json, &size);
	check_ok(lsm_stats_json(&f, out));
	fclose(out);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	for (const char *p = json; *p; p++)
		members += *p == ':';
	check_eq(lines, s.all);
	check_eq(members, s.all);
	check_true(strncmp(text, "puts 12345\n", 11) == 0);
	check_true(strncmp(json, "{\n  \"puts\": 12345,\n", 19) == 0);
	check_true(strcmp(json + size - 4, "0\n}\n") == 0);
	free(text);
	free(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stats__latencies_count_what_is_timed),
	    cmocka_unit_test(stats__gets_and_commits_are_timed),
	    cmocka_unit_test(stats__a_commit_takes_as_long_as_its_sync),
	    cmocka_unit_test(
		stats__levels_tell_what_compactions_read_and_wrote),
	    cmocka_unit_test(stats__ratios_follow_from_counts),
	    cmocka_unit_test(stats__each_stops_when_told),
	    cmocka_unit_test(stats__text_and_json_have_every_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
