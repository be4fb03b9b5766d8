/* Which durability policy an operation goes by. */
#include "fs/vol/policy.h"

#include <sys/stat.h>

#include "fs/record/entry.h"
#include "tests/check.h"
#include "tests/support/content.h"
#include "tests/support/policies.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct volume t;

static int
set(uint64_t ino, const char *text)
{
	const struct vol_xattr x = {POLICY_XATTR, text, strlen(text), 0};

	return vol_setxattr(t.v, &t.ctx, ino, &x);
}

static int
unset(uint64_t ino)
{
	return vol_removexattr(t.v, &t.ctx, ino, POLICY_XATTR);
}

static uint64_t
policy_dir(const char *path, const char *text)
{
	uint64_t ino = volume_mkdir(&t, path);

	check_ok(set(ino, text));
	return ino;
}

/* The last operation went by this. */
static void
went_by(const char *want)
{
	struct durability d = store_mem_written_under(t.s);

	policies_check(&d, want);
}

/* want NULL: the file has none. */
static void
check_policy(uint64_t ino, const char *want)
{
	char text[256];
	size_t got = 0;
	int err =
	    vol_getxattr(t.v, ino, POLICY_XATTR, text, sizeof(text) - 1, &got);

	check_err(err, want ? 0 : -ENODATA);
	if (!want)
		return;
	text[got] = '\0';
	check_str(text, want);
}

/* Every change that has to do with the file itself. */
static void
check_file_goes_by(uint64_t ino, const char *want)
{
	const struct vol_xattr x = {"user.a", "x", 1, 0};
	const struct vol_set chmod = {.mask = VOL_SET_MODE, .mode = 0600};
	struct vol_attr a;

	check_ok(content_write(&t, ino, 0, bytes_str("inline")));
	went_by(want);
	check_ok(content_write(&t, ino, 5000, bytes_str("in blocks")));
	went_by(want);
	check_ok(content_truncate(&t, ino, 3));
	went_by(want);
	check_ok(vol_setattr(t.v, &t.ctx, ino, &chmod, &a));
	went_by(want);
	check_ok(vol_setxattr(t.v, &t.ctx, ino, &x));
	went_by(want);
	check_ok(vol_removexattr(t.v, &t.ctx, ino, "user.a"));
	went_by(want);
}

static void
policy_ops__data_and_attributes_go_by_the_file(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_file_goes_by(f, POLICIES_NONE);
	check_ok(set(f, POLICIES_BATCH));
	check_file_goes_by(f, POLICIES_BATCH);
	/* The directory's has nothing to do with it. */
	check_ok(set(VOL_INO_ROOT, POLICIES_SYNC));
	check_file_goes_by(f, POLICIES_BATCH);
	check_ok(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "f"));
	check_ok(content_write(&t, f, 5000, bytes_str("orphan")));
	went_by(POLICIES_BATCH);
	vol_forget(t.v, f, 1);
}

static void
policy_ops__sync_asks_for_a_sync(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(content_write(&t, f, 0, bytes_str("x")));
	check_eq(t.ctx.sync_seq, 0);
	check_ok(set(f, POLICIES_SYNC));
	check_eq(t.ctx.sync_seq, 0);
	check_ok(content_write(&t, f, 0, bytes_str("y")));
	check_eq(t.ctx.sync_seq, t.ctx.seq);
	check_true(vol_needs_sync(t.v, &t.ctx));
	check_ok(vol_sync(t.v, t.ctx.sync_seq));
	check_false(vol_needs_sync(t.v, &t.ctx));
}

static void
policy_ops__names_go_by_the_directory(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0644}, a;
	uint64_t d = policy_dir("d", POLICIES_BATCH);

	(void)state;
	check_ok(vol_mknod(t.v, &t.ctx, d, "f", &how, &a));
	went_by(POLICIES_BATCH);
	check_ok(set(a.ino, POLICIES_SYNC));
	check_ok(vol_mkdir(t.v, &t.ctx, d, "sub", 0755, &a));
	went_by(POLICIES_BATCH);
	check_ok(vol_symlink(t.v, &t.ctx, d, "l", "f", &a));
	went_by(POLICIES_BATCH);
	check_ok(volume_mv(&t, "d/f", "d/g", 0));
	went_by(POLICIES_BATCH);
	check_ok(volume_rm(&t, "d/g"));
	went_by(POLICIES_BATCH);
	check_ok(volume_rmdir(&t, "d/sub"));
	went_by(POLICIES_BATCH);
	check_ok(volume_rm(&t, "d/l"));
	went_by(POLICIES_BATCH);
	/* Its own name is its parent's business. */
	check_ok(volume_mv(&t, "d", "e", 0));
	went_by(POLICIES_NONE);
	check_ok(volume_rmdir(&t, "e"));
	went_by(POLICIES_NONE);
}

static void
policy_ops__rename_goes_by_both_directories(void **state)
{
	const struct durability store = policies_of("batch batch_ms=3");

	(void)state;
	policy_dir("b", POLICIES_BATCH);
	policy_dir("a", POLICIES_ADAPTIVE);
	policy_dir("n", POLICIES_NONE);
	volume_mkdir(&t, "p");
	volume_file(&t, "p/f", "x");
	check_ok(volume_mv(&t, "p/f", "a/f", 0));
	went_by(POLICIES_ADAPTIVE);
	check_ok(volume_mv(&t, "a/f", "b/f", 0));
	went_by("batch batch_ops=5 batch_ms=7");
	check_ok(volume_mv(&t, "b/f", "n/f", 0));
	went_by(POLICIES_BATCH);
	volume_file(&t, "b/g", "y");
	check_ok(volume_mv(&t, "n/f", "b/g", VOL_RENAME_EXCHANGE));
	went_by(POLICIES_BATCH);
	check_ok(volume_mv(&t, "n/f", "p/f", 0));
	went_by(POLICIES_NONE);
	/* A directory without one has the store's to keep. */
	check_ok(vol_set_durability(t.v, &store));
	check_ok(volume_mv(&t, "p/f", "n/f", 0));
	went_by("batch batch_ops=100 batch_ms=3");
	check_ok(volume_mv(&t, "n/f", "a/f", 0));
	went_by(POLICIES_ADAPTIVE);
}

static void
policy_ops__is_inherited_by_what_is_made_below(void **state)
{
	struct vol_attr fifo = {.mode = S_IFIFO | 0644}, a;
	uint64_t d = policy_dir("d", POLICIES_BATCH), f, sub;
	size_t got;

	(void)state;
	f = volume_file(&t, "d/f", "");
	check_policy(f, POLICIES_BATCH);
	check_file_goes_by(f, POLICIES_BATCH);
	sub = volume_mkdir(&t, "d/sub");
	check_policy(sub, POLICIES_BATCH);
	check_policy(volume_file(&t, "d/sub/f", ""), POLICIES_BATCH);
	went_by(POLICIES_BATCH);
	/* A kernel would not show it for these. */
	check_ok(vol_symlink(t.v, &t.ctx, d, "l", "f", &a));
	check_ok(vol_listxattr(t.v, a.ino, NULL, 0, &got));
	check_eq(got, 0);
	check_ok(vol_mknod(t.v, &t.ctx, d, "p", &fifo, &a));
	check_ok(vol_listxattr(t.v, a.ino, NULL, 0, &got));
	check_eq(got, 0);
	/* What is there already keeps what it has, also in another place. */
	check_ok(set(d, POLICIES_SYNC));
	check_policy(f, POLICIES_BATCH);
	check_policy(volume_file(&t, "d/g", ""), POLICIES_SYNC);
	check_ok(volume_mv(&t, "d/g", "g", 0));
	check_file_goes_by(volume_at(&t, "g"), POLICIES_SYNC);
	check_policy(volume_file(&t, "h", ""), NULL);
}

static void
policy_ops__changes_apply_from_the_next_operation(void **state)
{
	const struct durability store = policies_of(POLICIES_ADAPTIVE);
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(vol_set_durability(t.v, &store));
	check_ok(set(f, POLICIES_SYNC));
	went_by(POLICIES_ADAPTIVE);
	check_ok(set(f, POLICIES_BATCH));
	went_by(POLICIES_SYNC);
	check_file_goes_by(f, POLICIES_BATCH);
	check_ok(unset(f));
	went_by(POLICIES_BATCH);
	check_file_goes_by(f, POLICIES_ADAPTIVE);
	check_policy(f, NULL);
	check_err(unset(f), -ENODATA);
}

static void
policy_ops__survives_reopening(void **state)
{
	uint64_t d = policy_dir("d", POLICIES_BATCH),
		 f = volume_file(&t, "d/f", "");

	(void)state;
	check_ok(set(VOL_INO_ROOT, POLICIES_ADAPTIVE));
	volume_reopen(&t);
	check_eq(volume_at(&t, "d/f"), f);
	check_policy(d, POLICIES_BATCH);
	check_file_goes_by(f, POLICIES_BATCH);
	volume_file(&t, "d/g", "");
	went_by(POLICIES_BATCH);
	volume_file(&t, "g", "");
	went_by(POLICIES_ADAPTIVE);
	/* Also what only the kernel has forgotten. */
	vol_forget(t.v, f, 100);
	check_eq(volume_at(&t, "d/f"), f);
	check_file_goes_by(f, POLICIES_BATCH);
}

static void
policy_ops__is_stored_as_it_would_be_shown(void **state)
{
	uint64_t f = volume_file(&t, "f", "");
	char names[64];
	size_t got;

	(void)state;
	check_ok(set(f, "batch_ms=20,durability=batch batch_ops=5\n"));
	check_policy(f, POLICIES_BATCH);
	check_ok(set(f, "sync batch_ops=9"));
	check_policy(f, POLICIES_SYNC);
	check_ok(vol_listxattr(t.v, f, names, sizeof(names), &got));
	check_eq(got, sizeof(POLICY_XATTR));
	check_str(names, POLICY_XATTR);
}

static void
policy_ops__wrong_values_change_nothing_and_say_what_is_right(void **state)
{
	static char junk[60000];
	const char *wrong[] = {"", "often", "batch batch_ops=0", "batch_ms=5",
	    "adaptive adaptive_ms=-1", "sync;none", junk};
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	memset(junk, 0xfe, sizeof(junk) - 1);
	check_ok(set(f, POLICIES_BATCH));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		buf_clear(&t.messages);
		check_err(set(f, wrong[i]), -EINVAL);
		check_ok(buf_append_u8(&t.messages, 0));
		check_contains((char *)t.messages.data, POLICY_XATTR);
		check_contains((char *)t.messages.data, "allowed: ");
		check_policy(f, POLICIES_BATCH);
	}
	check_file_goes_by(f, POLICIES_BATCH);
}

static void
policy_ops__is_for_files_and_directories(void **state)
{
	struct vol_attr fifo = {.mode = S_IFIFO | 0644}, a;

	(void)state;
	check_ok(vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "l", "f", &a));
	check_err(set(a.ino, POLICIES_SYNC), -EPERM);
	check_err(unset(a.ino), -EPERM);
	check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "p", &fifo, &a));
	check_err(set(a.ino, POLICIES_SYNC), -EPERM);
	check_err(set(volume_at(&t, ".keyfs/durability"), POLICIES_SYNC),
	    -EOPNOTSUPP);
}

static void
policy_ops__a_volume_that_is_read_only_keeps_it(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(set(f, POLICIES_BATCH));
	t.options.read_only = true;
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), f);
	check_err(set(f, POLICIES_SYNC), -EROFS);
	check_err(unset(f), -EROFS);
	check_policy(f, POLICIES_BATCH);
	t.options.read_only = false;
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), f);
	check_file_goes_by(f, POLICIES_BATCH);
}

static void
policy_ops__a_failed_change_changes_nothing(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(set(f, POLICIES_BATCH));
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -EIO);
	check_err(set(f, POLICIES_SYNC), -EIO);
	check_policy(f, POLICIES_BATCH);
	check_file_goes_by(f, POLICIES_BATCH);
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -EIO);
	check_err(unset(f), -EIO);
	check_file_goes_by(f, POLICIES_BATCH);
}

/* Other xattrs go elsewhere when the entry is full; this one does not. */
static void
policy_ops__stands_in_the_entry_beside_many_others(void **state)
{
	uint64_t f = volume_file(&t, "f", "");
	const struct bytes big = content_pattern(1000);
	const struct vol_xattr x = {"user.z", big.data, big.size, 0};

	(void)state;
	check_ok(vol_setxattr(t.v, &t.ctx, f, &x));
	check_eq(content_xattrs(&t), 0);
	check_ok(set(f, POLICIES_BATCH));
	check_eq(content_xattrs(&t), 0);
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), f);
	check_file_goes_by(f, POLICIES_BATCH);
	check_ok(set(f, POLICIES_SYNC));
	check_file_goes_by(f, POLICIES_SYNC);
	check_ok(unset(f));
	check_file_goes_by(f, POLICIES_NONE);
}

static uint64_t
gets(void)
{
	return store_mem_calls(t.s, STORE_MEM_GET);
}

/* Creating, writing, asking and removing below a directory, in gets. */
static uint64_t
gets_of_work_in(uint64_t dir)
{
	struct vol_attr how = {.mode = S_IFREG | 0644}, a;
	uint64_t before = gets();
	size_t got;

	check_ok(vol_mknod(t.v, &t.ctx, dir, "f", &how, &a));
	check_err(
	    vol_getxattr(t.v, a.ino, "security.capability", NULL, 0, &got),
	    -ENODATA);
	check_ok(content_write(&t, a.ino, 0, content_pattern(8192)));
	check_ok(content_write(&t, a.ino, 4096, content_pattern(4096)));
	check_ok(vol_unlink(t.v, &t.ctx, dir, "f"));
	vol_forget(t.v, a.ino, 1);
	return gets() - before;
}

static void
policy_ops__costs_no_get(void **state)
{
	uint64_t plain = volume_mkdir(&t, "plain");
	uint64_t d = policy_dir("d", POLICIES_SYNC);

	(void)state;
	check_eq(gets_of_work_in(d), gets_of_work_in(plain));
}

int
main(void)
{
#define CASE(name) volume_case_small(name, &t)
	const struct CMUnitTest tests[] = {
	    CASE(policy_ops__data_and_attributes_go_by_the_file),
	    CASE(policy_ops__sync_asks_for_a_sync),
	    CASE(policy_ops__names_go_by_the_directory),
	    CASE(policy_ops__rename_goes_by_both_directories),
	    CASE(policy_ops__is_inherited_by_what_is_made_below),
	    CASE(policy_ops__changes_apply_from_the_next_operation),
	    CASE(policy_ops__survives_reopening),
	    CASE(policy_ops__is_stored_as_it_would_be_shown),
	    CASE(policy_ops__wrong_values_change_nothing_and_say_what_is_right),
	    CASE(policy_ops__is_for_files_and_directories),
	    CASE(policy_ops__a_volume_that_is_read_only_keeps_it),
	    CASE(policy_ops__a_failed_change_changes_nothing),
	    CASE(policy_ops__stands_in_the_entry_beside_many_others),
	    CASE(policy_ops__costs_no_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
