/* A log that is written through memory, when the process is killed or the power
 * is cut. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/support/forget.h"
#include "tests/support/wal_file.h"

#define STEP 4096

/* --- the end of the process ------------------------------------------------
 */

/* The child: records of any size, and the number of the last that is written in
 * memory that is shared. */
static _Noreturn void
write_until_killed(struct wal_file *f, struct wal *w,
    volatile uint64_t *written, uint64_t seed)
{
	static uint8_t record[WAL_RECORD_HEADER + 9000];
	struct check_rand r = check_rand_of(seed);

	(void)f;
	for (uint64_t seq = 1;; seq++) {
		/* Mostly those that take long to copy. */
		size_t size = check_rand_one_in(&r, 4)
				  ? check_rand_below(&r, 200)
				  : 4000 + check_rand_below(&r, 4000);
		struct wal_stamp stamp = {seq, 1, 0};

		memset(record + WAL_RECORD_HEADER, (int)(seq % 251), size);
		if (wal_append(w, record, WAL_RECORD_HEADER + size, &stamp))
			_exit(1);
		*written = seq;
	}
}

static void
kill_once(struct wal_file *f, struct wal *w, volatile uint64_t *written,
    struct check_rand *r, unsigned *torn)
{
	uint64_t us = check_rand_below(r, 3000), seed = check_rand(r), last;
	struct wal_tail tail;
	pid_t pid;
	int status;

	*written = 0;
	pid = fork();
	check_le(0, pid);
	if (pid == 0)
		write_until_killed(f, w, written, seed);
	env_sleep_us(&f->posix, us);
	check_ok(kill(pid, SIGKILL));
	check_eq(waitpid(pid, &status, 0), pid);
	check_true(WIFSIGNALED(status));
	wal_close(w);
	check_ok(wal_file_read(f, &last, &tail));
	check_le(*written, last);
	check_le(last, *written + 1);
	*torn += tail.torn;
}

static void
wal_crash__a_kill_at_any_moment_loses_nothing_written(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	volatile uint64_t *written;
	unsigned torn[2] = {0};
	struct wal_file f;

	(void)state;
	written = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check_true(written != MAP_FAILED);
	wal_file_init(&f);
	wal_file_need_mapping(&f);
	for (int i = 0; i < (check_long() ? 5000 : 100); i++) {
		const struct wal_mapping how = {.step = (size_t)STEP << i % 5};
		struct wal *w;

		if (i > 0)
			env_unlink(&f.posix, f.path);
		w = i % 2 ? wal_file_lay_over_old(&f, 512u << 10)
			  : wal_file_create(&f);
		wal_map(w, &how);
		kill_once(&f, w, written, &r, &torn[i % 2]);
	}
	/* In a new file that is the record in the making, most often. */
	check_le(1, torn[0]);
	wal_file_fini(&f);
	check_ok(munmap((void *)(uintptr_t)written, 4096));
}

/* --- power cuts ------------------------------------------------------------
 */

/* Sizes and syncs at random, then a cut; *synced is what a sync covered. */
static void
write_until_cut(
    struct forget *f, struct wal *w, struct check_rand *r, uint64_t *synced)
{
	const struct env_forget_how how = {
	    .keep = check_rand_one_in(r, 4) ? ENV_FORGET_KEEP_PREFIX
					    : ENV_FORGET_KEEP_RANDOM,
	    .seed = check_rand(r),
	};
	uint64_t seq = 1;

	env_forget_arm(
	    f->forget, 1 + check_rand_below(r, 100), &how, NULL, NULL);
	while (wal_file_append_one(w, seq, check_rand_below(r, 2000)) == 0) {
		if (check_rand_one_in(r, 20) && wal_sync(w) == 0)
			*synced = seq;
		seq++;
	}
	wal_close(w);
}

static void
cut_once(struct forget *f, struct check_rand *r, bool grows)
{
	const struct wal_mapping how = {.step = STEP};
	const struct wal_id *id = WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER);
	uint64_t synced = 0, last = 0;
	struct wal_record record;
	struct wal_reader *reader;
	char path[300];
	struct wal *w;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/000007.log", f->dir);
	if (grows) {
		check_ok(wal_create(f->env, path, id, 1, &w));
		check_ok(wal_sync(w));
		check_ok(env_sync_dir(f->env, f->dir));
	} else {
		check_ok(wal_create_in(f->env, path, id, 1, &w));
		check_ok(wal_sync(w));
	}
	wal_map(w, &how);
	write_until_cut(f, w, r, &synced);
	check_ok(env_forget_restart(f->forget, NULL));
	check_ok(wal_reader_open(f->env, path, id, &reader));
	while ((rc = wal_reader_next(reader, &record)) > 0)
		check_eq(record.stamp.seq, ++last);
	wal_reader_close(reader);
	check_ok(rc);
	check_le(synced, last);
}

/* What a sync covered is there, and of the rest a prefix. */
static void
wal_crash__a_power_cut_leaves_a_prefix(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint64_t copied = 0;
	struct wal_file need;
	struct forget f;

	(void)state;
	wal_file_init(&need);
	wal_file_need_mapping(&need);
	wal_file_fini(&need);
	for (int i = 0; i < (check_long() ? 5000 : 150); i++) {
		forget_init(&f);
		if (i % 2) {
			forget_put(&f, "000007.log", "");
			forget_cut_off(&f, "000007.log", 64u << 10);
			forget_sync(&f, "000007.log");
			forget_sync_names(&f);
		}
		cut_once(&f, &r, i % 2 == 0);
		copied += f.base.map_writes;
		forget_fini(&f);
	}
	check_le(150, copied);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		wal_crash__a_kill_at_any_moment_loses_nothing_written),
	    cmocka_unit_test(wal_crash__a_power_cut_leaves_a_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
