/* Several threads in one namespace; mostly for ThreadSanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/vol/state.h"
#include "tests/check.h"
#include "tests/support/volume.h"

#define THREADS 4
#define DIRS    6
#define NAMES   8

static struct volume t;

struct worker {
	pthread_t thread;
	struct check_rand rnd;
	struct vol_ctx ctx;
	int steps;
};

/* What an operation may say when others are at work. */
static void
allow(int err)
{
	switch (err) {
	case 0:
	case -ENOENT:
	case -EEXIST:
	case -ENOTEMPTY:
	case -ENOTDIR:
	case -EISDIR:
	case -EINVAL:
		return;
	}
	check_ok(err);
}

static void
pick_name(struct worker *w, char *name, size_t size)
{
	snprintf(name, size, "n%d", (int)check_rand_below(&w->rnd, NAMES));
}

/* A directory at most two levels down, with a lookup; false: not there. */
static bool
pick_dir(struct worker *w, uint64_t *ino)
{
	struct vol_attr a, b;
	char name[16];

	snprintf(
	    name, sizeof(name), "d%d", (int)check_rand_below(&w->rnd, DIRS));
	check_ok(vol_lookup(t.v, VOL_INO_ROOT, name, &a));
	*ino = a.ino;
	if (check_rand_one_in(&w->rnd, 2))
		return true;
	pick_name(w, name, sizeof(name));
	if (vol_lookup(t.v, a.ino, name, &b) == 0) {
		vol_forget(t.v, a.ino, 1);
		*ino = b.ino;
		if (S_ISDIR(b.mode))
			return true;
	}
	vol_forget(t.v, *ino, 1);
	return false;
}

static void
do_create(struct worker *w, uint64_t dir)
{
	struct vol_attr how = {.mode = S_IFREG | 0644}, a;
	char name[16];
	int err;

	pick_name(w, name, sizeof(name));
	if (check_rand_one_in(&w->rnd, 2))
		err = vol_mkdir(t.v, &w->ctx, dir, name, 0755, &a);
	else
		err = vol_mknod(t.v, &w->ctx, dir, name, &how, &a);
	allow(err);
	if (err)
		return;
	if (S_ISREG(a.mode))
		check_ok(
		    vol_write(t.v, &w->ctx, a.ino, 0, bytes_str("something")));
	vol_forget(t.v, a.ino, 1);
}

static void
do_change(struct worker *w, uint64_t dir)
{
	struct vol_set set = {.mask = VOL_SET_MTIME, .mtime = 1};
	char name[16], data[8];
	struct vol_attr a;
	size_t got;
	int err;

	pick_name(w, name, sizeof(name));
	err = vol_lookup(t.v, dir, name, &a);
	allow(err);
	if (err)
		return;
	check_ok(vol_setattr(t.v, &w->ctx, a.ino, &set, &a));
	if (S_ISREG(a.mode)) {
		check_ok(vol_write(t.v, &w->ctx, a.ino,
		    check_rand_below(&w->rnd, 9), bytes_str("else")));
		check_ok(vol_read(t.v, a.ino, 0, data, sizeof(data), &got));
	}
	check_ok(vol_getattr(t.v, a.ino, &a));
	vol_forget(t.v, a.ino, 1);
}

static int
list_each(void *ctx, const struct vol_dirent *e)
{
	struct worker *w = ctx;

	if (check_rand_one_in(&w->rnd, 20))
		return 1;
	if (e->attr.ino)
		vol_forget(t.v, e->attr.ino, 1);
	return 0;
}

static void
do_list(struct worker *w, uint64_t dir)
{
	struct vol_dir *d = NULL;
	bool plus = check_rand_one_in(&w->rnd, 2);

	check_ok(vol_opendir(t.v, dir, &d));
	check_ok(vol_readdir(d, 0, plus, list_each, w));
	check_ok(vol_readdir(d, 3, plus, list_each, w));
	vol_releasedir(d);
}

static void
do_rename(struct worker *w, uint64_t dir)
{
	const unsigned flags[] = {
	    0, 0, VOL_RENAME_NOREPLACE, VOL_RENAME_EXCHANGE};
	char from[16], to[16];
	uint64_t other;

	if (!pick_dir(w, &other))
		return;
	pick_name(w, from, sizeof(from));
	pick_name(w, to, sizeof(to));
	allow(vol_rename(t.v, &w->ctx, (struct vol_place){dir, from},
	    (struct vol_place){other, to},
	    flags[check_rand_below(&w->rnd, 4)]));
	vol_forget(t.v, other, 1);
}

static void
do_remove(struct worker *w, uint64_t dir)
{
	char name[16];

	pick_name(w, name, sizeof(name));
	allow(check_rand_one_in(&w->rnd, 2)
		  ? vol_unlink(t.v, &w->ctx, dir, name)
		  : vol_rmdir(t.v, &w->ctx, dir, name));
}

static void *
work(void *arg)
{
	void (*const ops[])(struct worker *, uint64_t) = {
	    do_create, do_create, do_change, do_list, do_rename, do_remove};
	struct worker *w = arg;
	uint64_t dir;

	for (int i = 0; i < w->steps; i++) {
		if (!pick_dir(w, &dir))
			continue;
		ops[check_rand_below(&w->rnd, 6)](w, dir);
		vol_forget(t.v, dir, 1);
	}
	return NULL;
}

static void
race__threads_leave_a_whole_tree(void **state)
{
	struct worker w[THREADS];
	uint64_t seed = check_seed();
	char name[16];

	(void)state;
	volume_init(&t);
	for (int i = 0; i < DIRS; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		volume_mkdir(&t, name);
	}
	volume_reopen(&t);
	for (int i = 0; i < THREADS; i++) {
		w[i].rnd = check_rand_of(seed + (uint64_t)i);
		w[i].ctx = t.ctx;
		w[i].steps = check_long() ? 100000 : 4000;
		check_eq(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		check_eq(pthread_join(w[i].thread, NULL), 0);
	/* Every lookup was given back: only the root is left. */
	check_eq(t.v->node_count, 1);
	volume_fini(&t);
}

/* A record that is moved while it is written: the mover must not put an older
 * one in its place. */
static void *
move_back_and_forth(void *arg)
{
	struct worker *w = arg;
	const struct vol_place a = {VOL_INO_ROOT, "a"};
	const struct vol_place b = {VOL_INO_ROOT, "b"};

	for (int i = 0; i < w->steps; i++) {
		check_ok(vol_rename(t.v, &w->ctx, a, b, 0));
		check_ok(vol_rename(t.v, &w->ctx, b, a, 0));
	}
	return NULL;
}

static void
race__moving_a_file_loses_no_write(void **state)
{
	struct worker w = {.steps = 5000};
	uint64_t f, back = 0, i;
	size_t got;

	(void)state;
	volume_init(&t);
	f = volume_file(&t, "a", "12345678");
	w.ctx = t.ctx;
	check_eq(pthread_create(&w.thread, NULL, move_back_and_forth, &w), 0);
	for (i = 0; i < 10000; i++) {
		check_ok(vol_write(t.v, &t.ctx, f, 0, bytes_of(&i, sizeof(i))));
		check_ok(vol_read(t.v, f, 0, &back, sizeof(back), &got));
		check_eq(back, i);
	}
	check_eq(pthread_join(w.thread, NULL), 0);
	volume_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(race__threads_leave_a_whole_tree),
	    cmocka_unit_test(race__moving_a_file_loses_no_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
