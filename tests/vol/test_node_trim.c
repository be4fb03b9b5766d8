/* Blocks that were cut off, and a trim that does not come to its end. */
#include "fs/vol/node_trim.h"

#include "fs/record/key.h"
#include "fs/vol/orphan.h"
#include "tests/check.h"
#include "tests/support/volume.h"

static struct volume t;

static size_t
count(enum key_tag tag)
{
	return store_mem_count_tag(t.s, (uint8_t)tag);
}

static void
node_trim__large_cut_is_finished_at_open(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);

	(void)state;
	/* The cut is written, the trim that follows is not. */
	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -EIO);
	check_ok(volume_truncate(&t, f, 1));
	check_eq(count(KEY_ORPHAN), 1);
	check_eq(volume_attr(&t, "f").size, 1);
	volume_crash(&t);
	check_eq(count(KEY_ORPHAN), 0);
	check_le(count(KEY_BLOCK), 1);
	check_str(volume_cat(&t, "f"), "x");
}

static void
node_trim__failure_never_shows_old_blocks(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);
	struct vol_attr a = volume_attr(&t, "f");
	char byte = '?';
	size_t got;

	(void)state;
	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -ENOSPC);
	check_ok(volume_truncate(&t, f, 1));
	/* It does not grow before that is finished: */
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -ENOSPC);
	check_err(volume_truncate(&t, f, a.size), -ENOSPC);
	check_ok(volume_truncate(&t, f, a.size));
	check_ok(vol_read(t.v, f, a.size - 1, &byte, 1, &got));
	check_eq(got, 1);
	check_eq(byte, 0);
	check_eq(count(KEY_ORPHAN), 0);
}

static void
node_trim__failure_of_an_unlinked_file(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);

	(void)state;
	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -ENOSPC);
	check_ok(volume_truncate(&t, f, 0));
	check_ok(volume_rm(&t, "f"));
	vol_forget(t.v, f, 100);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

/* The trim fails, and so does what the kernel's forgetting tries again: the
 * node has gone, and the O record has not. */
static void
forget_trim(uint64_t ino, uint64_t size)
{
	struct vol_attr a;

	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -ENOSPC);
	check_ok(volume_truncate(&t, ino, size));
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -ENOSPC);
	vol_forget(t.v, ino, 100);
	store_mem_fail(t.s, STORE_MEM_WRITE, 0, 0);
	check_err(vol_getattr(t.v, ino, &a), -ESTALE);
	check_eq(count(KEY_ORPHAN), 1);
}

static char
byte_at(uint64_t ino, uint64_t offset)
{
	char byte = '?';
	size_t got;

	check_ok(vol_read(t.v, ino, offset, &byte, 1, &got));
	check_eq(got, 1);
	return byte;
}

static void
node_trim__forgotten_one_deletes_no_new_blocks(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);
	uint64_t end = volume_attr(&t, "f").size;

	(void)state;
	forget_trim(f, 1);
	f = volume_at(&t, "f");
	check_ok(volume_truncate(&t, f, end));
	check_eq(byte_at(f, end - 1), 0);
	check_eq(count(KEY_ORPHAN), 0);
	check_ok(vol_write(t.v, &t.ctx, f, end - 1, bytes_str("n")));
	volume_reopen(&t);
	check_eq(byte_at(volume_at(&t, "f"), end - 1), 'n');
}

static void
node_trim__forgotten_one_of_a_file_that_is_written(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);
	uint64_t end = volume_attr(&t, "f").size;

	(void)state;
	forget_trim(f, 1);
	f = volume_at(&t, "f");
	check_ok(vol_write(t.v, &t.ctx, f, end - 1, bytes_str("n")));
	volume_crash(&t);
	check_eq(byte_at(volume_at(&t, "f"), end - 1), 'n');
	check_le(count(KEY_BLOCK), 2);
}

static void
node_trim__forgotten_one_of_an_unlinked_file(void **state)
{
	uint64_t f = volume_blocks(&t, "f", 2 * ORPHAN_BATCH_BLOCKS);
	uint64_t end = volume_attr(&t, "f").size;

	(void)state;
	forget_trim(f, end / 8);
	f = volume_at(&t, "f");
	check_ok(volume_rm(&t, "f"));
	check_ok(volume_truncate(&t, f, end));
	check_eq(byte_at(f, 0), 'x');
	check_eq(byte_at(f, end - 1), 0);
	/* Its own record. */
	check_eq(count(KEY_ORPHAN), 1);
	vol_forget(t.v, f, 100);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

static void
node_trim__forgotten_one_of_an_unlinked_small_file(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);

	(void)state;
	forget_trim(f, 0);
	f = volume_at(&t, "f");
	check_ok(volume_rm(&t, "f"));
	vol_forget(t.v, f, 100);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

static void
node_trim__forget_and_close_try_again(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);
	uint64_t g = volume_blocks(&t, "g", ORPHAN_BATCH_BLOCKS + 10);

	(void)state;
	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -ENOSPC);
	check_ok(volume_truncate(&t, f, 0));
	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -ENOSPC);
	check_ok(volume_truncate(&t, g, 0));
	check_eq(count(KEY_ORPHAN), 2);
	vol_forget(t.v, f, 1);
	check_eq(count(KEY_ORPHAN), 1);
	check_ok(vol_close(t.v));
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
	check_ok(vol_open(t.s, &t.options, &t.v));
}

/* Cut when it has no name any more: its own O record must survive that. */
static void
node_trim__large_cut_of_an_orphan(void **state)
{
	uint64_t f = volume_blocks(&t, "f", 2 * ORPHAN_BATCH_BLOCKS);
	struct vol_attr a = volume_attr(&t, "f");

	(void)state;
	check_ok(volume_rm(&t, "f"));
	check_ok(volume_truncate(&t, f, a.size / 8));
	check_eq(count(KEY_ORPHAN), 1);
	check_ok(vol_getattr(t.v, f, &a));
	check_eq(volume_text(&t, f)[0], 'x');
	check_ok(volume_truncate(&t, f, 0));
	vol_forget(t.v, f, 100);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

/* Calls of iterators at open: the O records are listed with 1 and 2, and 3 and
 * 4 begin on the blocks of the first. */
#define ITER_ORPHANS 2
#define ITER_BLOCKS  4

static void
check_said(const char *text)
{
	check_ok(buf_append_u8(&t.messages, 0));
	check_contains((char *)t.messages.data, text);
	buf_clear(&t.messages);
}

/* The blocks behind its end cannot be read: those before it can, and it can be
 * changed but for its content. */
static void
check_short(const char *path, const char *content, uint64_t end)
{
	uint64_t f = volume_at(&t, path);
	struct vol_set set = {.mask = VOL_SET_MODE, .mode = 0600};
	struct vol_attr a;

	store_mem_fail(t.s, STORE_MEM_ITER, 1, -EUCLEAN);
	check_str(volume_text(&t, f), content);
	check_ok(vol_setattr(t.v, &t.ctx, f, &set, &a));
	check_err(volume_truncate(&t, f, end), -EUCLEAN);
	store_mem_fail(t.s, STORE_MEM_ITER, 1, -EUCLEAN);
	check_err(vol_write(t.v, &t.ctx, f, end - 1, bytes_str("n")), -EUCLEAN);
	check_str(volume_text(&t, f), content);
}

static void
node_trim__failure_at_open_shows_no_old_blocks(void **state)
{
	static const uint64_t calls[] = {ITER_ORPHANS, ITER_BLOCKS};
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);
	uint64_t end = volume_attr(&t, "f").size;

	(void)state;
	forget_trim(f, 1);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		buf_clear(&t.messages);
		volume_crash_and_fail(&t, STORE_MEM_ITER, calls[i], -EUCLEAN);
		check_said("could not be");
		check_eq(count(KEY_ORPHAN), 1);
		check_short("f", "x", end);
	}
	f = volume_at(&t, "f");
	check_ok(volume_truncate(&t, f, end));
	check_eq(byte_at(f, end - 1), 0);
	check_ok(vol_write(t.v, &t.ctx, f, end - 1, bytes_str("n")));
	volume_crash(&t);
	check_eq(byte_at(volume_at(&t, "f"), end - 1), 'n');
}

static void
put_orphan(uint64_t ino, const char *record)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(t.s);
	struct buf key = {0};

	check_ok(key_orphan(&key, ino));
	check_ok(store_batch_put(b, buf_bytes(&key), bytes_str(record)));
	check_ok(store_write(t.s, b, NULL, &done));
	store_batch_free(b);
	buf_fini(&key);
}

static void
node_trim__damaged_record_shows_no_old_blocks(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);
	uint64_t end = volume_attr(&t, "f").size;

	(void)state;
	forget_trim(f, 1);
	put_orphan(f, "?");
	volume_crash(&t);
	check_said("is damaged");
	f = volume_at(&t, "f");
	check_ok(volume_truncate(&t, f, end));
	check_eq(byte_at(f, end - 1), 0);
	check_eq(count(KEY_ORPHAN), 0);
}

int
main(void)
{
#define T(name) volume_case(name, &t)
	const struct CMUnitTest tests[] = {
	    T(node_trim__large_cut_is_finished_at_open),
	    T(node_trim__failure_never_shows_old_blocks),
	    T(node_trim__failure_of_an_unlinked_file),
	    T(node_trim__forgotten_one_deletes_no_new_blocks),
	    T(node_trim__forgotten_one_of_a_file_that_is_written),
	    T(node_trim__forgotten_one_of_an_unlinked_file),
	    T(node_trim__forgotten_one_of_an_unlinked_small_file),
	    T(node_trim__forget_and_close_try_again),
	    T(node_trim__large_cut_of_an_orphan),
	    T(node_trim__failure_at_open_shows_no_old_blocks),
	    T(node_trim__damaged_record_shows_no_old_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
