/* A compaction that cannot go on, and what it leaves and tells. */
#include "engine/db/compact.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/support/env_trace.h"
#include "tests/support/history.h"
#include "tests/support/vset_check.h"

/* Two tables of level 0 that are merged into level 1. */
static void
two_tables(struct history *s)
{
	struct sorted memtable = {0};

	history_init(s);
	for (int i = 0; i < 2; i++) {
		for (unsigned key = 0; key < s->keys; key++)
			history_put(s, &memtable, key, true);
		history_flush(s, &memtable);
	}
	s->snapshots[0] = s->seq;
	s->snapshot_count = 1;
}

/* Runs the job of two_tables; *e is good on 0. */
static int
run_two(struct history *s, atomic_bool *stop, struct edit *e)
{
	struct version *v = vset_current(&s->set);
	struct pick_scene scene = history_scene(s, v);
	struct compact_job job;
	struct pick p;
	int err;

	check_eq(pick_next(&scene, &p), 1);
	check_eq(p.inputs[0].count, 2);
	job = history_job(s, v, &p);
	job.stop = stop;
	err = compact_run(&job, e);
	check_eq(job.bytes_written > 0, err == 0);
	pick_fini(&p);
	version_unref(v);
	return err;
}

static void
compact__any_failing_write_leaves_everything_as_it_was(void **state)
{
	static const int errors[] = {EIO, ENOSPC};
	const char *before;
	struct buf names = {0};
	uint64_t n = 1;
	int err = -EIO;

	(void)state;
	for (; err; n++) {
		struct edit e = {0};
		struct history s;

		printf("CUT=%u\n", (unsigned)n);
		two_tables(&s);
		before = store_dir_names(&s.d);
		check_ok(buf_assign(&names, bytes_str(before)));
		env_fault_arm(&s.d.fault, ENV_FAULT_ERROR, errors[n % 2], n);
		err = run_two(&s, NULL, &e);
		if (err) {
			check_err(err, -errors[n % 2]);
			check_bytes_eq(bytes_str(store_dir_names(&s.d)),
			    buf_bytes(&names));
			check_eq(e.add_count + e.remove_count, 0);
		}
		edit_fini(&e);
		history_check_reads(&s);
		history_fini(&s);
	}
	check_le(8, n);
	buf_fini(&names);
}

static void
compact__any_failing_read_fails_it(void **state)
{
	uint64_t n = 1, reads;
	int err = -EIO;

	(void)state;
	for (; err; n++) {
		struct edit e = {0};
		struct history s;

		two_tables(&s);
		reads = s.d.fault.reads;
		s.d.fault.error = EIO;
		s.d.fault.reads_fail_at = reads + n;
		err = run_two(&s, NULL, &e);
		if (err)
			check_err(err, -EIO);
		edit_fini(&e);
		s.d.fault.reads_fail_at = 0;
		check_true(strstr(store_dir_names(&s.d), "000002.sst") != NULL);
		history_fini(&s);
	}
	check_le(4, n);
}

/* The edit names tables: they and their names come first. */
static void
compact__outputs_are_durable_when_it_returns(void **state)
{
	struct env_trace trace;
	struct edit e = {0};
	struct history s;

	(void)state;
	two_tables(&s);
	s.options.table_bytes = 1 << 20;
	env_trace_init(&trace);
	s.set.place.env = &trace.env;
	check_ok(run_two(&s, NULL, &e));
	check_str(env_trace_text(&trace), "create 000004.sst\n"
					  "write 000004.sst\n"
					  "sync 000004.sst\n"
					  "sync-dir\n");
	edit_fini(&e);
	env_trace_fini(&trace);
	history_fini(&s);
}

static void
compact__stops_when_asked(void **state)
{
	atomic_bool stop = true;
	struct edit e = {0};
	struct history s;

	(void)state;
	two_tables(&s);
	check_err(run_two(&s, &stop, &e), -ECANCELED);
	check_str(store_dir_names(&s.d),
	    "000002.sst 000003.sst CURRENT MANIFEST-000001");
	history_check_reads(&s);
	history_fini(&s);
}

/* A table that ends before it should must not replace the whole one. */
static void
compact__missing_entries_are_damage(void **state)
{
	struct edit e = {0};
	struct version *v;
	struct table *t;
	struct history s;

	(void)state;
	two_tables(&s);
	v = vset_current(&s.set);
	check_ok(version_file_table(v->levels[0].files[0], &t));
	v->levels[0].files[0]->entries++;
	check_err(run_two(&s, NULL, &e), ERR_DAMAGED);
	check_contains(s.d.log.last, "entries");
	check_str(store_dir_names(&s.d),
	    "000002.sst 000003.sst CURRENT MANIFEST-000001");
	version_unref(v);
	history_fini(&s);
}

/* --- moves, progress --------------------------------------------------- */

static void
compact__a_move_reads_and_writes_nothing(void **state)
{
	struct sorted memtable = {0};
	struct history s;

	(void)state;
	history_init(&s);
	history_put(&s, &memtable, 1, true);
	history_flush(&s, &memtable);
	s.options.level0_tables = 1;
	s.snapshots[0] = s.seq;
	s.snapshot_count = 1;
	s.d.fault.match = ".sst";
	s.d.fault.ops = s.d.fault.reads = 0;
	check_true(history_compact_next(&s));
	check_eq(s.d.fault.ops + s.d.fault.reads, 0);
	vset_check_state(&s.set, "6:2:key001-key001");
	history_check_reads(&s);
	history_fini(&s);
}

struct progress {
	uint64_t last;
	unsigned calls;
};

static void
note_progress(void *ctx, uint64_t bytes)
{
	struct progress *p = ctx;

	check_le(p->last, bytes);
	p->last = bytes;
	p->calls++;
}

static void
compact__progress_grows_to_all_bytes(void **state)
{
	struct progress progress = {0};
	struct sorted memtable = {0};
	struct compact_job job;
	struct edit e = {0};
	struct version *v;
	struct history s;
	struct pick p;

	(void)state;
	history_init(&s);
	for (unsigned i = 0; i < 5000; i++)
		history_put(&s, &memtable, i % s.keys, true);
	history_flush(&s, &memtable);
	s.snapshots[0] = s.seq;
	s.snapshot_count = 1;
	v = vset_current(&s.set);
	check_eq(pick_whole_level(v, 0, 0, &p), 1);
	job = history_job(&s, v, &p);
	job.progress = note_progress;
	job.progress_ctx = &progress;
	check_ok(compact_run(&job, &e));
	check_eq(progress.last, p.bytes);
	check_le(4, progress.calls);
	pick_fini(&p);
	vset_check_apply(&s.set, &e);
	version_unref(v);
	history_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		compact__any_failing_write_leaves_everything_as_it_was),
	    cmocka_unit_test(compact__any_failing_read_fails_it),
	    cmocka_unit_test(compact__outputs_are_durable_when_it_returns),
	    cmocka_unit_test(compact__stops_when_asked),
	    cmocka_unit_test(compact__missing_entries_are_damage),
	    cmocka_unit_test(compact__a_move_reads_and_writes_nothing),
	    cmocka_unit_test(compact__progress_grows_to_all_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
