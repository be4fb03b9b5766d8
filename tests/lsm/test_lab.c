/* A store on a disk whose power is cut. */
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/lsm_lab.h"
#include "engine/os/env_forget.h"
#include "tests/support/lsm_store.h"

/* A store whose disk is a lab's. */
struct bench {
	struct lsm_store s;
	struct lsm_lab *lab;
	int complaints; /* messages of level 1 and above */
	atomic_int cuts;
};

static void
on_message(void *ctx, int level, const char *text)
{
	struct bench *b = ctx;

	if (level > 0) {
		b->complaints++;
		print_message("%s\n", text);
	}
}

static void
bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	lsm_store_init(&b->s);
	check_ok(lsm_lab_new(b->s.dir, on_message, b, &b->lab));
	b->s.options.env = NULL;
	b->s.options.lab = b->lab;
	lsm_store_open(&b->s);
}

/* What was not lost in a cut is there without the lab, too. */
static void
bench_leave_lab(struct bench *b)
{
	lsm_store_close(&b->s);
	lsm_lab_free(b->lab);
	b->lab = NULL;
	b->s.options.lab = NULL;
	b->s.options.env = &b->s.fault.env;
	lsm_store_open(&b->s);
	lsm_store_check(&b->s);
}

static void
bench_fini(struct bench *b)
{
	if (b->lab)
		bench_leave_lab(b);
	lsm_store_fini(&b->s);
}

static struct lsm_lab_report
bench_reboot(struct bench *b)
{
	struct lsm_lab_report r = {0};

	check_true(lsm_lab_is_cut(b->lab));
	lsm_store_close(&b->s);
	check_ok(lsm_lab_restart(b->lab, &r));
	check_false(lsm_lab_is_cut(b->lab));
	lsm_store_open(&b->s);
	return r;
}

static struct lsm_lab_report
bench_cut(struct bench *b, enum lsm_lab_keep keep, uint64_t seed)
{
	const struct lsm_lab_how how = {.keep = keep, .seed = seed};

	lsm_lab_cut(b->lab, &how);
	return bench_reboot(b);
}

static void
put_synced(struct bench *b, const char *key, const char *value)
{
	check_ok(lsm_sync(b->s.db, lsm_store_put(&b->s, key, value)));
}

static void
lab__a_cut_takes_what_was_not_synced(void **state)
{
	const struct lsm_lab_how none = {.keep = LSM_LAB_KEEP_NONE};
	struct lsm_lab_report r;
	struct bench b;

	(void)state;
	bench_init(&b);
	put_synced(&b, "a", "1");
	lsm_store_put(&b.s, "b", "2");
	check_false(lsm_lab_is_cut(b.lab));
	lsm_lab_cut(b.lab, &none);
	check_true(lsm_store_try_put(&b.s, "c", "3", NULL) != 0);
	check_true(lsm_sync(b.s.db, lsm_seq(b.s.db)) != 0);
	check_str(lsm_store_get(&b.s, "b"), "2");
	r = bench_reboot(&b);
	check_str(lsm_store_get(&b.s, "a"), "1");
	check_true(lsm_store_get(&b.s, "b") == NULL);
	check_true(lsm_store_get(&b.s, "c") == NULL);
	check_le(1, r.writes);
	check_eq(r.writes_lost, r.writes);
	check_le(1, r.bytes_lost);
	check_le(r.changes, lsm_lab_changes(b.lab));
	check_eq(b.complaints, 0);

	/* And goes on as if nothing had happened. */
	put_synced(&b, "d", "4");
	bench_cut(&b, LSM_LAB_KEEP_NONE, 0);
	check_str(lsm_store_keys(&b.s, NULL, false), "a d");
	bench_fini(&b);
}

/* How many of the keys there are, which must be the first ones. */
static unsigned
count_prefix(struct bench *b, unsigned count)
{
	char key[16];
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(key, sizeof(key), "KEY%06u", i);
		if (!lsm_store_get(&b->s, key))
			continue;
		check_eq(n, i);
		n++;
	}
	return n;
}

static unsigned
survivors(enum lsm_lab_keep keep, uint64_t seed)
{
	struct bench b;
	unsigned n;

	/* All in one memtable: a flush would sync. */
	bench_init(&b);
	lsm_store_fill(&b.s, 0, 20, 70, 'x');
	check_ok(lsm_sync(b.s.db, lsm_seq(b.s.db)));
	lsm_store_fill(&b.s, 20, 60, 70, 'x');
	bench_cut(&b, keep, seed);
	n = count_prefix(&b, 60);
	check_le(20, n);
	lsm_store_expect(&b.s, 0, n, 70, 'x');
	lsm_store_check(&b.s);
	bench_fini(&b);
	return n;
}

static void
lab__what_survives_is_a_prefix_and_follows_from_the_seed(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	unsigned different = 0, last = 0;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		enum lsm_lab_keep keep =
		    i & 1 ? LSM_LAB_KEEP_PREFIX : LSM_LAB_KEEP_RANDOM;
		uint64_t seed = check_rand(&r);
		unsigned n = survivors(keep, seed);

		check_eq(survivors(keep, seed), n);
		different += n != last;
		last = n;
	}
	check_le(3, different);
	check_eq(survivors(LSM_LAB_KEEP_NONE, 1), 20);
}

static void
count_cut(void *ctx)
{
	struct bench *b = ctx;

	atomic_fetch_add(&b->cuts, 1);
}

/* Puts until one fails; how many did not. */
static unsigned
put_until_cut(struct bench *b, unsigned max)
{
	char key[16];

	for (unsigned i = 0; i < max; i++) {
		(void)snprintf(key, sizeof(key), "KEY%06u", i);
		if (lsm_store_try_put(&b->s, key, "x", NULL) != 0)
			return i;
	}
	return max;
}

static void
lab__an_armed_cut_comes_at_its_change(void **state)
{
	const struct lsm_lab_how none = {.keep = LSM_LAB_KEEP_NONE};
	struct lsm_lab_report r;
	struct bench b;
	uint64_t before;

	(void)state;
	bench_init(&b);
	before = lsm_lab_changes(b.lab);
	lsm_lab_arm(b.lab, 3, &none, count_cut, &b);
	lsm_lab_arm(b.lab, 6, &none, count_cut, &b);
	/* Each put is one write to the log. */
	check_eq(put_until_cut(&b, 100), 5);
	check_eq(b.cuts, 1);
	check_true(lsm_lab_is_cut(b.lab));
	check_true(lsm_store_try_put(&b.s, "z", "x", NULL) != 0);
	check_eq(b.cuts, 1);
	r = bench_reboot(&b);
	check_eq(r.changes, before + 5);
	check_eq(count_prefix(&b, 100), 0);
	check_eq(b.complaints, 0);

	/* An order that is taken back; and one without anybody to tell. */
	lsm_lab_arm(b.lab, 2, &none, count_cut, &b);
	lsm_lab_arm(b.lab, 0, NULL, NULL, NULL);
	check_eq(put_until_cut(&b, 10), 10);
	lsm_lab_arm(b.lab, 1, &none, NULL, NULL);
	check_eq(put_until_cut(&b, 10), 0);
	bench_reboot(&b);
	check_eq(b.cuts, 1);
	bench_fini(&b);
}

static void
lab__a_cut_without_restart_has_not_happened(void **state)
{
	const struct lsm_lab_how none = {.keep = LSM_LAB_KEEP_NONE};
	struct bench b;

	(void)state;
	bench_init(&b);
	lsm_store_fill(&b.s, 0, 50, 300, 'x');
	check_ok(lsm_flush(b.s.db));
	lsm_store_fill(&b.s, 50, 60, 300, 'x');
	lsm_lab_cut(b.lab, &none);
	bench_leave_lab(&b);
	lsm_store_expect(&b.s, 0, 60, 300, 'x');
	bench_fini(&b);
}

static void
lab__nobody_else_gets_the_store_meanwhile(void **state)
{
	const struct lsm_lab_how none = {.keep = LSM_LAB_KEEP_NONE};
	struct lsm_options o;
	struct lsm_lab *lab;
	struct lsm *other;
	struct bench b;
	char note[64];
	pid_t pid;

	(void)state;
	bench_init(&b);
	o = b.s.options;
	o.lab = NULL;
	check_ok(lsm_set_note(b.s.db, "/mnt/state"));
	lsm_lab_cut(b.lab, &none);
	lsm_store_close(&b.s);
	check_ok(lsm_holder(b.s.dir, &pid, note, sizeof(note)));
	check_eq(pid, getpid());
	check_str(note, "/mnt/state");
	check_err(lsm_open(b.s.dir, &o, &other), -EBUSY);
	check_err(lsm_lab_new(b.s.dir, NULL, NULL, &lab), -EBUSY);
	check_ok(lsm_lab_restart(b.lab, NULL));
	check_err(lsm_open(b.s.dir, &o, &other), -EBUSY);
	lsm_store_open(&b.s);
	check_err(lsm_open(b.s.dir, &o, &other), -EBUSY);
	bench_leave_lab(&b);
	lsm_store_close(&b.s);
	check_ok(lsm_holder(b.s.dir, &pid, note, sizeof(note)));
	check_eq(pid, 0);
	lsm_store_fini(&b.s);
}

static bool
has_leftover(struct bench *b)
{
	char path[512];

	(void)snprintf(
	    path, sizeof(path), "%s/" ENV_FORGET_PREFIX "7", b->s.dir);
	return access(path, F_OK) == 0;
}

static void
plant_leftover(struct bench *b)
{
	char path[512];
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), "%s/" ENV_FORGET_PREFIX "7", b->s.dir);
	f = fopen(path, "w");
	check_true(f != NULL);
	check_ok(fclose(f));
	check_true(has_leftover(b));
}

static void
lab__leftovers_of_a_killed_one_are_removed(void **state)
{
	struct lsm_lab *lab;
	struct bench b;

	(void)state;
	bench_init(&b);
	plant_leftover(&b);
	/* Who does not get the store does not touch it. */
	check_err(lsm_lab_new(b.s.dir, NULL, NULL, &lab), -EBUSY);
	check_true(has_leftover(&b));
	lsm_store_close(&b.s);
	lsm_lab_free(b.lab);
	check_ok(lsm_lab_new(b.s.dir, on_message, &b, &b.lab));
	check_false(has_leftover(&b));
	b.s.options.lab = b.lab;
	lsm_store_open(&b.s);

	/* Nor do they stay where there is no lab. */
	plant_leftover(&b);
	bench_leave_lab(&b);
	check_false(has_leftover(&b));
	bench_fini(&b);
}

static void
lab__a_slow_disk_is_slow(void **state)
{
	struct bench b;
	uint64_t begin;

	(void)state;
	bench_init(&b);
	lsm_lab_set_sync_delay(b.lab, 50000);
	begin = env_now_us(&b.s.posix);
	put_synced(&b, "a", "1");
	check_le(begin + 50000, env_now_us(&b.s.posix));
	lsm_lab_set_sync_delay(b.lab, 0);
	bench_fini(&b);
}

static void
lab__cuts_hit_flushes_and_compactions(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct lsm_lab_how how = {.keep = LSM_LAB_KEEP_RANDOM};
	struct bench b;
	uint64_t synced;

	(void)state;
	bench_init(&b);
	for (unsigned i = 0; i < 30; i++) {
		synced = lsm_durable_seq(b.s.db);
		how.seed = check_rand(&r);
		lsm_lab_arm(
		    b.lab, 1 + check_rand_below(&r, 60), &how, NULL, NULL);
		put_until_cut(&b, 20);
		(void)lsm_flush(b.s.db);
		put_until_cut(&b, 20);
		(void)lsm_compact(b.s.db, NULL, NULL);
		put_until_cut(&b, 60);
		lsm_lab_cut(b.lab, &how);
		bench_reboot(&b);
		check_le(synced, lsm_seq(b.s.db));
		lsm_store_check(&b.s);
	}
	check_eq(b.complaints, 0);
	bench_fini(&b);
}

static void
lab__an_env_of_ones_own_and_a_lab_do_not_go_together(void **state)
{
	struct lsm *other;
	struct bench b;

	(void)state;
	bench_init(&b);
	lsm_store_close(&b.s);
	b.s.options.env = &b.s.fault.env;
	check_err(lsm_open(b.s.dir, &b.s.options, &other), -EINVAL);
	bench_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lab__a_cut_takes_what_was_not_synced),
	    cmocka_unit_test(
		lab__what_survives_is_a_prefix_and_follows_from_the_seed),
	    cmocka_unit_test(lab__an_armed_cut_comes_at_its_change),
	    cmocka_unit_test(lab__a_cut_without_restart_has_not_happened),
	    cmocka_unit_test(lab__nobody_else_gets_the_store_meanwhile),
	    cmocka_unit_test(lab__leftovers_of_a_killed_one_are_removed),
	    cmocka_unit_test(lab__a_slow_disk_is_slow),
	    cmocka_unit_test(lab__cuts_hit_flushes_and_compactions),
	    cmocka_unit_test(
		lab__an_env_of_ones_own_and_a_lab_do_not_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
