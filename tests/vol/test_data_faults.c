#include "tests/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fs/record/key.h"
#include "fs/vol/orphan.h"
#include "tests/support/content.h"

#define B(literal) bytes_of(literal, sizeof(literal) - 1)
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))

#define BLOCK  VOLUME_BLOCK
#define INLINE VOLUME_INLINE

static struct volume t;

/* --- failures ------------------------------------------------------------- */

/* What a row does to a file that holds `size` bytes of the pattern. */
struct change {
	const char *name;
	size_t size;
	uint64_t offset; /* write, or with data_size 0: truncate to it */
	size_t data_size;
};

static const struct change changes[] = {
    {"write inline", 100, 50, 100},
    {"outgrow the entry", 100, INLINE, 10},
    {"outgrow it far away", 100, 5 * BLOCK, 10},
    {"overwrite in a block", 3 * BLOCK, 10, 10},
    {"overwrite over a border", 3 * BLOCK, BLOCK - 1, 2},
    {"append", 3 * BLOCK + 5, 3 * BLOCK + 5, 2 * BLOCK},
    {"cut inline", 100, 50, 0},
    {"grow inline", 100, 200, 0},
    {"grow out of the entry", 100, INLINE + 1, 0},
    {"cut in a block", 3 * BLOCK, BLOCK + 5, 0},
    {"cut at a border", 3 * BLOCK, 2 * BLOCK, 0},
    {"cut back into the entry", 3 * BLOCK, 10, 0},
    {"cut to nothing", 3 * BLOCK, 0, 0},
    {"grow", 3 * BLOCK, 5 * BLOCK, 0},
};

static int
change_do(const struct change *c, uint64_t ino)
{
	if (c->data_size)
		return content_write(
		    &t, ino, c->offset, content_zeros(c->data_size));
	return content_truncate(&t, ino, c->offset);
}

/* Fails the n-th call; true if there was one. */
static bool
change_fails(
    const struct change *c, uint64_t ino, enum store_mem_call call, uint64_t n)
{
	static const int errors[] = {-EIO, -ENOSPC, -ENOMEM};
	int want = errors[n % COUNT(errors)];
	struct store *before = store_mem_clone(t.s);
	struct vol_attr a, b;
	bool failed;
	int err;

	check_ok(vol_getattr(t.v, ino, &a));
	store_mem_fail(t.s, call, n, want);
	err = change_do(c, ino);
	failed = store_mem_failed(t.s, call);
	store_mem_fail(t.s, call, 0, 0);
	if (failed) {
		check_err(err, want);
		check_true(store_mem_same(before, t.s));
		check_ok(vol_getattr(t.v, ino, &b));
		check_eq(b.mtime, a.mtime);
		check_eq(b.ctime, a.ctime);
		content_check(&t, ino, content_pattern(c->size));
	} else {
		check_ok(err);
	}
	check_ok(store_close(before));
	return failed;
}

static void
data_faults__failed_operation_changes_nothing(void **state)
{
	static const enum store_mem_call calls[] = {
	    STORE_MEM_WRITE, STORE_MEM_GET, STORE_MEM_BATCH, STORE_MEM_ITER};

	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++)
		for (size_t j = 0; j < COUNT(calls); j++) {
			uint64_t ino = volume_file(&t, "f", ""), n = 1;

			print_message("%s, %zu\n", changes[i].name, j);
			check_ok(content_write(
			    &t, ino, 0, content_pattern(changes[i].size)));
			while (change_fails(&changes[i], ino, calls[j], n))
				n++;
			/* Each writes once. */
			check_true(calls[j] != STORE_MEM_WRITE || n == 2);
			check_ok(volume_rm(&t, "f"));
			vol_forget(t.v, ino, 1);
		}
}

static void
data_faults__failed_read_gives_the_error(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");
	char data[3 * BLOCK];
	size_t got = 77;

	(void)state;
	check_ok(content_write(&t, ino, 0, content_pattern(3 * BLOCK)));
	store_mem_fail(t.s, STORE_MEM_GET, 2, -EIO);
	check_err(vol_read(t.v, ino, 0, data, sizeof(data), &got), -EIO);
	check_eq(got, 77);
	content_check(&t, ino, content_pattern(3 * BLOCK));
}

/* A block of a file, given new content behind the volume's back. */
static void
put_block(uint64_t ino, uint64_t block, struct bytes content)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(t.s);
	struct buf key = {0};

	check_ok(key_block(&key, ino, block));
	check_ok(store_batch_put(b, buf_bytes(&key), content));
	check_ok(store_write(t.s, b, NULL, &done));
	store_batch_free(b);
	buf_fini(&key);
}

static void
data_faults__block_beyond_its_file_is_damage(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");
	char data[2 * BLOCK];
	size_t got;

	(void)state;
	check_ok(content_write(&t, ino, 0, content_pattern(BLOCK + 10)));
	put_block(ino, 1, content_pattern(10));
	content_check_read(&t, ino, BLOCK, content_pattern(10));
	put_block(ino, 1, content_pattern(11));
	check_err(vol_read(t.v, ino, 0, data, sizeof(data), &got), ERR_DAMAGED);
	check_err(content_write(&t, ino, BLOCK + 1, B("x")), ERR_DAMAGED);
	put_block(ino, 0, content_pattern(BLOCK + 1));
	check_err(vol_read(t.v, ino, 0, data, 1, &got), ERR_DAMAGED);

	/* The volume is checked at the end. */
	put_block(ino, 0, content_pattern(BLOCK));
	put_block(ino, 1, content_pattern(10));
}

/* --- orphans -------------------------------------------------------------- */

static void
data_faults__unlinked_file_works_until_it_is_forgotten(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");
	struct volume crashed;

	(void)state;
	check_ok(content_write(&t, ino, 0, B("hello")));
	check_ok(volume_rm(&t, "f"));
	content_check(&t, ino, B("hello"));
	check_ok(content_write(&t, ino, 5, B(" you")));
	check_ok(content_truncate(&t, ino, 7));
	content_check(&t, ino, B("hello y"));
	check_eq(content_orphans(&t), 0);

	check_ok(content_write(&t, ino, 2 * BLOCK, B("far")));
	check_eq(content_orphans(&t), 1);
	check_eq(content_blocks(&t), 2);
	content_check_read(&t, ino, 0, B("hello y\0\0"));
	content_check_read(&t, ino, 2 * BLOCK, B("far"));
	check_ok(content_write(&t, ino, 0, B("J")));
	content_check_read(&t, ino, 0, B("Jello y\0\0"));

	content_open_crashed(&crashed, &t);
	check_eq(content_orphans(&crashed), 0);
	check_eq(content_blocks(&crashed), 0);
	volume_fini(&crashed);

	check_ok(content_truncate(&t, ino, 5));
	check_eq(content_blocks(&t), 0);
	content_check(&t, ino, B("Jello"));
	vol_forget(t.v, ino, 1);
	check_eq(content_orphans(&t), 0);
}

static void
data_faults__unlinked_large_file_leaves_nothing(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_ok(content_write(&t, ino, 0, content_pattern(3 * BLOCK)));
	check_ok(volume_rm(&t, "f"));
	check_eq(content_orphans(&t), 1);
	content_check(&t, ino, content_pattern(3 * BLOCK));
	check_ok(content_write(&t, ino, 3 * BLOCK, B("more")));
	check_eq(content_blocks(&t), 4);
	vol_forget(t.v, ino, 1);
	check_eq(content_orphans(&t), 0);
	check_eq(content_blocks(&t), 0);
}

/* An orphan in memory that cannot go to disk stays what it is. */
static void
data_faults__orphan_that_cannot_grow_is_unchanged(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_ok(content_write(&t, ino, 0, B("hello")));
	check_ok(volume_rm(&t, "f"));
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -ENOSPC);
	check_err(content_write(&t, ino, BLOCK, B("far")), -ENOSPC);
	content_check(&t, ino, B("hello"));
	check_eq(content_orphans(&t) + content_blocks(&t), 0);
	check_ok(content_write(&t, ino, BLOCK, B("far")));
	check_eq(content_orphans(&t), 1);
	content_check_read(&t, ino, BLOCK, B("far"));
}

/* --- more blocks than one batch deletes ------------------------------------
 */

#define MANY_AT_ONCE 8
#define MANY         ((uint64_t)ORPHAN_BATCH_BLOCKS + 10 * MANY_AT_ONCE)

static uint64_t
make_large(const char *name)
{
	uint64_t ino = volume_file(&t, name, "");

	for (uint64_t i = 0; i < MANY; i += MANY_AT_ONCE)
		check_ok(content_write(
		    &t, ino, i * BLOCK, content_pattern(MANY_AT_ONCE * BLOCK)));
	check_eq(content_blocks(&t), MANY);
	return ino;
}

static void
data_faults__long_cut_is_finished_in_later_batches(void **state)
{
	uint64_t ino = make_large("f");

	(void)state;
	check_ok(content_truncate(&t, ino, BLOCK + 5));
	check_eq(content_blocks(&t), 2);
	check_eq(content_orphans(&t), 0);
	content_check(&t, ino, content_pattern(BLOCK + 5));
}

static void
data_faults__long_cut_survives_a_crash(void **state)
{
	uint64_t ino = make_large("f");
	struct volume crashed;

	(void)state;
	/* The cut itself is written, the rest is not. */
	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -EIO);
	check_ok(content_truncate(&t, ino, BLOCK + 5));
	check_true(store_mem_failed(t.s, STORE_MEM_WRITE));
	check_true(content_blocks(&t) > 2);

	content_open_crashed(&crashed, &t);
	check_eq(content_blocks(&crashed), 2);
	check_eq(content_orphans(&crashed), 0);
	check_eq(volume_at(&crashed, "f"), ino);
	content_check(&crashed, ino, content_pattern(BLOCK + 5));
	volume_fini(&crashed);

	/* Without a crash: what was left must not come back. */
	check_ok(content_truncate(&t, ino, MANY * BLOCK));
	content_check_read(&t, ino, 0, content_pattern(BLOCK + 5));
	content_check_read(&t, ino, BLOCK + 5, content_zeros(8 * BLOCK));
	content_check_read(
	    &t, ino, (MANY - 8) * BLOCK, content_zeros(8 * BLOCK));
	check_eq(content_blocks(&t), 2);
}

static void
data_faults__long_cut_of_an_orphan_keeps_it(void **state)
{
	uint64_t ino = make_large("f");

	(void)state;
	check_ok(volume_rm(&t, "f"));
	check_ok(content_truncate(&t, ino, BLOCK + 5));
	check_eq(content_orphans(&t), 1);
	check_eq(content_blocks(&t), 2);
	content_check(&t, ino, content_pattern(BLOCK + 5));
	check_ok(content_truncate(&t, ino, 5));
	content_check(&t, ino, content_pattern(5));
	vol_forget(t.v, ino, 1);
	check_eq(content_orphans(&t), 0);
	check_eq(content_blocks(&t), 0);
}

/* --- several threads ------------------------------------------------------ */

#define THREADS 4
#define ROUNDS  200

struct writer {
	pthread_t thread;
	struct vol_ctx ctx;
	uint64_t ino;
	unsigned index;
	int err;
};

/* Writes its own quarter of every block again and again. */
static void *
writer_run(void *arg)
{
	struct writer *w = arg;
	uint8_t data[BLOCK / THREADS], back[BLOCK];
	size_t got;

	memset(data, 'a' + (int)w->index, sizeof(data));
	for (uint64_t i = 0; i < ROUNDS && w->err == 0; i++) {
		uint64_t at = i % 3 * BLOCK + w->index * sizeof(data);

		w->err = vol_write(
		    t.v, &w->ctx, w->ino, at, bytes_of(data, sizeof(data)));
		if (w->err == 0)
			w->err = vol_read(t.v, w->ino, i % 3 * BLOCK, back,
			    sizeof(back), &got);
	}
	return NULL;
}

static void
data_faults__writers_of_one_file_lose_nothing(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");
	struct writer w[THREADS] = {0};
	static uint8_t want[3 * BLOCK];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		w[i].ino = ino;
		w[i].index = i;
		check_eq(
		    pthread_create(&w[i].thread, NULL, writer_run, &w[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		check_eq(pthread_join(w[i].thread, NULL), 0);
		check_ok(w[i].err);
	}
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)('a' + i % BLOCK / (BLOCK / THREADS));
	content_check(&t, ino, bytes_of(want, sizeof(want)));
}

int
main(void)
{
#define CASE(name) volume_case_small(name, &t)
	const struct CMUnitTest tests[] = {
	    CASE(data_faults__failed_operation_changes_nothing),
	    CASE(data_faults__failed_read_gives_the_error),
	    CASE(data_faults__block_beyond_its_file_is_damage),
	    CASE(data_faults__unlinked_file_works_until_it_is_forgotten),
	    CASE(data_faults__unlinked_large_file_leaves_nothing),
	    CASE(data_faults__orphan_that_cannot_grow_is_unchanged),
	    CASE(data_faults__long_cut_is_finished_in_later_batches),
	    CASE(data_faults__long_cut_survives_a_crash),
	    CASE(data_faults__long_cut_of_an_orphan_keeps_it),
	    CASE(data_faults__writers_of_one_file_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
