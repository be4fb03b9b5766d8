#include "engine/db/vset.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/support/env_trace.h"
#include "tests/support/spec.h"
#include "tests/support/vset_check.h"

/* --- creating and opening ---------------------------------------------- */

static void
vset__a_new_store_is_empty_and_recovers(void **state)
{
	struct store_dir d;
	struct buf b = {0};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_err(vset_recover(&s, &d.place, &d.sink), -ENOENT);
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_str(store_dir_names(&d), "CURRENT MANIFEST-000001");
	store_dir_load(&d, "CURRENT", &b);
	check_true(spec_check("current", b.data, b.size));
	vset_check_state(&s, "");
	vset_fini(&s);
	vset_check_recovers(&d, "");
	buf_fini(&b);
	store_dir_fini(&d);
}

static void
vset__edits_and_numbers_come_back(void **state)
{
	struct store_dir d;
	struct edit e = {.log_number = 3, .last_seq = 21};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_eq(vset_new_number(&s), 2);
	check_eq(vset_new_number(&s), 3);
	store_dir_add(&d, &e, 0, 2, "a", "c");
	vset_check_apply(&s, &e);
	vset_check_apply_table(&d, &s, 4, "m", "p");
	e.log_number = 5;
	e.last_seq = 41;
	check_ok(edit_remove_file(&e, 0, 2));
	vset_check_apply(&s, &e);
	vset_check_state(&s, "1:4:m-p");
	vset_fini(&s);

	check_ok(vset_recover(&s, &d.place, &d.sink));
	vset_check_state(&s, "1:4:m-p");
	check_eq(s.log_number, 5);
	check_eq(s.last_seq, 41);
	check_eq(vset_new_number(&s), 5);
	vset_fini(&s);
	store_dir_fini(&d);
}

/* The first edit after opening begins a manifest, which must not forget what
 * the edit does not speak of. */
static void
vset__a_reopened_store_goes_on_in_a_new_manifest(void **state)
{
	struct store_dir d;
	struct edit e = {.log_number = 3, .last_seq = 21};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_check_apply(&s, &e);
	vset_check_apply_table(&d, &s, 2, "a", "c");
	vset_fini(&s);
	check_ok(vset_recover(&s, &d.place, &d.sink));
	vset_check_apply_table(&d, &s, 5, "m", "p");
	vset_check_apply_table(&d, &s, 7, "x", "z");
	vset_fini(&s);
	check_str(store_dir_names(&d),
	    "000002.sst 000005.sst 000007.sst CURRENT MANIFEST-000006");
	check_ok(vset_recover(&s, &d.place, &d.sink));
	vset_check_state(&s, "1:2:a-c 1:5:m-p 1:7:x-z");
	check_eq(s.log_number, 3);
	check_eq(s.last_seq, 21);
	vset_fini(&s);
	store_dir_fini(&d);
}

static uint64_t
salt_of_a_new_store(void)
{
	struct store_dir d;
	struct edit e = {.log_number = 3};
	struct vset s;
	uint64_t salt;

	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	salt = s.salt;
	check_ne(salt, 0);
	for (int i = 0; i < 2; i++) {
		vset_fini(&s);
		check_ok(vset_recover(&s, &d.place, &d.sink));
		check_eq(s.salt, salt);
		vset_check_apply(&s, &e); /* a new manifest */
	}
	vset_fini(&s);
	store_dir_fini(&d);
	return salt;
}

static void
vset__a_store_keeps_a_salt_of_its_own(void **state)
{
	(void)state;
	check_ne(salt_of_a_new_store(), salt_of_a_new_store());
}

static void
vset__numbers_on_disk_are_not_given_again(void **state)
{
	static const char *const names[] = {
	    "000050.log", "000051.sst", "MANIFEST-000052", "000049.log"};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_fini(&s);
	for (size_t i = 0; i < 4; i++)
		store_dir_store(&d, names[i], bytes_str("x"));
	check_ok(vset_recover(&s, &d.place, &d.sink));
	check_eq(vset_new_number(&s), 53);
	vset_mark_number(&s, 60);
	vset_mark_number(&s, 7);
	check_eq(vset_new_number(&s), 61);
	vset_fini(&s);
	store_dir_fini(&d);
}

/* A crash while the store was being created: no CURRENT yet. */
static void
vset__creation_goes_on_after_a_crash(void **state)
{
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	store_dir_store(&d, "MANIFEST-000001", bytes_str("half of"));
	store_dir_store(&d, "CURRENT.tmp", bytes_str("MANI"));
	check_err(vset_recover(&s, &d.place, &d.sink), -ENOENT);
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_ok(vset_delete_unnamed(&s));
	check_str(store_dir_names(&d), "CURRENT MANIFEST-000002");
	vset_fini(&s);
	vset_check_recovers(&d, "");
	store_dir_fini(&d);
}

static void
vset__only_unnamed_files_are_deleted(void **state)
{
	static const char *const names[] = {"000001.sst", "000009.log",
	    "000010.log", "000011.log", "000031.sst", "MANIFEST-000007",
	    "CURRENT.tmp", "000040.sst.tmp", "notes.txt", "notes.tmp", "1.sst",
	    "LOCK"};
	struct store_dir d;
	struct edit e = {.log_number = 10};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_check_apply(&s, &e);
	vset_check_apply_table(&d, &s, 30, "a", "c");
	vset_fini(&s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		store_dir_store(&d, names[i], bytes_str("x"));
	check_ok(vset_recover(&s, &d.place, &d.sink));
	check_ok(vset_delete_unnamed(&s));
	check_str(store_dir_names(&d),
	    "000010.log 000011.log 000030.sst 1.sst CURRENT LOCK"
	    " MANIFEST-000001 notes.tmp notes.txt");
	vset_fini(&s);
	vset_check_recovers(&d, "1:30:a-c");
	store_dir_fini(&d);
}

/* --- long manifests, obsolete files ------------------------------------ */

static void
vset__a_long_manifest_is_followed_by_a_new_one(void **state)
{
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	s.manifest_bytes_max = 1;
	vset_check_apply_table(&d, &s, 100, "a", "c");
	for (uint64_t i = 0; i < 200; i++) {
		struct edit e = {.last_seq = i + 1};

		vset_check_apply(&s, &e);
		check_le(wal_size(s.manifest), 11 * s.manifest_first_bytes);
	}
	check_le(103, s.manifest_number);
	check_contains(store_dir_names(&d), "000100.sst CURRENT MANIFEST-");
	check_true(
	    strchr(strstr(store_dir_names(&d), "MANIFEST"), ' ') == NULL);
	vset_fini(&s);
	check_ok(vset_recover(&s, &d.place, &d.sink));
	vset_check_state(&s, "1:100:a-c");
	check_eq(s.last_seq, 200);
	vset_fini(&s);
	store_dir_fini(&d);
}

static void
vset__removed_tables_stay_while_a_version_holds_them(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct version *v;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_check_apply_table(&d, &s, 2, "a", "c");
	vset_check_apply_table(&d, &s, 3, "m", "p");
	v = vset_current(&s);
	check_ok(edit_remove_file(&e, 1, 2));
	check_ok(edit_remove_file(&e, 1, 3));
	/* 3 only moves. */
	check_ok(edit_add_file(&e, 2, v->levels[1].files[1]));
	vset_check_apply(&s, &e);
	vset_check_state(&s, "2:3:m-p");
	check_true(store_dir_has(&d, "000002.sst"));
	version_unref(v);
	check_false(store_dir_has(&d, "000002.sst"));
	check_true(store_dir_has(&d, "000003.sst"));
	vset_fini(&s);
	vset_check_recovers(&d, "2:3:m-p");
	store_dir_fini(&d);
}

/* An edit that does not fit changes nothing, and its table goes. */
static void
vset__an_edit_that_does_not_fit_changes_nothing(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_check_apply_table(&d, &s, 2, "a", "c");
	store_dir_add(&d, &e, 1, 3, "b", "d");
	check_err(vset_apply(&s, &e), ERR_DAMAGED);
	edit_fini(&e);
	vset_check_state(&s, "1:2:a-c");
	check_false(store_dir_has(&d, "000003.sst"));
	vset_check_apply_table(&d, &s, 4, "x", "z");
	vset_fini(&s);
	vset_check_recovers(&d, "1:2:a-c 1:4:x-z");
	store_dir_fini(&d);
}

/* --- what is on stable storage when ------------------------------------- */

/* Every name is durable before something refers to it, and what it names is
 * durable before the name. */
static void
vset__everything_is_synced_before_it_is_named(void **state)
{
	struct env_trace trace;
	struct store_dir d;
	struct edit e = {.last_seq = 1};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	env_trace_init(&trace);
	d.place.env = &trace.env;
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_str(env_trace_text(&trace), "create MANIFEST-000001\n"
					  "write MANIFEST-000001\n"
					  "sync MANIFEST-000001\n"
					  "sync-dir\n"
					  "create CURRENT.tmp\n"
					  "write CURRENT.tmp\n"
					  "sync CURRENT.tmp\n"
					  "rename CURRENT.tmp CURRENT\n"
					  "sync-dir\n");
	buf_clear(&trace.lines);
	vset_check_apply(&s, &e);
	check_str(env_trace_text(&trace), "write MANIFEST-000001\n"
					  "sync MANIFEST-000001\n");
	buf_clear(&trace.lines);
	/* A new manifest: the old one goes last of all. */
	s.manifest_bytes_max = 0;
	s.manifest_first_bytes = 0;
	vset_check_apply(&s, &e);
	check_str(env_trace_text(&trace), "create MANIFEST-000002\n"
					  "write MANIFEST-000002\n"
					  "sync MANIFEST-000002\n"
					  "sync-dir\n"
					  "create CURRENT.tmp\n"
					  "write CURRENT.tmp\n"
					  "sync CURRENT.tmp\n"
					  "rename CURRENT.tmp CURRENT\n"
					  "sync-dir\n"
					  "unlink MANIFEST-000001\n");
	vset_fini(&s);
	env_trace_fini(&trace);
	store_dir_fini(&d);
}

/* --- threads ----------------------------------------------------------- */

#define THREADS 3
#define TABLES  8

struct worker {
	struct vset *set;
	struct version_file *tables[TABLES];
	unsigned level;
};

/* Adds its tables one by one to a level of its own, and then removes them,
 * while the others do the same and everybody looks. */
static void *
work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 2 * TABLES; i++) {
		struct version_file *f = w->tables[i % TABLES];
		struct edit e = {0};
		struct version *v;

		if (i < TABLES)
			check_ok(edit_add_file(&e, w->level, f));
		else
			check_ok(edit_remove_file(&e, w->level, f->number));
		check_ok(vset_apply(w->set, &e));
		edit_fini(&e);
		v = vset_current(w->set);
		check_eq(v->levels[w->level].count,
		    i < TABLES ? i + 1 : 2 * TABLES - 1 - i);
		version_unref(v);
		if (i >= TABLES)
			version_file_unref(f);
		check_true(vset_new_number(w->set) > 0);
	}
	return NULL;
}

static void
make_tables(struct store_dir *d, struct worker *w)
{
	for (int i = 0; i < TABLES; i++) {
		const char key[] = {(char)('a' + i), '\0'};
		uint64_t number = vset_new_number(w->set);
		struct edit e = {0};

		store_dir_add(d, &e, w->level, number, key, key);
		w->tables[i] = e.adds[0].file;
		version_file_ref(w->tables[i]);
		edit_fini(&e);
	}
}

static void
vset__threads_apply_edits_in_turns(void **state)
{
	struct worker workers[THREADS] = {0};
	pthread_t threads[THREADS];
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, NULL));
	s.manifest_bytes_max = 1; /* new manifests now and then */
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].set = &s;
		workers[i].level = i + 1;
		make_tables(&d, &workers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		check_eq(
		    pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (int i = 0; i < THREADS; i++)
		check_eq(pthread_join(threads[i], NULL), 0);
	vset_check_state(&s, "");
	check_true(strstr(store_dir_names(&d), ".sst") == NULL);
	vset_fini(&s);
	vset_check_recovers(&d, "");
	store_dir_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vset__a_new_store_is_empty_and_recovers),
	    cmocka_unit_test(vset__edits_and_numbers_come_back),
	    cmocka_unit_test(vset__a_reopened_store_goes_on_in_a_new_manifest),
	    cmocka_unit_test(vset__a_store_keeps_a_salt_of_its_own),
	    cmocka_unit_test(vset__numbers_on_disk_are_not_given_again),
	    cmocka_unit_test(vset__creation_goes_on_after_a_crash),
	    cmocka_unit_test(vset__only_unnamed_files_are_deleted),
	    cmocka_unit_test(vset__a_long_manifest_is_followed_by_a_new_one),
	    cmocka_unit_test(
		vset__removed_tables_stay_while_a_version_holds_them),
	    cmocka_unit_test(vset__an_edit_that_does_not_fit_changes_nothing),
	    cmocka_unit_test(vset__everything_is_synced_before_it_is_named),
	    cmocka_unit_test(vset__threads_apply_edits_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
