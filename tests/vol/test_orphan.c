/* What lives on without a name, and what a crash leaves behind. */
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/record/key.h"
#include "fs/vol/orphan.h"
#include "tests/check.h"
#include "tests/support/volume.h"

#define BIG_XATTR 60000

static struct volume t;

static size_t
count(enum key_tag tag)
{
	return store_mem_count_tag(t.s, (uint8_t)tag);
}

static void
orphan__small_file_lives_in_memory(void **state)
{
	uint64_t f = volume_file(&t, "f", "hello");
	struct vol_attr a;

	(void)state;
	check_ok(volume_rm(&t, "f"));
	check_eq(count(KEY_ORPHAN), 0);
	check_str(volume_text(&t, f), "hello");
	check_ok(vol_write(t.v, &t.ctx, f, 0, bytes_str("J")));
	check_ok(volume_truncate(&t, f, 4));
	check_str(volume_text(&t, f), "Jell");
	check_ok(vol_getattr(t.v, f, &a));
	check_eq(a.nlink, 0);
	vol_forget(t.v, f, 1);
	check_err(vol_getattr(t.v, f, &a), -ESTALE);
}

static void
orphan__symlink_lives_on_too(void **state)
{
	struct buf b = {0};
	struct vol_attr a;

	(void)state;
	check_ok(vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "l", "there", &a));
	check_ok(volume_rm(&t, "l"));
	check_ok(vol_readlink(t.v, a.ino, &b));
	check_bytes_eq(buf_bytes(&b), bytes_str("there"));
	check_eq(count(KEY_ORPHAN), 0);
	buf_fini(&b);
}

static void
orphan__file_with_blocks_is_purged_at_the_last_forget(void **state)
{
	uint64_t f = volume_blocks(&t, "f", 5);

	(void)state;
	check_ok(volume_rm(&t, "f"));
	check_eq(count(KEY_ORPHAN), 1);
	check_eq(count(KEY_BLOCK), 5);
	check_ok(vol_write(t.v, &t.ctx, f, 0, bytes_str("yes")));
	check_eq(volume_text(&t, f)[0], 'y');
	vol_forget(t.v, f, 1);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

static void
orphan__file_that_nobody_holds_is_purged_at_once(void **state)
{
	uint64_t f = volume_blocks(&t, "f", 3);

	(void)state;
	vol_forget(t.v, f, 1);
	check_ok(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "f"));
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

static void
orphan__replaced_file_keeps_its_blocks(void **state)
{
	uint64_t f = volume_blocks(&t, "f", 3);

	(void)state;
	volume_file(&t, "g", "");
	check_ok(volume_mv(&t, "g", "f", 0));
	check_eq(count(KEY_ORPHAN), 1);
	check_eq(volume_text(&t, f)[0], 'x');
	vol_forget(t.v, f, 100);
	check_eq(count(KEY_BLOCK), 0);
}

static void
orphan__small_one_that_grows_gets_a_record(void **state)
{
	uint64_t f = volume_file(&t, "f", "hello");
	char *big = calloc(1, 100000);

	(void)state;
	check_true(big != NULL);
	check_ok(volume_rm(&t, "f"));
	memset(big, 'b', 99999);
	check_ok(vol_write(t.v, &t.ctx, f, 5, bytes_str(big)));
	check_eq(count(KEY_ORPHAN), 1);
	check_eq(volume_text(&t, f)[4], 'o');
	check_eq(volume_text(&t, f)[5], 'b');
	vol_forget(t.v, f, 1);
	check_eq(count(KEY_BLOCK), 0);
	free(big);
}

static void
orphan__crash_leaves_nothing_behind(void **state)
{
	uint64_t f = volume_blocks(&t, "f", 5);
	struct vol_attr a;

	(void)state;
	check_ok(volume_rm(&t, "f"));
	volume_crash(&t);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
	check_err(vol_getattr(t.v, f, &a), -ESTALE);
}

static void
orphan__close_purges(void **state)
{
	(void)state;
	volume_blocks(&t, "f", 5);
	check_ok(volume_rm(&t, "f"));
	check_ok(vol_close(t.v));
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
	check_ok(vol_open(t.s, &t.options, &t.v));
}

static void
orphan__interrupted_purge_is_finished_at_open(void **state)
{
	uint64_t f = volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);

	(void)state;
	check_ok(volume_rm(&t, "f"));
	/* The first batch of the purge passes, the second does not. */
	store_mem_fail(t.s, STORE_MEM_WRITE, 2, -EIO);
	vol_forget(t.v, f, 1);
	check_eq(count(KEY_ORPHAN), 1);
	check_eq(count(KEY_BLOCK), 10);
	check_ok(buf_append_u8(&t.messages, 0));
	check_contains((char *)t.messages.data, "could not be purged");
	volume_reopen(&t);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

static void
orphan__cut_to_nothing_keeps_big_xattrs(void **state)
{
	uint64_t f = volume_blocks(&t, "f", 3);
	char *big = calloc(1, BIG_XATTR);
	struct vol_xattr x = {"user.big", big, BIG_XATTR, 0};
	size_t got;

	(void)state;
	check_true(big != NULL);
	check_ok(vol_setxattr(t.v, &t.ctx, f, &x));
	check_eq(count(KEY_XATTR), 1);
	check_ok(volume_truncate(&t, f, 0));
	check_ok(vol_getxattr(t.v, f, "user.big", NULL, 0, &got));
	check_eq(got, BIG_XATTR);
	/* And an empty file with one is an orphan on disk. */
	check_ok(volume_rm(&t, "f"));
	check_eq(count(KEY_ORPHAN), 1);
	check_ok(vol_getxattr(t.v, f, "user.big", NULL, 0, &got));
	vol_forget(t.v, f, 1);
	check_eq(count(KEY_XATTR), 0);
	free(big);
}

static void
orphan__removed_directory_keeps_its_attributes(void **state)
{
	struct vol_set set = {.mask = VOL_SET_MODE, .mode = 0700};
	struct vol_xattr x = {"user.a", "1", 1, 0};
	uint64_t d = volume_mkdir(&t, "d");
	struct vol_attr a;
	char byte = '?';
	size_t got;

	(void)state;
	check_ok(vol_setxattr(t.v, &t.ctx, d, &x));
	check_ok(volume_rmdir(&t, "d"));
	check_ok(vol_getxattr(t.v, d, "user.a", &byte, 1, &got));
	check_eq(byte, '1');
	check_ok(vol_setattr(t.v, &t.ctx, d, &set, &a));
	check_eq(a.mode, S_IFDIR | 0700);
	check_eq(a.nlink, 0);
}

static void
orphan__damaged_record_does_not_stop_the_mount(void **state)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(t.s);
	struct buf key = {0};

	(void)state;
	check_ok(key_orphan(&key, 77));
	check_ok(store_batch_put(b, buf_bytes(&key), bytes_str("?")));
	check_ok(store_write(t.s, b, NULL, &done));
	volume_reopen(&t);
	check_eq(count(KEY_ORPHAN), 1);
	check_ok(buf_append_u8(&t.messages, 0));
	check_contains((char *)t.messages.data, "is damaged");
	store_batch_clear(b);
	check_ok(store_batch_delete(b, buf_bytes(&key)));
	check_ok(store_write(t.s, b, NULL, &done));
	store_batch_free(b);
	buf_fini(&key);
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

static void
orphan__failed_purge_does_not_stop_the_mount(void **state)
{
	static const struct {
		enum store_mem_call call;
		uint64_t n;
		int err;
	} faults[] = {
	    {STORE_MEM_ITER, ITER_BLOCKS, -EUCLEAN},
	    {STORE_MEM_ITER, ITER_BLOCKS, -EIO},
	    {STORE_MEM_ITER, ITER_ORPHANS, -EUCLEAN},
	    {STORE_MEM_BATCH, 1, -ENOMEM},
	    {STORE_MEM_WRITE, 1, -ENOSPC},
	};

	(void)state;
	volume_blocks(&t, "f", 5);
	check_ok(volume_rm(&t, "f"));
	volume_file(&t, "g", "hello");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		buf_clear(&t.messages);
		volume_crash_and_fail(
		    &t, faults[i].call, faults[i].n, faults[i].err);
		check_said("could not be");
		check_eq(count(KEY_ORPHAN), 1);
		check_eq(count(KEY_BLOCK), 5);
		check_str(volume_cat(&t, "g"), "hello");
	}
	volume_crash(&t);
	check_eq(count(KEY_ORPHAN), 0);
	check_eq(count(KEY_BLOCK), 0);
}

/* The next one is not missed for it. */
static void
orphan__failed_purge_does_not_stop_others(void **state)
{
	(void)state;
	volume_blocks(&t, "f", 5);
	volume_blocks(&t, "g", 7);
	check_ok(volume_rm(&t, "f"));
	check_ok(volume_rm(&t, "g"));
	volume_crash_and_fail(&t, STORE_MEM_ITER, ITER_BLOCKS, -EUCLEAN);
	check_eq(count(KEY_ORPHAN), 1);
	check_eq(count(KEY_BLOCK), 5);
	volume_crash(&t);
}

static int
failure(struct store *s)
{
	(void)s;
	return -EIO;
}

static void
orphan__failed_store_stops_the_mount(void **state)
{
	const struct store_ops *ops = t.s->ops;
	struct store_ops failed = *ops;

	(void)state;
	failed.failure = failure;
	volume_blocks(&t, "f", ORPHAN_BATCH_BLOCKS + 10);
	check_ok(volume_rm(&t, "f"));
	/* Closing leaves the record too. */
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -EIO);
	check_ok(vol_close(t.v));
	t.s->ops = &failed;
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -EIO);
	check_err(vol_open(t.s, &t.options, &t.v), -EIO);
	t.s->ops = ops;
	check_ok(vol_open(t.s, &t.options, &t.v));
}

int
main(void)
{
#define T(name) volume_case(name, &t)
	const struct CMUnitTest tests[] = {
	    T(orphan__small_file_lives_in_memory),
	    T(orphan__symlink_lives_on_too),
	    T(orphan__file_with_blocks_is_purged_at_the_last_forget),
	    T(orphan__file_that_nobody_holds_is_purged_at_once),
	    T(orphan__replaced_file_keeps_its_blocks),
	    T(orphan__small_one_that_grows_gets_a_record),
	    T(orphan__crash_leaves_nothing_behind),
	    T(orphan__close_purges),
	    T(orphan__interrupted_purge_is_finished_at_open),
	    T(orphan__cut_to_nothing_keeps_big_xattrs),
	    T(orphan__removed_directory_keeps_its_attributes),
	    T(orphan__damaged_record_does_not_stop_the_mount),
	    T(orphan__failed_purge_does_not_stop_the_mount),
	    T(orphan__failed_purge_does_not_stop_others),
	    T(orphan__failed_store_stops_the_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
