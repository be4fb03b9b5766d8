/* The volume's opening and closing, and its nodes in memory. */
#include <stdio.h>
#include <sys/stat.h>

#include "fs/record/key.h"
#include "fs/record/super.h"
#include "fs/vol/node.h"
#include "fs/vol/state.h"
#include "tests/check.h"
#include "tests/support/volume.h"

static struct volume t;

static void
put(struct buf *key, struct bytes value)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(t.s);

	if (value.data)
		check_ok(store_batch_put(b, buf_bytes(key), value));
	else
		check_ok(store_batch_delete(b, buf_bytes(key)));
	check_ok(store_write(t.s, b, NULL, &done));
	store_batch_free(b);
	buf_fini(key);
}

static void
node__format_is_one_batch_and_a_sync(void **state)
{
	struct store *s = store_mem_new();
	struct vol *v;

	(void)state;
	check_ok(vol_open(s, &t.options, &v));
	check_eq(store_mem_calls(s, STORE_MEM_WRITE), 1);
	check_eq(store_mem_calls(s, STORE_MEM_SYNC), 1);
	check_eq(store_mem_count_tag(s, KEY_SUPER), 2);
	check_ok(vol_close(v));
	check_ok(vol_open(s, &t.options, &v));
	check_eq(store_mem_calls(s, STORE_MEM_WRITE), 1);
	check_ok(vol_close(v));
	check_ok(store_close(s));
}

static void
node__failed_format_leaves_an_empty_store(void **state)
{
	struct store *s = store_mem_new();
	struct vol *v;

	(void)state;
	store_mem_fail(s, STORE_MEM_WRITE, 1, -ENOSPC);
	check_err(vol_open(s, &t.options, &v), -ENOSPC);
	check_eq(store_mem_count(s, bytes_of(NULL, 0), bytes_of(NULL, 0)), 0);
	t.options.read_only = true;
	check_err(vol_open(s, &t.options, &v), -ENOENT);
	t.options.read_only = false;
	t.options.block_bytes = 5000;
	check_err(vol_open(s, &t.options, &v), -EINVAL);
	t.options.block_bytes = 4096;
	t.options.inline_bytes = 4097;
	check_err(vol_open(s, &t.options, &v), -EINVAL);
	check_ok(store_close(s));
}

static void
node__foreign_store_is_refused(void **state)
{
	struct store_written done;
	struct store *s = store_mem_new();
	struct store_batch *b = store_batch_new(s);
	struct vol *v;

	(void)state;
	check_ok(store_batch_put(b, bytes_str("zebra"), bytes_str("1")));
	check_ok(store_write(s, b, NULL, &done));
	store_batch_free(b);
	check_err(vol_open(s, &t.options, &v), ERR_FORMAT);
	check_contains((const char *)t.messages.data, "no volume");
	check_ok(store_close(s));
}

static void
node__damaged_or_newer_superblock_is_refused(void **state)
{
	struct super super = {
	    .version = SUPER_VERSION, .block_bytes = 4096, .inline_bytes = 512};
	struct buf key = {0}, record = {0};
	struct store *whole = store_mem_clone(t.s);
	struct vol *v;

	(void)state;
	check_ok(key_super(&key, "super"));
	put(&key, bytes_str("?"));
	check_true(vol_open(t.s, &t.options, &v) < 0);
	check_ok(super_encode(&record, &super));
	record.data[0] = SUPER_VERSION + 1; /* the version comes first */
	check_ok(key_super(&key, "super"));
	put(&key, buf_bytes(&record));
	check_err(vol_open(t.s, &t.options, &v), ERR_FORMAT);
	buf_fini(&record);
	check_ok(vol_close(t.v));
	check_ok(store_close(t.s));
	t.s = whole;
	check_ok(vol_open(t.s, &t.options, &t.v));
}

static void
node__missing_root_or_counter_is_damage(void **state)
{
	struct store *whole = store_mem_clone(t.s);
	struct buf key = {0};
	struct vol *v;

	(void)state;
	check_ok(key_super(&key, "ino"));
	put(&key, bytes_of(NULL, 0));
	check_err(vol_open(t.s, &t.options, &v), ERR_DAMAGED);
	check_ok(vol_close(t.v));
	check_ok(store_close(t.s));
	t.s = store_mem_clone(whole);
	check_ok(key_entry(&key, bytes_of("", 0), bytes_of("", 0)));
	put(&key, bytes_of(NULL, 0));
	check_err(vol_open(t.s, &t.options, &v), ERR_DAMAGED);
	check_ok(store_close(t.s));
	t.s = whole;
	check_ok(vol_open(t.s, &t.options, &t.v));
}

static void
node__damaged_entry_names_its_key(void **state)
{
	struct buf key = {0};
	struct vol_attr a;

	(void)state;
	check_ok(key_entry(&key, bytes_of("", 0), bytes_str("bad")));
	put(&key, bytes_str("garbage"));
	check_true(vol_lookup(t.v, VOL_INO_ROOT, "bad", &a) < 0);
	check_ok(buf_append_u8(&t.messages, 0));
	check_contains((const char *)t.messages.data, "E\\x00bad");
	check_true(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "bad") < 0);
	check_ok(key_entry(&key, bytes_of("", 0), bytes_str("bad")));
	put(&key, bytes_of(NULL, 0));
}

static void
node__second_name_of_an_inode_is_damage(void **state)
{
	struct store_value value = {0};
	struct buf key = {0};
	struct vol_attr a;

	(void)state;
	volume_file(&t, "a", "");
	check_ok(key_entry(&key, bytes_of("", 0), bytes_str("a")));
	check_eq(store_get(t.s, buf_bytes(&key), &value), 1);
	check_ok(key_entry(&key, bytes_of("", 0), bytes_str("b")));
	put(&key, value.bytes);
	store_value_release(&value);
	check_err(vol_lookup(t.v, VOL_INO_ROOT, "b", &a), ERR_DAMAGED);
	check_err(volume_rm(&t, "b"), ERR_DAMAGED);
	check_err(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "b"), ERR_DAMAGED);
	check_ok(key_entry(&key, bytes_of("", 0), bytes_str("b")));
	put(&key, bytes_of(NULL, 0));
}

static void
node__inode_numbers_are_never_used_twice(void **state)
{
	uint64_t last = volume_file(&t, "first", "");
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;

	(void)state;
	check_eq(last, VOL_INO_ROOT + 1);
	for (int i = 0; i < 3 * STATE_INO_CHUNK / 2; i++) {
		check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "x", &how, &a));
		check_true(a.ino > last);
		last = a.ino;
		check_ok(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "x"));
		vol_forget(t.v, a.ino, 1);
	}
	volume_reopen(&t);
	check_true(volume_file(&t, "y", "") > last);
}

static void
node__failed_reservation_does_not_count(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;
	struct store *crash;
	uint64_t last = 0;

	(void)state;
	for (int i = 0; i < 2 * STATE_INO_CHUNK + 10; i++) {
		store_mem_fail(t.s, STORE_MEM_WRITE, 1, -ENOSPC);
		check_err(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "x", &how, &a),
		    -ENOSPC);
	}
	check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "x", &how, &a));
	last = a.ino;
	crash = store_mem_clone(t.s);
	check_ok(vol_close(t.v));
	check_ok(store_close(t.s));
	t.s = crash;
	check_ok(vol_open(t.s, &t.options, &t.v));
	check_true(volume_file(&t, "y", "") > last);
}

static void
node__lookups_decide_what_stays(void **state)
{
	struct vol_attr a;
	uint64_t d = volume_mkdir(&t, "d"), f = volume_file(&t, "d/f", "");

	(void)state;
	check_eq(t.v->node_count, 3);
	/* mkdir and the path of the file: two lookups. */
	vol_forget(t.v, d, 1);
	check_ok(vol_getattr(t.v, d, &a));
	vol_forget(t.v, d, 1);
	check_err(vol_getattr(t.v, d, &a), -ESTALE);
	check_ok(vol_getattr(t.v, f, &a));
	vol_forget(t.v, f, 1000);
	vol_forget(t.v, f, 1);
	check_eq(t.v->node_count, 1);
	vol_forget(t.v, VOL_INO_ROOT, 1000);
	check_ok(vol_getattr(t.v, VOL_INO_ROOT, &a));
}

static void
node__child_directory_keeps_its_parents(void **state)
{
	uint64_t a = volume_mkdir(&t, "a"), b = volume_mkdir(&t, "a/b");
	uint64_t c = volume_mkdir(&t, "a/b/c");

	(void)state;
	vol_forget(t.v, a, 10);
	vol_forget(t.v, b, 10);
	check_eq(t.v->node_count, 4);
	vol_forget(t.v, c, 10);
	check_eq(t.v->node_count, 1);
}

static void
node__many_nodes(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;
	char name[16];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, name, &how, &a));
	}
	check_eq(t.v->node_count, 3001);
	check_true(t.v->bucket_count > 1024);
	check_eq(volume_attr(&t, "1234").ino, volume_at(&t, "1234"));
	/* volume_check looks at every pair. */
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		check_ok(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, name));
	}
}

static void
node__read_only_refuses_changes(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;

	(void)state;
	volume_file(&t, "f", "x");
	t.options.read_only = true;
	volume_reopen(&t);
	check_err(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "x", &how, &a), -EROFS);
	check_err(volume_rm(&t, "f"), -EROFS);
	check_str(volume_cat(&t, "f"), "x");
}

/* A record that was read before its node changed and left memory. */
static void
node__stale_record_is_read_again(void **state)
{
	uint64_t era = node_era(t.v), f = volume_file(&t, "f", "old");
	struct vol_set set = {.mask = VOL_SET_UID, .uid = 99};
	struct store_value value = {0};
	struct node_source src = {0};
	struct buf key = {0};
	struct vol_attr a;
	struct node *n;
	struct entry e;

	(void)state;
	check_ok(key_entry(&key, bytes_of("", 0), bytes_str("f")));
	check_eq(store_get(t.s, buf_bytes(&key), &value), 1);
	check_ok(entry_decode(value.bytes, &e));
	check_ok(vol_setattr(t.v, &t.ctx, f, &set, &a));
	vol_forget(t.v, f, 1);
	src.key = buf_bytes(&key);
	src.entry = &e;
	rwlock_read(&t.v->names);
	check_err(node_make(t.v, era, &src, 1, &n), -EAGAIN);
	rwlock_release(&t.v->names);
	store_value_release(&value);
	buf_fini(&key);
	check_eq(volume_attr(&t, "f").uid, 99);
}

static void
node__durability_says_who_waits(void **state)
{
	struct durability d = durability_of(DURABILITY_SYNC);
	struct vol_ctx ctx = t.ctx;
	struct vol_attr a;

	(void)state;
	check_false(vol_needs_sync(t.v, &ctx));
	check_ok(vol_mkdir(t.v, &ctx, VOL_INO_ROOT, "d", 0700, &a));
	check_false(vol_needs_sync(t.v, &ctx));
	check_ok(vol_set_durability(t.v, &d));
	vol_get_durability(t.v, &d);
	check_eq(d.policy, DURABILITY_SYNC);
	check_ok(vol_mkdir(t.v, &ctx, VOL_INO_ROOT, "e", 0700, &a));
	check_true(vol_needs_sync(t.v, &ctx));
	check_eq(ctx.seq, vol_seq(t.v));
	check_ok(vol_sync(t.v, ctx.seq));
	check_false(vol_needs_sync(t.v, &ctx));
	check_le(ctx.seq, vol_durable_seq(t.v));
}

static void
node__statfs_asks_the_store(void **state)
{
	struct vol_statfs s = {0};

	(void)state;
	check_ok(vol_statfs(t.v, &s));
	check_eq(s.name_max, 255);
	check_ne(s.block_bytes, 0);
	check_ne(s.total_bytes, 0);
}

int
main(void)
{
#define T(name) volume_case(name, &t)
	const struct CMUnitTest tests[] = {
	    T(node__format_is_one_batch_and_a_sync),
	    T(node__failed_format_leaves_an_empty_store),
	    T(node__foreign_store_is_refused),
	    T(node__damaged_or_newer_superblock_is_refused),
	    T(node__missing_root_or_counter_is_damage),
	    T(node__damaged_entry_names_its_key),
	    T(node__second_name_of_an_inode_is_damage),
	    T(node__inode_numbers_are_never_used_twice),
	    T(node__failed_reservation_does_not_count),
	    T(node__lookups_decide_what_stays),
	    T(node__child_directory_keeps_its_parents),
	    T(node__many_nodes),
	    T(node__read_only_refuses_changes),
	    T(node__stale_record_is_read_again),
	    T(node__durability_says_who_waits),
	    T(node__statfs_asks_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
