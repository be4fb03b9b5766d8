#include "engine/db/version.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/db/span.h"
#include "engine/table/merge.h"
#include "tests/check.h"
#include "tests/support/levels.h"
#include "tests/support/picture.h"
#include "tests/support/store_dir.h"

/* --- building ---------------------------------------------------------- */

static const struct {
	const char *base;
	const char *edit;
	const char *want; /* NULL: refused */
	const char *message;
} builds[] = {
    {"", "", "", NULL},
    {"", "0:1:a-c 0:3:b-d 0:2:a-z", "0:3:b-d 0:2:a-z 0:1:a-c", NULL},
    {"", "1:5:x-z 1:9:a-c 1:7:d-f", "1:9:a-c 1:7:d-f 1:5:x-z", NULL},
    {"0:1:a-c", "0:2:a-c", "0:2:a-c 0:1:a-c", NULL},
    {"0:2:a-c 0:1:a-c", "-0:1 -0:2 1:3:a-c", "1:3:a-c", NULL},
    {"0:1:a-c", "-0:1 1:1:a-c", "1:1:a-c", NULL},
    {"1:1:a-c 2:2:a-c", "6:3:a-c", "1:1:a-c 2:2:a-c 6:3:a-c", NULL},
    {"1:1:a-c 1:2:e-g", "1:3:d-d", "1:1:a-c 1:3:d-d 1:2:e-g", NULL},
    /* removes what is not there */
    {"", "-0:1", NULL, "removes"},
    {"1:1:a-c", "-0:1", NULL, "removes"},
    {"1:1:a-c", "-1:1 -1:1", NULL, "removes"},
    /* overlap, and a user key in two tables */
    {"1:1:a-c", "1:2:b-d", NULL, "overlap"},
    {"1:1:a-c", "1:2:c-d", NULL, "overlap"},
    {"1:1:a-z", "1:2:c-d", NULL, "overlap"},
    {"1:1:a-a", "1:2:a-a", NULL, "overlap"},
    /* range tombstones are among what a table holds */
    {"", "1:1:b-c~a-d 1:2:d-e", "1:1:a-d) 1:2:d-e", NULL},
    {"", "1:1:~a-d 1:2:~d-", "1:1:a-d) 1:2:d-", NULL},
    {"", "1:1:b-x~a-d 1:2:y-y~z-", "1:1:a-x 1:2:y-", NULL},
    {"1:1:a-c~a-d", "1:2:cc-e", NULL, "overlap"},
    {"1:1:a-c~a-c", "1:2:c-e", NULL, "overlap"},
    {"1:1:~a-c", "1:2:b-e", NULL, "overlap"},
    {"1:1:~a-", "1:2:b-e", NULL, "overlap"},
    {"1:1:x-z", "1:2:b-e~f-", NULL, "overlap"},
    /* a number twice */
    {"0:1:a-c", "1:1:a-c", NULL, "twice"},
    {"1:1:a-c", "2:1:x-z", NULL, "twice"},
    {"", "3:1:a-b 3:1:c-d", NULL, "twice"},
};

static void
check_build(size_t i, struct log *log)
{
	struct err_sink sink = log_sink(log);
	struct version *base = picture_version(builds[i].base), *v;
	struct edit e = {0};
	char before[256];
	int err;

	snprintf(before, sizeof(before), "%s", picture_of(base));
	log_clear(log);
	picture_edit(builds[i].edit, &e);
	err = version_build(base, &e, &sink, &v);
	if (builds[i].want) {
		check_ok(err);
		check_str(picture_of(v), builds[i].want);
		version_unref(v);
	} else {
		check_err(err, ERR_DAMAGED);
		check_contains(log->last, builds[i].message);
	}
	check_str(picture_of(base), before);
	edit_fini(&e);
	version_unref(base);
}

static void
version__build_applies_what_fits(void **state)
{
	struct log log;

	(void)state;
	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++)
		check_build(i, &log);
}

static void
version__build_counts_bytes(void **state)
{
	struct version *v = picture_version("2:1:a-b*70 2:2:c-d*30 3:3:a-b*5");

	(void)state;
	check_eq(v->levels[2].bytes, 100);
	check_eq(v->levels[3].bytes, 5);
	check_eq(v->levels[1].bytes, 0);
	version_unref(v);
}

/* An older table that came to level 0 later would hide newer entries. */
static void
version__build_refuses_level0_out_of_order(void **state)
{
	struct version *base = picture_version("0:5:a-c"), *v;
	struct edit e = {0};
	struct log log = {0};
	struct err_sink sink = log_sink(&log);

	(void)state;
	picture_edit("0:6:a-c", &e);
	e.adds[0].file->seq_min = 59; /* 5 has 50 to 59 */
	check_err(version_build(base, &e, &sink, &v), ERR_DAMAGED);
	check_contains(log.last, "out of order");
	e.adds[0].file->seq_min = 60;
	check_ok(version_build(base, &e, &sink, &v));
	version_unref(v);
	edit_fini(&e);
	version_unref(base);
}

/* The lowest number of a table may be that of a hint, and the last of the table
 * before. */
static void
version__build_knows_hints_in_level0(void **state)
{
	struct version *base = picture_version("0:5:a-c"), *v;
	struct edit e = {0};

	(void)state;
	picture_edit("0:6:a-c~a-b", &e);
	e.adds[0].file->seq_min = 58; /* 5 has 50 to 59 */
	check_err(version_build(base, &e, NULL, &v), ERR_DAMAGED);
	e.adds[0].file->seq_min = 59;
	check_ok(version_build(base, &e, NULL, &v));
	version_unref(v);
	edit_fini(&e);
	version_unref(base);
}

/* --- ranges ------------------------------------------------------------ */

static void
version__overlap_is_by_user_key(void **state)
{
	static const struct {
		const char *first;
		const char *last;
		size_t begin;
		size_t end;
	} cases[] = {
	    {"a", "z", 0, 3},
	    {NULL, NULL, 0, 3},
	    {NULL, "b", 0, 0},
	    {NULL, "c", 0, 1},
	    {"y", NULL, 3, 3},
	    {"x", NULL, 2, 3},
	    {"e", "k", 0, 2},
	    {"ea", "ja", 1, 1},
	    {"k", "m", 1, 2},
	    {"l", "l", 1, 2},
	    {"", "", 0, 0},
	};
	const struct bytes none = {NULL, 0};
	const struct span all = {none, none, SPAN_OPEN};
	struct version *v = picture_version("2:1:c-e 2:2:k-m 2:3:p-x");
	size_t first, end;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct span s = {
		    cases[i].first ? bytes_str(cases[i].first) : none,
		    cases[i].last ? bytes_str(cases[i].last) : none,
		    cases[i].last ? SPAN_INCLUDED : SPAN_OPEN};

		span_overlap(v, 2, &s, &first, &end);
		check_eq(end - first, cases[i].end - cases[i].begin);
		if (first < end)
			check_eq(first, cases[i].begin);
	}
	span_overlap(v, 1, &all, &first, &end);
	check_eq(first, end);
	version_unref(v);
}

/* Keys as they come, and such that the 8 bytes behind what all begin with are
 * the same for many. */
static void
version__find_level_finds_as_find(void **state)
{
	static const char *const levels[] = {
	    "2:1:c-e 2:2:k-m 2:3:p-x",
	    "2:1:aa-aa",
	    "2:1:dir-dir/0000 2:2:dir/00000000-dir/000000001"
	    " 2:3:dir/000000002-dir/00000000299 2:4:dir/0000000030-dir/1"
	    " 2:5:dir/10-dir/zzzzzzzzzzzzzz",
	    "2:1:dir/long/aaaaaaaa1-dir/long/aaaaaaaa2"
	    " 2:2:dir/long/aaaaaaaa3-dir/long/aaaaaaaa4"
	    " 2:3:dir/long/aaaaaaaa5-dir/long/aaaaaaaa6",
	};
	static const char letters[] = "/0123acdeilmnorz";
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct version *v = picture_version(levels[i]);
		const struct version_level *l = &v->levels[2];
		char key[32];

		for (int n = 0; n < 3000; n++) {
			/* A key of the level, cut and gone on with. */
			struct bytes b =
			    l->files[check_rand_below(&r, l->count)]->span.last;
			size_t size = check_rand_below(&r, b.size + 1);

			memcpy(key, b.data, size);
			for (size_t more = check_rand_below(&r, 4); more > 0;
			     more--)
				key[size++] = letters[check_rand_below(
				    &r, sizeof(letters) - 1)];
			b = bytes_of(key, size);
			check_eq(version_find_level(l, b),
			    version_find(l->files, l->count, b));
		}
		check_eq(version_find_level(&v->levels[3], bytes_str("k")), 0);
		version_unref(v);
	}
}

/* --- reading ----------------------------------------------------------- */

static void
check_get(struct version *v, const struct sorted *model, struct bytes target)
{
	uint64_t hash = hash_64(ikey_user(target), 0);
	struct version_met met = {0};
	size_t at = sorted_seek(model, target);
	struct table_entry got;
	struct ikey want;
	int rc = version_get(v, target, hash, &got, &met);

	check_le(0, rc);
	if (at == model->count ||
	    !bytes_eq(ikey_user(model->entries[at].key), ikey_user(target))) {
		check_eq(rc, 0);
		return;
	}
	check_eq(rc, 1);
	check_ok(ikey_decode(model->entries[at].key, &want));
	check_eq(got.seq, want.seq);
	check_eq(got.kind, want.kind);
	check_bytes_eq(got.value, model->entries[at].value);
	cache_unref(got.block);
}

static void
version__get_finds_the_newest_at_or_below(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf target = {0};

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct sorted model = {0};
		struct store_dir d;
		struct version *v;

		store_dir_init(&d);
		sorted_random(&model, &r, 1 + check_rand_below(&r, 400));
		v = levels_version(&d, &model, &r);
		for (int i = 0; i < 500; i++) {
			sorted_target(&model, &r, &target);
			check_get(v, &model, buf_bytes(&target));
		}
		for (size_t i = 0; i < model.count; i++)
			check_get(v, &model, model.entries[i].key);
		version_unref(v);
		store_dir_fini(&d);
		sorted_fini(&model);
	}
	buf_fini(&target);
}

static void
version__filters_are_counted(void **state)
{
	struct buf target = {0};
	struct edit e = {0};
	struct store_dir d;
	struct version *v;
	struct table_entry got;
	struct version_met met = {0};

	(void)state;
	store_dir_init(&d);
	store_dir_add(&d, &e, 0, 2, "a", "z");
	store_dir_add(&d, &e, 1, 1, "a", "z");
	check_ok(version_build(NULL, &e, &d.sink, &v));
	for (char c = 'b'; c < 'z'; c++) {
		struct bytes user = bytes_of(&c, 1);

		buf_clear(&target);
		check_ok(ikey_append(&target, user, 100, IKEY_KIND_SEEK));
		check_eq(version_get(v, buf_bytes(&target), hash_64(user, 0),
			     &got, &met),
		    0);
	}
	/* 48 questions; at 10 bits a key hardly one passes for nothing. */
	check_le(40, met.skipped);
	check_eq(met.skipped + met.searched, 48);
	check_eq(met.in_vain, met.searched);
	check_eq(met.searched_at[0] + met.searched_at[1], met.searched);
	edit_fini(&e);
	version_unref(v);
	buf_fini(&target);
	store_dir_fini(&d);
}

static void
version__iterators_cover_everything_in_both_directions(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct sorted model = {0};
		struct store_dir d;
		struct version *v;
		struct iter *children[64], *all;
		size_t count = 0;

		store_dir_init(&d);
		sorted_random(&model, &r, 1 + check_rand_below(&r, 400));
		v = levels_version(&d, &model, &r);
		check_le(version_iter_count(v), 64);
		check_ok(version_iters(
		    v, check_rand_one_in(&r, 2), children, &count));
		check_eq(count, version_iter_count(v));
		check_ok(merge_open(children, count, &all));
		sorted_walk(&model, all, &r, 2000);
		iter_close(all);
		version_unref(v);
		store_dir_fini(&d);
		sorted_fini(&model);
	}
}

/* All entries in one level, in tables as small as can be. */
static void
version__one_level_is_one_iterator(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted model = {0};
	struct version_file *files[400];
	size_t count = 0;
	struct store_dir d;
	struct iter *it;

	(void)state;
	store_dir_init(&d);
	sorted_random(&model, &r, 150);
	for (size_t i = 0, end; i < model.count; i = end) {
		end = levels_user_end(&model, i);
		files[count] = store_dir_table(&d, count + 1, &model, i, end);
		count++;
	}
	check_ok(version_iter_open(files, count, false, &it));
	sorted_walk(&model, it, &r, 3000);
	iter_close(it);
	check_ok(version_iter_open(files, 0, false, &it));
	check_eq(iter_first(it), 0);
	check_eq(iter_last(it), 0);
	check_eq(iter_seek(it, model.entries[0].key), 0);
	iter_close(it);
	for (size_t i = 0; i < count; i++)
		version_file_unref(files[i]);
	store_dir_fini(&d);
	sorted_fini(&model);
}

/* An error shows, is not taken for an end, and does not stick. */
static void
version__a_failed_read_can_be_tried_again(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct version *v;
	struct iter *it;
	size_t count = 0;

	(void)state;
	store_dir_init(&d);
	store_dir_add(&d, &e, 1, 1, "a", "b");
	store_dir_add(&d, &e, 1, 2, "c", "d");
	check_ok(version_build(NULL, &e, &d.sink, &v));
	check_ok(version_iters(v, false, &it, &count));
	check_eq(count, 1);
	check_eq(iter_first(it), 1);
	check_eq(iter_next(it), 1);
	d.fault.error = EIO;
	d.fault.reads_fail_at = d.fault.reads + 1;
	check_err(iter_next(it), -EIO);
	check_eq(iter_first(it), 1);
	for (int i = 0; i < 3; i++)
		check_eq(iter_next(it), 1);
	check_eq(iter_next(it), 0);
	check_eq(iter_last(it), 1);
	iter_close(it);
	edit_fini(&e);
	version_unref(v);
	store_dir_fini(&d);
}

static void
version__failing_to_open_a_table_adds_no_iterator(void **state)
{
	struct iter *children[4];
	struct edit e = {0};
	struct store_dir d;
	struct version *v;
	size_t count = 1; /* the caller's own */

	(void)state;
	store_dir_init(&d);
	store_dir_add(&d, &e, 0, 1, "a", "b");
	store_dir_add(&d, &e, 0, 2, "c", "d");
	check_ok(version_build(NULL, &e, &d.sink, &v));
	check_ok(env_unlink(&d.posix, store_dir_file(&d, "000001.sst")));
	check_err(version_iters(v, false, children, &count), -ENOENT);
	check_eq(count, 1);
	edit_fini(&e);
	version_unref(v);
	store_dir_fini(&d);
}

/* --- files ------------------------------------------------------------- */

static void
version__a_table_that_is_not_the_one_described_is_damage(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct table *t;

	(void)state;
	store_dir_init(&d);
	store_dir_add(&d, &e, 1, 1, "a", "b");
	e.adds[0].file->entries++;
	check_err(version_file_table(e.adds[0].file, &t), ERR_DAMAGED);
	check_contains(d.log.last, "000001.sst");
	e.adds[0].file->entries--;
	check_ok(version_file_table(e.adds[0].file, &t));
	edit_fini(&e);
	store_dir_fini(&d);
}

static void
version__obsolete_files_go_with_the_last_version(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct version *v, *w;

	(void)state;
	store_dir_init(&d);
	store_dir_add(&d, &e, 1, 1, "a", "b");
	store_dir_add(&d, &e, 1, 2, "c", "d");
	check_ok(version_build(NULL, &e, &d.sink, &v));
	check_ok(version_build(NULL, &e, &d.sink, &w));
	atomic_store(&e.adds[0].file->obsolete, true);
	edit_fini(&e);
	version_ref(v);
	version_unref(v);
	version_unref(v);
	check_str(store_dir_names(&d), "000001.sst 000002.sst");
	version_unref(w);
	check_str(store_dir_names(&d), "000002.sst");
	store_dir_fini(&d);
}

static void *
open_it(void *arg)
{
	struct table *t = NULL;

	check_ok(version_file_table(arg, &t));
	return t;
}

/* Whoever is first: they all get the same table, and it is not closed. */
static void
version__a_table_is_opened_once_by_many_threads(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct edit e = {0};
		struct store_dir d;
		pthread_t threads[4];
		void *tables[4];

		store_dir_init(&d);
		store_dir_add(&d, &e, 1, 1, "a", "b");
		for (int i = 0; i < 4; i++)
			check_eq(pthread_create(&threads[i], NULL, open_it,
				     e.adds[0].file),
			    0);
		for (int i = 0; i < 4; i++)
			check_eq(pthread_join(threads[i], &tables[i]), 0);
		for (int i = 1; i < 4; i++)
			check_true(tables[i] == tables[0]);
		check_eq(table_properties(tables[0])->entries, 2);
		edit_fini(&e);
		store_dir_fini(&d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(version__build_applies_what_fits),
	    cmocka_unit_test(version__build_counts_bytes),
	    cmocka_unit_test(version__build_refuses_level0_out_of_order),
	    cmocka_unit_test(version__build_knows_hints_in_level0),
	    cmocka_unit_test(version__overlap_is_by_user_key),
	    cmocka_unit_test(version__find_level_finds_as_find),
	    cmocka_unit_test(version__get_finds_the_newest_at_or_below),
	    cmocka_unit_test(version__filters_are_counted),
	    cmocka_unit_test(
		version__iterators_cover_everything_in_both_directions),
	    cmocka_unit_test(version__one_level_is_one_iterator),
	    cmocka_unit_test(version__a_failed_read_can_be_tried_again),
	    cmocka_unit_test(version__failing_to_open_a_table_adds_no_iterator),
	    cmocka_unit_test(
		version__a_table_that_is_not_the_one_described_is_damage),
	    cmocka_unit_test(version__obsolete_files_go_with_the_last_version),
	    cmocka_unit_test(version__a_table_is_opened_once_by_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
