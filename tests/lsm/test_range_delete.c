/* Range deletes, from the door of the engine. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/lsm_store.h"

static const struct lsm_iter_options all;

static void
open_store(struct lsm_store *s)
{
	lsm_store_init(s);
	lsm_store_open(s);
}

/* One letter, one key. */
static void
put_letters(struct lsm_store *s, const char *letters)
{
	char key[2] = {0};

	for (; *letters; letters++) {
		key[0] = *letters;
		check_true(lsm_store_put(s, key, "v") > 0);
	}
}

static void
check_keys(struct lsm_store *s, const struct lsm_snapshot *at, const char *want)
{
	const struct lsm_iter_options o = {.snapshot = at};
	const char *text = lsm_store_keys(s, &o, false);
	char forward[256], key[2] = {0};
	size_t n = strlen(text);

	snprintf(forward, sizeof(forward), "%s", text);
	check_str(forward, want);
	/* The same from behind, and one by one. */
	text = lsm_store_keys(s, &o, true);
	check_eq(strlen(text), n);
	for (size_t i = 0; i < n; i++)
		check_eq(text[i], forward[n - 1 - i]);
	for (char c = 'a'; c <= 'z'; c++) {
		key[0] = c;
		check_eq(lsm_store_get_at(s, at, key) != NULL,
		    strchr(want, c) != NULL);
	}
}

/* In memory, in a table, in the deepest level, after a reopen. */
static void
check_everywhere(struct lsm_store *s, const char *want)
{
	check_keys(s, NULL, want);
	lsm_store_reopen(s);
	check_keys(s, NULL, want);
	check_ok(lsm_flush(s->db));
	check_keys(s, NULL, want);
	lsm_store_check(s);
	check_ok(lsm_compact(s->db, NULL, NULL));
	check_keys(s, NULL, want);
	lsm_store_check(s);
	lsm_store_reopen(s);
	check_keys(s, NULL, want);
}

static const struct {
	const char *begin;
	const char *end; /* NULL: none */
	const char *want;
} ends[] = {
    {"c", "f", "a b f g h"},
    {"bb", "ee", "a b f g h"},
    {"c", "cc", "a b d e f g h"},
    {"c", NULL, "a b"},
    {"", "c", "c d e f g h"},
    {"", NULL, ""},
    {"x", NULL, "a b c d e f g h"},
    {"", "a", "a b c d e f g h"},
    {"c", "c", "a b c d e f g h"},
    {"f", "c", "a b c d e f g h"},
    {"c", "", "a b c d e f g h"},
};

static void
range_delete__deletes_from_begin_to_before_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct lsm_store s;

		printf("case %zu\n", i);
		open_store(&s);
		put_letters(&s, "abcdefgh");
		lsm_store_delete_range(&s, ends[i].begin, ends[i].end);
		check_everywhere(&s, ends[i].want);
		lsm_store_fini(&s);
	}
}

static void
range_delete__hides_what_was_before_and_nothing_else(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	put_letters(&s, "abcdefgh");
	check_ok(lsm_flush(s.db));
	put_letters(&s, "cde");
	lsm_store_delete_range(&s, "b", "g");
	put_letters(&s, "dy");
	check_everywhere(&s, "a d g h y");
	/* In a table of its own, above them. */
	lsm_store_delete_range(&s, "d", "h");
	check_everywhere(&s, "a h y");
	put_letters(&s, "e");
	check_ok(lsm_flush(s.db));
	lsm_store_delete_range(&s, "a", "z");
	check_ok(lsm_flush(s.db));
	put_letters(&s, "f");
	check_everywhere(&s, "f");
	lsm_store_fini(&s);
}

static void
range_delete__in_a_batch_comes_where_it_stands(void **state)
{
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_store s;
	uint64_t before, seq;

	(void)state;
	open_store(&s);
	put_letters(&s, "bcd");
	before = lsm_seq(s.db);
	check_ok(lsm_batch_put(b, bytes_str("a"), bytes_str("v")));
	check_ok(lsm_batch_delete_range(b, bytes_str("a"), bytes_str("d")));
	check_ok(lsm_batch_put(b, bytes_str("b"), bytes_str("v")));
	check_eq(lsm_batch_count(b), 3);
	check_ok(lsm_write(s.db, b, &seq));
	check_eq(seq, before + 3);
	check_everywhere(&s, "b d");
	lsm_batch_free(b);
	lsm_store_fini(&s);
}

static void
range_delete__is_not_seen_by_snapshots_before(void **state)
{
	struct lsm_snapshot *first, *second, *third;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	put_letters(&s, "abcd");
	check_ok(lsm_snapshot_open(s.db, &first));
	lsm_store_delete_range(&s, "b", "d");
	check_ok(lsm_snapshot_open(s.db, &second));
	put_letters(&s, "bz");
	lsm_store_delete_range(&s, "a", "c");
	check_ok(lsm_snapshot_open(s.db, &third));
	put_letters(&s, "a");
	for (int i = 0; i < 3; i++) {
		check_keys(&s, first, "a b c d");
		check_keys(&s, second, "a d");
		check_keys(&s, third, "d z");
		check_keys(&s, NULL, "a d z");
		check_ok(
		    i == 0 ? lsm_flush(s.db) : lsm_compact(s.db, NULL, NULL));
	}
	lsm_snapshot_close(s.db, second);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_keys(&s, first, "a b c d");
	check_keys(&s, third, "d z");
	lsm_snapshot_close(s.db, first);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_keys(&s, third, "d z");
	check_keys(&s, NULL, "a d z");
	lsm_snapshot_close(s.db, third);
	check_everywhere(&s, "a d z");
	lsm_store_fini(&s);
}

/* An iterator that is open does not see it, and goes on. */
static void
range_delete__is_not_seen_by_open_iterators(void **state)
{
	struct lsm_iter *it;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	put_letters(&s, "abcd");
	check_ok(lsm_iter_open(s.db, &all, &it));
	check_eq(lsm_iter_first(it), 1);
	lsm_store_delete_range(&s, "a", "d");
	check_eq(lsm_iter_next(it), 1);
	check_bytes_eq(lsm_iter_key(it), bytes_str("b"));
	check_eq(lsm_iter_last(it), 1);
	check_eq(lsm_iter_prev(it), 1);
	check_bytes_eq(lsm_iter_key(it), bytes_str("c"));
	lsm_iter_close(it);
	check_keys(&s, NULL, "d");
	lsm_store_fini(&s);
}

static void
range_delete__leaves_nothing_after_a_compaction(void **state)
{
	struct lsm_stats stats;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 2000, 100, 'a');
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_delete_range(&s, "KEY", NULL);
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_keys(&s, &all, false)[0], '\0');
	check_ok(lsm_compact(s.db, NULL, NULL));
	stats = lsm_store_stats(&s);
	for (int i = 0; i < LSM_LEVELS; i++)
		check_eq(stats.level_tables[i], 0);
	check_eq(stats.range_deletes, 1);
	lsm_store_fini(&s);
}

/* Many tables are cut out of a range that reaches over all of them. */
static void
range_delete__is_cut_where_tables_are(void **state)
{
	struct lsm_snapshot *before;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 1000, 100, 'a');
	check_ok(lsm_snapshot_open(s.db, &before));
	lsm_store_delete_range(&s, "KEY000100", "KEY000900");
	lsm_store_fill(&s, 300, 400, 100, 'b');
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_check(&s);
	lsm_store_expect(&s, 0, 100, 100, 'a');
	lsm_store_expect(&s, 300, 400, 100, 'b');
	lsm_store_expect(&s, 900, 1000, 100, 'a');
	check_true(lsm_store_get(&s, "KEY000100") == NULL);
	check_true(lsm_store_get(&s, "KEY000299") == NULL);
	check_true(lsm_store_get(&s, "KEY000400") == NULL);
	check_true(lsm_store_get(&s, "KEY000899") == NULL);
	check_true(lsm_store_get_at(&s, before, "KEY000899") != NULL);
	lsm_snapshot_close(s.db, before);
	lsm_store_fini(&s);
}

/* --- limits ------------------------------------------------------------ */

static void
range_delete__limits_are_those_of_the_header(void **state)
{
	struct lsm_batch *b = lsm_batch_new();
	struct bytes long_key, too_long, none = {NULL, 0};
	char *memory = calloc(1, LSM_KEY_MAX + 1);
	uint32_t count;

	(void)state;
	long_key = bytes_of(memory, LSM_KEY_MAX);
	too_long = bytes_of(memory, LSM_KEY_MAX + 1);
	check_err(lsm_batch_delete_range(b, too_long, none), -EINVAL);
	check_err(lsm_batch_delete_range(b, none, too_long), -EINVAL);
	check_eq(lsm_batch_count(b), 0);
	for (count = 0; count < LSM_BATCH_RANGES_MAX; count++)
		check_ok(
		    lsm_batch_delete_range(b, bytes_str("a"), bytes_str("b")));
	check_err(lsm_batch_delete_range(b, bytes_str("a"), none), -E2BIG);
	check_eq(lsm_batch_count(b), LSM_BATCH_RANGES_MAX);
	lsm_batch_clear(b);
	for (count = 0; !lsm_batch_delete_range(b, none, long_key); count++)
		continue;
	check_eq(count, LSM_BATCH_RANGE_BYTES_MAX / LSM_KEY_MAX);
	check_eq(lsm_batch_count(b), count);
	lsm_batch_free(b);
	free(memory);
}

/* So many that the memtable is full because of them. */
static void
range_delete__may_be_many(void **state)
{
	struct lsm_store s;
	char begin[16], end[16];

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1 << 20;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 4000, 10, 'a');
	for (unsigned i = 0; i < 4000; i += 2) {
		snprintf(begin, sizeof(begin), "KEY%06u", i);
		snprintf(end, sizeof(end), "KEY%06u", i + 1);
		lsm_store_delete_range(&s, begin, end);
	}
	check_le(1, lsm_store_stats(&s).flushes);
	for (unsigned i = 0; i < 4000; i++) {
		snprintf(begin, sizeof(begin), "KEY%06u", i);
		check_eq(lsm_store_get(&s, begin) != NULL, i % 2);
	}
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

/* --- damage and dumps ---------------------------------------------------- */

static void
ignore(void *ctx, const char *text)
{
	(void)text;
	++*(unsigned *)ctx;
}

/* What is deleted must not come back because the tombstone cannot be read. */
static void
range_delete__damaged_fails_the_read(void **state)
{
	struct lsm_value value;
	struct lsm_store s;
	unsigned found = 0;
	struct lsm_check_sink sink = {ignore, NULL, &found};
	struct lsm_iter *it;
	int rc;

	(void)state;
	open_store(&s);
	put_letters(&s, "abc");
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_delete_range(&s, "a", "c");
	check_ok(lsm_flush(s.db));
	lsm_store_close(&s);
	/* No entries, filter, index: the first byte is near the end. */
	lsm_store_damage(lsm_store_file(&s, ".sst"), 8 + 13 + 4 + 13 + 4 + 2);
	lsm_store_open(&s);
	check_err(lsm_get(s.db, NULL, bytes_str("b"), &value), -EUCLEAN);
	rc = lsm_iter_open(s.db, &all, &it);
	if (!rc) {
		rc = lsm_iter_first(it);
		lsm_iter_close(it);
	}
	check_err(rc, -EUCLEAN);
	check_eq(lsm_check(s.db, &sink), 1);
	check_eq(found, 1);
	check_true(lsm_store_said(&s, ".sst"));
	lsm_store_fini(&s);
}

static void
check_dump(const char *path, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	check_true(f != NULL);
	check_ok(lsm_dump_file(path, f));
	check_ok(fclose(f));
	check_contains(text, want);
	free(text);
}

static void
range_delete__is_shown_by_dumps(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_put(&s, "a", "what is deleted");
	lsm_store_put(&s, "b", "and this");
	check_ok(lsm_flush(s.db));
	lsm_store_delete_range(&s, "a", "c");
	lsm_store_delete_range(&s, "b", NULL);
	check_dump(lsm_store_file(&s, ".log"),
	    "3 delete range \"a\" to before \"c\"\n");
	check_dump(lsm_store_file(&s, ".log"),
	    "4 delete range \"b\" to before the end\n");
	check_ok(lsm_flush(s.db));
	check_dump(lsm_store_file(&s, ".sst"), ", ranges 2\n");
	check_dump(lsm_store_file(&s, ".sst"),
	    "3 delete range \"a\" to before \"b\"\n");
	check_dump(lsm_store_file(&s, ".sst"),
	    "4 delete range \"b\" to before the end\n");
	lsm_store_fini(&s);
}

/* --- long ranges in memory, with something newer in them ------------------
 */

#define KEYS 3000

struct model {
	struct lsm_store s;
	struct check_rand r;
	bool now[KEYS];
	struct lsm_snapshot *snapshot;
	bool before[KEYS];
};

static struct bytes
key_of(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof(text), "%06u", i);
	return bytes_str(text);
}

static void
model_put(struct model *m, unsigned i, bool put)
{
	struct lsm_batch *b = lsm_batch_new();

	if (put)
		check_ok(lsm_batch_put(b, key_of(i), bytes_str("v")));
	else
		check_ok(lsm_batch_delete(b, key_of(i)));
	check_ok(lsm_write(m->s.db, b, NULL));
	lsm_batch_free(b);
	m->now[i] = put;
}

static void
model_delete_range(struct model *m)
{
	unsigned begin = (unsigned)check_rand_below(&m->r, KEYS);
	unsigned end = begin + (unsigned)check_rand_below(&m->r, KEYS / 3);
	struct lsm_batch *b = lsm_batch_new();
	char first[16];

	if (end > KEYS)
		end = KEYS;
	snprintf(first, sizeof(first), "%06u", begin);
	check_ok(lsm_batch_delete_range(b, bytes_str(first), key_of(end)));
	check_ok(lsm_write(m->s.db, b, NULL));
	lsm_batch_free(b);
	for (; begin < end; begin++)
		m->now[begin] = false;
}

/* Moves from a random place, some steps there and some back. */
static void
model_walk(struct model *m, const struct lsm_snapshot *at, const bool *want)
{
	const struct lsm_iter_options o = {.snapshot = at};
	unsigned to = (unsigned)check_rand_below(&m->r, KEYS);
	size_t i = to;
	struct lsm_iter *it;
	int rc;

	check_ok(lsm_iter_open(m->s.db, &o, &it));
	rc = lsm_iter_seek(it, key_of(to));
	for (int n = 0; n < 10; n++) {
		while (i < KEYS && !want[i])
			i++;
		check_eq(rc, i < KEYS);
		if (rc == 0)
			break;
		check_bytes_eq(lsm_iter_key(it), key_of((unsigned)i++));
		rc = lsm_iter_next(it);
	}
	rc = lsm_iter_seek_back(it, key_of(to));
	i = (size_t)to + 1;
	for (int n = 0; n < 10; n++) {
		while (i > 0 && !want[i - 1])
			i--;
		check_eq(rc, i > 0);
		if (rc == 0)
			break;
		check_bytes_eq(lsm_iter_key(it), key_of((unsigned)--i));
		rc = lsm_iter_prev(it);
	}
	lsm_iter_close(it);
}

static void
model_step(struct model *m)
{
	unsigned at = (unsigned)check_rand_below(&m->r, KEYS);

	switch (check_rand_below(&m->r, 400)) {
	case 0:
		check_ok(lsm_flush(m->s.db));
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		model_delete_range(m);
		break;
	case 5:
	case 6:
		for (unsigned i = at; i < at + 100 && i < KEYS; i++)
			model_put(m, i, true);
		break;
	case 7:
		for (unsigned i = at; i < at + 100 && i < KEYS; i++)
			model_put(m, i, false);
		break;
	case 8:
		lsm_snapshot_close(m->s.db, m->snapshot);
		check_ok(lsm_snapshot_open(m->s.db, &m->snapshot));
		memcpy(m->before, m->now, sizeof(m->now));
		break;
	default:
		model_put(m, at, check_rand_one_in(&m->r, 2));
	}
}

static void
range_delete__model_of_long_ranges_in_memory(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	unsigned steps = check_long() ? 100000 : 4000;

	(void)state;
	check_true(m != NULL);
	m->r = check_rand_of(check_seed());
	lsm_store_init(&m->s);
	m->s.options.memtable_bytes = 4u << 20;
	m->s.options.table_bytes = 16384;
	lsm_store_open(&m->s);
	for (unsigned i = 0; i < KEYS; i++)
		model_put(m, i, true);
	check_ok(lsm_snapshot_open(m->s.db, &m->snapshot));
	memcpy(m->before, m->now, sizeof(m->now));
	for (unsigned i = 0; i < steps; i++) {
		model_step(m);
		model_walk(m, NULL, m->now);
		if (i % 4 == 0)
			model_walk(m, m->snapshot, m->before);
	}
	check_le(10, lsm_store_stats(&m->s).range_deletes);
	lsm_snapshot_close(m->s.db, m->snapshot);
	lsm_store_check(&m->s);
	lsm_store_fini(&m->s);
	free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(range_delete__deletes_from_begin_to_before_end),
	    cmocka_unit_test(
		range_delete__hides_what_was_before_and_nothing_else),
	    cmocka_unit_test(range_delete__in_a_batch_comes_where_it_stands),
	    cmocka_unit_test(range_delete__is_not_seen_by_snapshots_before),
	    cmocka_unit_test(range_delete__is_not_seen_by_open_iterators),
	    cmocka_unit_test(range_delete__leaves_nothing_after_a_compaction),
	    cmocka_unit_test(range_delete__is_cut_where_tables_are),
	    cmocka_unit_test(range_delete__limits_are_those_of_the_header),
	    cmocka_unit_test(range_delete__may_be_many),
	    cmocka_unit_test(range_delete__damaged_fails_the_read),
	    cmocka_unit_test(range_delete__is_shown_by_dumps),
	    cmocka_unit_test(range_delete__model_of_long_ranges_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
