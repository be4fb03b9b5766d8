/* Durability of a volume on the embedded store. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/store_lsm.h"
#include "tests/check.h"
#include "tests/support/lsm_store.h"
#include "tests/support/volume.h"

#define POLICY "user.keyfs.durability"

/* The directory, options and env come from lsm; the store is t.s. */
static struct lsm_store lsm;
static struct volume t;

static const struct env_ops *posix_ops;
static struct env_ops failing_ops;
static _Atomic bool sync_fails;
static _Atomic int failures;

static int
failing_sync(struct env_file *f)
{
	if (!sync_fails)
		return posix_ops->sync(f);
	failures++;
	return -EIO;
}

static int
setup(void **state)
{
	(void)state;
	lsm_store_init(&lsm);
	posix_ops = lsm.posix.ops;
	failing_ops = *posix_ops;
	failing_ops.sync = failing_sync;
	lsm.posix.ops = &failing_ops;
	sync_fails = false;
	lsm.options.memtable_bytes = 256u << 10;
	lsm.options.no_background = false;
	lsm.options.env = &lsm.fault.env;
	t = (struct volume){.ctx = {.umask = 022}};
	check_ok(store_lsm_open(lsm.dir, &lsm.options, &t.s));
	check_ok(vol_open(t.s, &t.options, &t.v));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	check_ok(vol_close(t.v));
	(void)store_close(t.s); /* it may have failed */
	lsm_store_fini(&lsm);
	return 0;
}

static int
set_durability(const char *text)
{
	return vol_write(t.v, &t.ctx, volume_at(&t, ".keyfs/durability"), 0,
	    bytes_str(text));
}

static int
set_policy(struct vol_ctx *ctx, uint64_t ino, const char *text)
{
	const struct vol_xattr x = {POLICY, text, strlen(text), 0};

	return vol_setxattr(t.v, ctx, ino, &x);
}

static uint64_t
syncs(void)
{
	struct store_sync_figures f;

	store_sync_figures(t.s, &f);
	return f.syncs;
}

/* What a mount does before it answers. */
static int
answer(struct vol_ctx *ctx)
{
	return vol_needs_sync(t.v, ctx) ? vol_sync(t.v, ctx->sync_seq) : 0;
}

/* --- per directory -------------------------------------------------------- */

static uint64_t
syncs_of_files_in(const char *dir, int count)
{
	uint64_t before = syncs();

	for (int i = 0; i < count; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%d", dir, i);
		t.ctx.sync_seq = 0;
		volume_file(&t, path, "");
		check_ok(answer(&t.ctx));
	}
	return syncs() - before;
}

static void
sync__goes_by_the_directory(void **state)
{
	uint64_t d = volume_mkdir(&t, "sync"), e = volume_mkdir(&t, "none");

	(void)state;
	check_ok(set_policy(&t.ctx, d, "sync"));
	check_eq(syncs_of_files_in("none", 20), 0);
	check_eq(syncs_of_files_in("sync", 20), 20);
	check_ok(set_durability("sync"));
	check_ok(set_policy(&t.ctx, e, "none"));
	check_ok(answer(&t.ctx));
	volume_mkdir(&t, "none/sub");
	check_eq(syncs_of_files_in("none/sub", 20), 0);
	volume_mkdir(&t, "store");
	check_eq(syncs_of_files_in("store", 20), 20);
	check_ok(set_policy(&t.ctx, d, "batch batch_ops=5 batch_ms=60000"));
	check_ok(answer(&t.ctx));
	volume_mkdir(&t, "sync/batch");
	check_ok(vol_sync(t.v, vol_seq(t.v)));
	check_eq(syncs_of_files_in("sync/batch", 20), 4);
}

/* --- errors --------------------------------------------------------------- */

static void
await_failure(void)
{
	for (int i = 0; i < 5000; i++) {
		if (failures > 0)
			return;
		(void)usleep(1000);
	}
	check_fail("nothing was synced in the background");
}

static void
sync__an_error_in_the_background_reaches_the_next_fsync(void **state)
{
	uint64_t safe, lost, f;
	char text[8];
	size_t got;

	(void)state;
	f = volume_file(&t, "f", "safe");
	safe = t.ctx.seq;
	check_ok(vol_sync(t.v, safe));
	check_ok(set_durability("batch batch_ops=1000 batch_ms=20"));
	failures = 0;
	sync_fails = true;
	check_ok(vol_write(t.v, &t.ctx, f, 0, bytes_str("lost")));
	lost = t.ctx.seq;
	await_failure();
	check_err(vol_sync(t.v, lost), -EIO);
	check_err(vol_sync(t.v, vol_seq(t.v)), -EIO);
	check_err(vol_sync(t.v, lost), -EIO);
	/* Nothing of this was lost. */
	check_ok(vol_sync(t.v, safe));
	check_le(vol_durable_seq(t.v), lost - 1);
	/* Reading goes on, writing does not. */
	check_ok(vol_read(t.v, f, 0, text, sizeof(text), &got));
	check_true(vol_write(t.v, &t.ctx, f, 0, bytes_str("more")) < 0);
	check_contains(volume_cat(&t, ".keyfs/durability"), "batch ");
}

/* --- threads -------------------------------------------------------------- */

#define THREADS 8
#define FILES   60

static _Atomic int finished;

static void *
write_files(void *arg)
{
	struct vol_ctx ctx = {.umask = 022};
	uint64_t dir = *(uint64_t *)arg;
	struct vol_attr how = {.mode = S_IFREG | 0644}, a;

	for (int i = 0; i < FILES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%lx-%d",
		    (unsigned long)pthread_self(), i);
		check_ok(vol_mknod(t.v, &ctx, dir, name, &how, &a));
		check_ok(vol_write(t.v, &ctx, a.ino, 0, bytes_str("content")));
		check_ok(answer(&ctx));
		vol_forget(t.v, a.ino, 1);
	}
	/* Relaxed: only a count; the joins order everything else. */
	atomic_fetch_add_explicit(&finished, 1, memory_order_relaxed);
	return NULL;
}

/* Changes policies until the others are done. */
static void
change_policies(uint64_t *dirs, size_t count)
{
	static const char *const texts[] = {"sync", "none", "often",
	    "batch batch_ops=3 batch_ms=2", "adaptive adaptive_ms=5",
	    "batch batch_ops=0"};
	struct vol_ctx ctx = {0};

	for (size_t i = 0;
	     atomic_load_explicit(&finished, memory_order_relaxed) < THREADS;
	     i++) {
		const char *text = texts[i % 6];
		int want = i % 6 == 2 || i % 6 == 5 ? -EINVAL : 0;

		check_err(set_durability(text), want);
		check_err(set_policy(&ctx, dirs[i / 6 % count], text), want);
		if (i % 7 == 0)
			(void)vol_removexattr(t.v, &ctx, dirs[0], POLICY);
		check_contains(
		    volume_cat(&t, ".keyfs/durability"), "\nallowed: ");
	}
}

static void
sync__policies_change_while_others_write(void **state)
{
	uint64_t dirs[2] = {volume_mkdir(&t, "d"), volume_mkdir(&t, "e")};
	pthread_t threads[THREADS];

	(void)state;
	atomic_store(&finished, 0);
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_create(
		    &threads[i], NULL, write_files, &dirs[i % 2]));
	change_policies(dirs, 2);
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_join(threads[i], NULL));
	check_ok(set_durability("sync"));
	check_eq(vol_durable_seq(t.v), vol_seq(t.v));
	volume_check(&t);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(sync__goes_by_the_directory),
	    CASE(sync__an_error_in_the_background_reaches_the_next_fsync),
	    CASE(sync__policies_change_while_others_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
