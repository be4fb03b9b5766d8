#include "engine/db/compact.h"

#include <stdio.h>

#include "engine/base/wire.h"
#include "engine/db/db.h"
#include "tests/check.h"
#include "tests/support/history.h"
#include "tests/support/vset_check.h"

/* --- the rule ---------------------------------------------------------- */

/* Versions of keys, newest first: "k9 k7-" is a put of k at 9, a delete at 7.
 * What stays is written in the same way. */
static const struct {
	const char *entries;
	uint64_t snapshots[HISTORY_SNAPSHOTS_MAX]; /* up to the first 0 */
	bool deeper;
	const char *want;
} rules[] = {
    {"", {9}, false, ""},
    {"a5 b3", {9}, false, "a5 b3"},
    /* the newest one wins; others as far as a snapshot sees them */
    {"a5 a4 a3", {9}, false, "a5"},
    {"a5 a4 a3", {4, 9}, false, "a5 a4"},
    {"a5 a4 a3", {5}, false, "a5"},
    {"a5 a4 a3 a2 a1", {2, 4, 9}, false, "a5 a4 a2"},
    {"a5 a4 a3", {1, 2, 9}, false, "a5"},
    {"a9 b8 a7", {9}, false, "a9 b8 a7"}, /* "a" again: another key to it */
    /* what is above the last one may get any snapshot yet */
    {"a5 a4 a3", {3}, false, "a5 a4 a3"},
    {"a5 a4 a3 a2", {3}, false, "a5 a4 a3"},
    {"a5 a4-", {3}, false, "a5 a4-"},
    {"a5- a4- a3-", {3}, false, "a5- a4-"},
    {"a5 a4 a3", {0}, false, "a5 a4 a3"},
    {"a5-", {0}, false, "a5-"},
    /* deletes go when everybody sees them and nothing is below */
    {"a5- a4", {9}, false, ""},
    {"a5- a4", {9}, true, "a5-"},
    {"a5- a4", {4, 9}, false, "a5- a4"},
    {"a5- a4", {5}, false, ""},
    {"a5- a4- a3", {4, 9}, false, "a5-"},
    {"a5- a4- a3", {4, 9}, true, "a5- a4-"},
    {"a5 a4- a3", {4, 9}, false, "a5"},
    {"a5- b4- c3", {9}, false, "c3"},
    {"a5 a4-", {9}, true, "a5"},
};

static void
check_rule(size_t i)
{
	struct compact_filter f = {.snapshots = rules[i].snapshots};
	const char *line = rules[i].entries;
	char token[16], want[32];
	struct buf got = {0};
	int n;

	while (rules[i].snapshots[f.snapshot_count])
		f.snapshot_count++;
	for (; sscanf(line, " %15s%n", token, &n) == 1; line += n) {
		struct ikey key = {.user = bytes_of(token, 1),
		    .seq = (uint64_t)(token[1] - '0'),
		    .kind = token[2] == '-' ? IKEY_KIND_DELETE : IKEY_KIND_PUT};
		int rc = compact_filter_drop(&f, &key, rules[i].deeper);

		check_le(0, rc);
		snprintf(
		    want, sizeof(want), "%s%s", got.size ? " " : "", token);
		if (rc == 0)
			check_ok(buf_append_bytes(&got, bytes_str(want)));
	}
	check_bytes_eq(buf_bytes(&got), bytes_str(rules[i].want));
	buf_fini(&got);
	compact_filter_fini(&f);
}

static void
compact__filter_drops_what_nobody_sees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		printf("case %zu\n", i);
		check_rule(i);
	}
}

static void
count_in(
    struct vset *set, uint64_t *entries, uint64_t *deletes, unsigned *levels)
{
	struct version *v = vset_current(set);

	*entries = *deletes = *levels = 0;
	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		*levels += v->levels[i].count > 0;
		for (size_t j = 0; j < v->levels[i].count; j++) {
			*entries += v->levels[i].files[j]->entries;
			*deletes += v->levels[i].files[j]->deletes;
		}
	}
	version_unref(v);
}

/* --- against the model ------------------------------------------------- */

/* As if the store were opened with the other one now and then. */
static void
choose_style(struct history *s, struct check_rand *r)
{
	if (check_rand_one_in(r, 6))
		s->options.compaction_style = check_rand_one_in(r, 2)
						  ? LSM_COMPACTION_LAZY
						  : LSM_COMPACTION_LEVELED;
}

static void
one_history(struct check_rand *r)
{
	struct history s;

	history_init(&s);
	for (int i = 0; i < 12; i++) {
		choose_style(&s, r);
		history_write(&s, r);
		history_choose_snapshots(&s, r);
		history_check_reads(&s);
		for (int j = 0; j < 6 && history_compact_next(&s); j++)
			history_check_reads(&s);
		if (check_rand_one_in(r, 4))
			history_compact_level(
			    &s, (unsigned)check_rand_below(r, 4));
		history_check_reads(&s);
	}
	history_compact_all(&s);
	history_check_reads(&s);
	vset_fini(&s.set);
	check_ok(vset_recover(&s.set, &s.d.place, &s.d.sink));
	history_check_reads(&s);
	history_fini(&s);
}

static void
compact__every_snapshot_sees_the_same_before_and_after(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int i = 0; i < (check_long() ? 500 : 15); i++)
		one_history(&r);
}

/* --- several at once ---------------------------------------------------- */

#define RUNS 4

struct crowd {
	struct history_run runs[RUNS];
	bool on[RUNS], merged[RUNS];
	unsigned most;
};

/* Something happens to one of them: it begins, merges, or ends. */
static void
crowd_step(struct history *s, struct crowd *c, size_t i)
{
	unsigned now = 0;

	if (!c->on[i]) {
		c->on[i] = history_begin(s, &c->runs[i]);
		c->merged[i] = false;
	} else if (!c->merged[i]) {
		/* Snapshots are those of when it merges; what it drops then
		 * nobody may ask for. */
		c->runs[i].job =
		    history_job(s, c->runs[i].version, &c->runs[i].pick);
		history_merge(&c->runs[i]);
		c->merged[i] = true;
	} else {
		history_end(s, &c->runs[i]);
		c->on[i] = false;
	}
	for (size_t j = 0; j < RUNS; j++)
		now += c->on[j];
	if (now > c->most)
		c->most = now;
}

static void
crowd_finish(struct history *s, struct crowd *c)
{
	for (size_t i = 0; i < RUNS; i++)
		while (c->on[i])
			crowd_step(s, c, i);
}

static void
crowd_history(struct check_rand *r, struct crowd *c)
{
	struct history s;

	history_init(&s);
	s.keys = 120;
	for (int i = 0; i < 20; i++) {
		choose_style(&s, r);
		history_write(&s, r);
		history_choose_snapshots(&s, r);
		for (uint64_t n = check_rand_below(r, 16); n > 0; n--)
			crowd_step(&s, c, check_rand_below(r, RUNS));
		history_check_reads(&s);
	}
	crowd_finish(&s, c);
	history_check_reads(&s);
	history_compact_all(&s);
	history_check_reads(&s);
	history_fini(&s);
}

static void
compact__several_at_once_do_not_disturb_each_other(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct crowd c = {.most = 0};

	(void)state;
	for (int i = 0; i < (check_long() ? 500 : 15); i++)
		crowd_history(&r, &c);
	check_le(3, c.most);
}

/* --- in pieces ----------------------------------------------------------- */

/* All of level 0 to the last; returns how many entries there are then. */
static uint64_t
compact_in_pieces(struct history *s, unsigned least, unsigned most)
{
	struct version *v = vset_current(&s->set);
	struct edit e = {0};
	struct compact_job job;
	uint64_t entries, deletes;
	unsigned levels;
	struct pick p;

	check_eq(pick_whole_level(v, 0, 0, &p), 1);
	job = history_job(s, v, &p);
	check_ok(compact_run(&job, &e));
	check_le(least, job.pieces);
	check_le(job.pieces, most);
	vset_check_apply(&s->set, &e);
	pick_fini(&p);
	version_unref(v);
	history_check_reads(s);
	count_in(&s->set, &entries, &deletes, &levels);
	check_eq(deletes, 0);
	return entries;
}

static uint64_t
two_rounds(uint64_t seed, unsigned threads, unsigned least, unsigned most)
{
	struct check_rand r = check_rand_of(seed);
	struct sorted memtable = {0};
	struct history s;
	uint64_t entries;

	history_init(&s);
	s.keys = 1000;
	s.db->compaction.thread_count = threads;
	for (unsigned i = 0; i < s.keys; i++)
		history_put(&s, &memtable, i, true);
	history_flush(&s, &memtable);
	s.snapshots[0] = s.seq;
	s.snapshot_count = 1;
	compact_in_pieces(&s, 1, 1); /* nothing tells where to cut */
	for (unsigned i = 0; i < 500; i++)
		history_put(&s, &memtable,
		    (unsigned)check_rand_below(&r, s.keys),
		    check_rand_one_in(&r, 2));
	history_flush(&s, &memtable);
	s.snapshots[0] = s.seq;
	entries = compact_in_pieces(&s, least, most);
	history_fini(&s);
	return entries;
}

static void
compact__pieces_make_the_whole(void **state)
{
	uint64_t seed = check_seed(), entries = two_rounds(seed, 1, 1, 1);

	(void)state;
	check_eq(two_rounds(seed, 2, 2, 4), entries);
	check_eq(two_rounds(seed, 16, 3, 32), entries);
}

/* Every key, with a value that expires some day. */
static void
expiring_round(struct history *s, struct compact_job *job)
{
	struct sorted memtable = {0};
	struct edit e = {0};
	struct version *v;
	struct pick p;
	uint8_t raw[VALUE_EXPIRY];
	char user[16];

	wire_put_le64(raw, UINT64_MAX);
	for (unsigned i = 0; i < s->keys; i++) {
		history_user(i, user);
		sorted_add(&memtable, bytes_str(user), ++s->seq,
		    IKEY_KIND_UNTIL, bytes_of(raw, sizeof(raw)));
	}
	history_flush(s, &memtable);
	s->snapshots[0] = s->seq;
	s->snapshot_count = 1;
	v = vset_current(&s->set);
	check_eq(pick_whole_level(v, 0, 0, &p), 1);
	*job = history_job(s, v, &p);
	check_ok(compact_run(job, &e));
	vset_check_apply(&s->set, &e);
	pick_fini(&p);
	version_unref(v);
}

static void
compact__pieces_read_the_clock_once(void **state)
{
	struct compact_job job;
	struct history s;

	(void)state;
	history_init(&s);
	s.keys = 1000;
	expiring_round(&s, &job);
	check_eq(job.pieces, 1);
	check_eq(atomic_load(&s.d.fault.wall_reads), 1);
	expiring_round(&s, &job);
	check_le(2, job.pieces);
	check_eq(atomic_load(&s.d.fault.wall_reads), 2);
	history_fini(&s);
}

static uint64_t
live_keys(struct history *s)
{
	struct bytes value;
	uint64_t n = 0;
	char user[16];

	for (unsigned i = 0; i < s->keys; i++) {
		history_user(i, user);
		n += (uint64_t)history_get(s, bytes_str(user), s->seq, &value);
	}
	return n;
}

static void
compact__everything_leaves_only_what_is_alive(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint64_t entries, deletes;
	unsigned levels;

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct history s;

		history_init(&s);
		for (int j = 0; j < 8; j++) {
			history_write(&s, &r);
			/* A snapshot that is gone at the end. */
			history_choose_snapshots(&s, &r);
			history_compact_next(&s);
			history_compact_next(&s);
		}
		history_compact_all(&s);
		s.snapshots[0] = s.seq;
		s.snapshot_count = 1;
		history_write(&s, &r);
		s.snapshots[0] = s.seq;
		history_compact_all(&s);
		history_check_reads(&s);
		count_in(&s.set, &entries, &deletes, &levels);
		check_eq(deletes, 0);
		check_le(levels, 1);
		check_le(live_keys(&s), entries);
		history_fini(&s);
	}
}

/* Without snapshots in between it is exact. */
static void
compact__one_pass_keeps_exactly_the_live_keys(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint64_t entries, deletes;
	unsigned levels;
	struct history s;

	(void)state;
	history_init(&s);
	for (int j = 0; j < 8; j++) {
		history_write(&s, &r);
		s.snapshots[0] = s.seq;
		s.snapshot_count = 1;
		history_compact_next(&s);
	}
	history_compact_all(&s);
	count_in(&s.set, &entries, &deletes, &levels);
	check_eq(entries, live_keys(&s));
	check_eq(deletes, 0);
	check_eq(levels, 1);
	history_fini(&s);
}

static void
compact__what_is_all_deleted_leaves_no_table(void **state)
{
	struct sorted memtable = {0};
	uint64_t entries, deletes;
	unsigned levels;
	struct history s;

	(void)state;
	history_init(&s);
	for (unsigned i = 0; i < s.keys; i++)
		history_put(&s, &memtable, i, true);
	history_flush(&s, &memtable);
	for (unsigned i = 0; i < s.keys; i++)
		history_put(&s, &memtable, i, false);
	history_flush(&s, &memtable);
	s.snapshots[0] = s.seq;
	s.snapshot_count = 1;
	history_compact_all(&s);
	count_in(&s.set, &entries, &deletes, &levels);
	check_eq(entries, 0);
	check_true(strstr(store_dir_names(&s.d), ".sst") == NULL);
	history_fini(&s);
}

/* --- cutting ----------------------------------------------------------- */

static void
compact__tables_are_cut_but_not_inside_a_key(void **state)
{
	struct sorted memtable = {0};
	struct version *v;
	struct history s;

	(void)state;
	history_init(&s);
	/* 40 versions of one key, each seen by somebody, would fill tables. */
	for (unsigned i = 0; i < 40; i++)
		history_put(&s, &memtable, 7, true);
	for (unsigned i = 8; i < s.keys; i++)
		history_put(&s, &memtable, i, true);
	history_flush(&s, &memtable);
	s.options.compression = LSM_COMPRESSION_NONE;
	s.snapshots[0] = 1;
	s.snapshot_count = 1;
	history_compact_level(&s, 0);
	v = vset_current(&s.set);
	check_le(2, v->levels[6].count);
	check_eq(v->levels[6].files[0]->entries, 40);
	for (size_t i = 1; i < v->levels[6].count; i++)
		check_le(
		    v->levels[6].files[i]->bytes, 2 * s.options.table_bytes);
	history_check_reads(&s);
	version_unref(v);
	history_fini(&s);
}

/* Tables of level 6 for so many keys each, with values of so many bytes. */
static void
tables_below(struct history *s, unsigned keys, size_t bytes)
{
	struct check_rand r = check_rand_of(1);
	struct buf value = {0};
	struct edit e = {0};
	char user[16];

	check_ok(buf_reserve(&value, bytes));
	value.size = bytes;
	for (unsigned i = 0; i < s->keys; i += keys) {
		struct sorted some = {0};
		struct version_file *f;

		for (unsigned j = i; j < i + keys; j++) {
			history_user(j, user);
			check_rand_fill(&r, value.data, bytes);
			sorted_add(&some, bytes_str(user), ++s->seq,
			    IKEY_KIND_PUT, buf_bytes(&value));
		}
		f = store_dir_table(
		    &s->d, vset_new_number(&s->set), &some, 0, keys);
		check_ok(edit_add_file(&e, 6, f));
		version_file_unref(f);
		sorted_fini(&some);
	}
	vset_check_apply(&s->set, &e);
	buf_fini(&value);
}

/* All keys, from level 0 into level 5. */
static struct version *
all_above(struct history *s)
{
	struct sorted memtable = {0};

	for (unsigned i = 0; i < s->keys; i++)
		history_put(s, &memtable, i, true);
	history_flush(s, &memtable);
	s->snapshots[0] = s->seq;
	s->snapshot_count = 1;
	s->options.level0_tables = 1;
	s->options.level_base_bytes = 10000;
	s->options.compression = LSM_COMPRESSION_NONE;
	check_true(history_compact_next(s));
	return vset_current(&s->set);
}

static void
compact__tables_are_cut_where_they_overlap_too_much_below(void **state)
{
	struct version *v;
	struct history s;

	(void)state;
	history_init(&s);
	tables_below(&s, 1, 10000);
	/* Everything would fit into one table; ten of this size are as much
	 * as the tables of ten keys below. */
	s.options.table_bytes = 10000;
	v = all_above(&s);
	check_le(s.keys / 12, v->levels[5].count);
	for (size_t i = 0; i < v->levels[5].count; i++)
		check_le(v->levels[5].files[i]->entries, 12);
	version_unref(v);
	history_fini(&s);
}

static void
compact__tables_end_with_those_below(void **state)
{
	struct version *v;
	struct history s;

	(void)state;
	history_init(&s);
	s.keys = 600;
	tables_below(&s, 5, 200);
	v = all_above(&s);
	check_le(10, v->levels[5].count);
	for (size_t i = 0; i < v->levels[5].count; i++) {
		const struct version_file *f = v->levels[5].files[i];

		check_le(f->bytes, 2 * s.options.table_bytes);
		check_eq(f->entries % 5, 0);
		check_le(s.options.table_bytes / 2, f->bytes);
	}
	version_unref(v);
	history_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compact__filter_drops_what_nobody_sees),
	    cmocka_unit_test(
		compact__every_snapshot_sees_the_same_before_and_after),
	    cmocka_unit_test(
		compact__several_at_once_do_not_disturb_each_other),
	    cmocka_unit_test(compact__pieces_make_the_whole),
	    cmocka_unit_test(compact__pieces_read_the_clock_once),
	    cmocka_unit_test(compact__everything_leaves_only_what_is_alive),
	    cmocka_unit_test(compact__one_pass_keeps_exactly_the_live_keys),
	    cmocka_unit_test(compact__what_is_all_deleted_leaves_no_table),
	    cmocka_unit_test(compact__tables_are_cut_but_not_inside_a_key),
	    cmocka_unit_test(
		compact__tables_are_cut_where_they_overlap_too_much_below),
	    cmocka_unit_test(compact__tables_end_with_those_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
