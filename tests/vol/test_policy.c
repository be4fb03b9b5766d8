/* Durability policies of files and directories. */
#include "fs/vol/policy.h"

#include <sys/stat.h>

#include "fs/record/entry.h"
#include "tests/check.h"
#include "tests/support/content.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SYNC     "sync"
#define NONE     "none"
#define BATCH    "batch batch_ops=5 batch_ms=20"
#define ADAPTIVE "adaptive adaptive_ms=7"

/* --- pure functions ------------------------------------------------------- */

static struct durability
durability(const char *text)
{
	struct durability d = {0};
	char why[DURABILITY_ERROR_MAX] = "";

	check_ok(policy_parse(bytes_str(text), &d, why));
	return d;
}

static void
check_is(const struct durability *d, const char *want)
{
	char text[DURABILITY_TEXT_MAX];

	durability_format(d, text);
	check_str(text, want);
}

static void
policy__comes_back_from_a_word(void **state)
{
	const char *texts[] = {SYNC, NONE, BATCH, ADAPTIVE,
	    "batch batch_ops=1000000 batch_ms=60000",
	    "batch batch_ops=1 batch_ms=1", "adaptive adaptive_ms=60000"};
	struct durability d;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct durability want = durability(texts[i]);

		check_ne(policy_pack(&want), POLICY_STORE);
		check_true(policy_unpack(policy_pack(&want), &d));
		check_is(&d, texts[i]);
		check_true(durability_valid(&d));
	}
	check_false(policy_unpack(POLICY_STORE, &d));
}

static void
policy__strictest_holds_both_bounds(void **state)
{
	const struct {
		const char *a, *b, *want;
	} rows[] = {
	    {NONE, NONE, NONE},
	    {NONE, SYNC, SYNC},
	    {SYNC, SYNC, SYNC},
	    {NONE, BATCH, BATCH},
	    {NONE, ADAPTIVE, ADAPTIVE},
	    {SYNC, BATCH, SYNC},
	    {SYNC, ADAPTIVE, SYNC},
	    {"batch batch_ops=5 batch_ms=20", "batch batch_ops=9 batch_ms=2",
		"batch batch_ops=5 batch_ms=2"},
	    {"adaptive adaptive_ms=9", "adaptive adaptive_ms=3",
		"adaptive adaptive_ms=3"},
	    {"batch batch_ops=5 batch_ms=20", "adaptive adaptive_ms=7",
		"batch batch_ops=5 batch_ms=7"},
	    {"batch batch_ops=500 batch_ms=2", "adaptive adaptive_ms=7",
		"batch batch_ops=500 batch_ms=2"},
	    /* What a policy does not use says nothing. */
	    {"batch batch_ms=20 adaptive_ms=1",
		"adaptive batch_ops=1 batch_ms=1 adaptive_ms=30",
		"batch batch_ops=100 batch_ms=20"},
	    {"none batch_ms=1 adaptive_ms=1", "batch batch_ms=50",
		"batch batch_ops=100 batch_ms=50"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct durability a = durability(rows[i].a);
		struct durability b = durability(rows[i].b);
		struct durability d = policy_strictest(&a, &b);

		print_message("row %zu\n", i);
		check_is(&d, rows[i].want);
		check_true(durability_valid(&d));
		d = policy_strictest(&b, &a);
		check_is(&d, rows[i].want);
	}
}

static void
policy__has_to_be_named(void **state)
{
	const char *wrong[] = {"", " ", "often", "batch_ops=5",
	    "batch_ms=1 adaptive_ms=1", "sync batch_ms=0", "\x01\xff"};
	char why[DURABILITY_ERROR_MAX];
	struct durability d = durability_of(DURABILITY_BATCH);

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		check_err(policy_parse(bytes_str(wrong[i]), &d, why), -EINVAL);
		check_contains(why, "allowed: ");
		check_eq(d.policy, DURABILITY_BATCH);
	}
	check_ok(policy_parse(bytes_str("batch_ops=5,none\n"), &d, why));
	check_is(&d, NONE);
}

static void
make_list(struct buf *list, const char *text)
{
	const struct bytes value = bytes_str(text);
	struct buf one = {0};

	check_ok(entry_xattr_set(
	    &one, bytes_of(NULL, 0), bytes_str("user.a"), &value));
	check_ok(entry_xattr_set(
	    list, buf_bytes(&one), bytes_str(POLICY_XATTR), &value));
	buf_fini(&one);
}

static void
policy__of_a_list_and_what_is_inherited_of_it(void **state)
{
	struct buf list = {0}, made = {0};
	struct durability d = durability(BATCH);
	size_t pos = 0;
	struct entry_xattr x;

	(void)state;
	check_eq(policy_of_list(bytes_of(NULL, 0)), POLICY_STORE);
	check_ok(policy_inherit(&made, bytes_of(NULL, 0)));
	check_eq(made.size, 0);

	make_list(&list, BATCH);
	check_eq(policy_of_list(buf_bytes(&list)), policy_pack(&d));
	check_ok(policy_inherit(&made, buf_bytes(&list)));
	check_eq(policy_of_list(buf_bytes(&made)), policy_pack(&d));
	check_eq(entry_xattr_next(buf_bytes(&made), &pos, &x), 1);
	check_eq(pos, made.size);

	/* A later version's. */
	make_list(&list, "quorum replicas=3");
	d = durability(SYNC);
	check_eq(policy_of_list(buf_bytes(&list)), policy_pack(&d));
	buf_fini(&made);
	buf_fini(&list);
}

/* --- operations ----------------------------------------------------------- */

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

	check_is(&d, want);
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
policy__data_and_attributes_go_by_the_file(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_file_goes_by(f, NONE);
	check_ok(set(f, BATCH));
	check_file_goes_by(f, BATCH);
	/* The directory's has nothing to do with it. */
	check_ok(set(VOL_INO_ROOT, SYNC));
	check_file_goes_by(f, BATCH);
	check_ok(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "f"));
	check_ok(content_write(&t, f, 5000, bytes_str("orphan")));
	went_by(BATCH);
	vol_forget(t.v, f, 1);
}

static void
policy__sync_asks_for_a_sync(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(content_write(&t, f, 0, bytes_str("x")));
	check_eq(t.ctx.sync_seq, 0);
	check_ok(set(f, SYNC));
	check_eq(t.ctx.sync_seq, 0);
	check_ok(content_write(&t, f, 0, bytes_str("y")));
	check_eq(t.ctx.sync_seq, t.ctx.seq);
	check_true(vol_needs_sync(t.v, &t.ctx));
	check_ok(vol_sync(t.v, t.ctx.sync_seq));
	check_false(vol_needs_sync(t.v, &t.ctx));
}

static void
policy__names_go_by_the_directory(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0644}, a;
	uint64_t d = policy_dir("d", BATCH);

	(void)state;
	check_ok(vol_mknod(t.v, &t.ctx, d, "f", &how, &a));
	went_by(BATCH);
	check_ok(set(a.ino, SYNC));
	check_ok(vol_mkdir(t.v, &t.ctx, d, "sub", 0755, &a));
	went_by(BATCH);
	check_ok(vol_symlink(t.v, &t.ctx, d, "l", "f", &a));
	went_by(BATCH);
	check_ok(volume_mv(&t, "d/f", "d/g", 0));
	went_by(BATCH);
	check_ok(volume_rm(&t, "d/g"));
	went_by(BATCH);
	check_ok(volume_rmdir(&t, "d/sub"));
	went_by(BATCH);
	check_ok(volume_rm(&t, "d/l"));
	went_by(BATCH);
	/* Its own name is its parent's business. */
	check_ok(volume_mv(&t, "d", "e", 0));
	went_by(NONE);
	check_ok(volume_rmdir(&t, "e"));
	went_by(NONE);
}

static void
policy__rename_goes_by_both_directories(void **state)
{
	const struct durability store = durability("batch batch_ms=3");

	(void)state;
	policy_dir("b", BATCH);
	policy_dir("a", ADAPTIVE);
	policy_dir("n", NONE);
	volume_mkdir(&t, "p");
	volume_file(&t, "p/f", "x");
	check_ok(volume_mv(&t, "p/f", "a/f", 0));
	went_by(ADAPTIVE);
	check_ok(volume_mv(&t, "a/f", "b/f", 0));
	went_by("batch batch_ops=5 batch_ms=7");
	check_ok(volume_mv(&t, "b/f", "n/f", 0));
	went_by(BATCH);
	volume_file(&t, "b/g", "y");
	check_ok(volume_mv(&t, "n/f", "b/g", VOL_RENAME_EXCHANGE));
	went_by(BATCH);
	check_ok(volume_mv(&t, "n/f", "p/f", 0));
	went_by(NONE);
	/* A directory without one has the store's to keep. */
	check_ok(vol_set_durability(t.v, &store));
	check_ok(volume_mv(&t, "p/f", "n/f", 0));
	went_by("batch batch_ops=100 batch_ms=3");
	check_ok(volume_mv(&t, "n/f", "a/f", 0));
	went_by(ADAPTIVE);
}

static void
policy__is_inherited_by_what_is_made_below(void **state)
{
	struct vol_attr fifo = {.mode = S_IFIFO | 0644}, a;
	uint64_t d = policy_dir("d", BATCH), f, sub;
	size_t got;

	(void)state;
	f = volume_file(&t, "d/f", "");
	check_policy(f, BATCH);
	check_file_goes_by(f, BATCH);
	sub = volume_mkdir(&t, "d/sub");
	check_policy(sub, BATCH);
	check_policy(volume_file(&t, "d/sub/f", ""), BATCH);
	went_by(BATCH);
	/* A kernel would not show it for these. */
	check_ok(vol_symlink(t.v, &t.ctx, d, "l", "f", &a));
	check_ok(vol_listxattr(t.v, a.ino, NULL, 0, &got));
	check_eq(got, 0);
	check_ok(vol_mknod(t.v, &t.ctx, d, "p", &fifo, &a));
	check_ok(vol_listxattr(t.v, a.ino, NULL, 0, &got));
	check_eq(got, 0);
	/* What is there already keeps what it has, also in another place. */
	check_ok(set(d, SYNC));
	check_policy(f, BATCH);
	check_policy(volume_file(&t, "d/g", ""), SYNC);
	check_ok(volume_mv(&t, "d/g", "g", 0));
	check_file_goes_by(volume_at(&t, "g"), SYNC);
	check_policy(volume_file(&t, "h", ""), NULL);
}

static void
policy__changes_apply_from_the_next_operation(void **state)
{
	const struct durability store = durability(ADAPTIVE);
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(vol_set_durability(t.v, &store));
	check_ok(set(f, SYNC));
	went_by(ADAPTIVE);
	check_ok(set(f, BATCH));
	went_by(SYNC);
	check_file_goes_by(f, BATCH);
	check_ok(unset(f));
	went_by(BATCH);
	check_file_goes_by(f, ADAPTIVE);
	check_policy(f, NULL);
	check_err(unset(f), -ENODATA);
}

static void
policy__survives_reopening(void **state)
{
	uint64_t d = policy_dir("d", BATCH), f = volume_file(&t, "d/f", "");

	(void)state;
	check_ok(set(VOL_INO_ROOT, ADAPTIVE));
	volume_reopen(&t);
	check_eq(volume_at(&t, "d/f"), f);
	check_policy(d, BATCH);
	check_file_goes_by(f, BATCH);
	volume_file(&t, "d/g", "");
	went_by(BATCH);
	volume_file(&t, "g", "");
	went_by(ADAPTIVE);
	/* Also what only the kernel has forgotten. */
	vol_forget(t.v, f, 100);
	check_eq(volume_at(&t, "d/f"), f);
	check_file_goes_by(f, BATCH);
}

static void
policy__is_stored_as_it_would_be_shown(void **state)
{
	uint64_t f = volume_file(&t, "f", "");
	char names[64];
	size_t got;

	(void)state;
	check_ok(set(f, "batch_ms=20,durability=batch batch_ops=5\n"));
	check_policy(f, BATCH);
	check_ok(set(f, "sync batch_ops=9"));
	check_policy(f, SYNC);
	check_ok(vol_listxattr(t.v, f, names, sizeof(names), &got));
	check_eq(got, sizeof(POLICY_XATTR));
	check_str(names, POLICY_XATTR);
}

static void
policy__wrong_values_change_nothing_and_say_what_is_allowed(void **state)
{
	static char junk[60000];
	const char *wrong[] = {"", "often", "batch batch_ops=0", "batch_ms=5",
	    "adaptive adaptive_ms=-1", "sync;none", junk};
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	memset(junk, 0xfe, sizeof(junk) - 1);
	check_ok(set(f, BATCH));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		buf_clear(&t.messages);
		check_err(set(f, wrong[i]), -EINVAL);
		check_ok(buf_append_u8(&t.messages, 0));
		check_contains((char *)t.messages.data, POLICY_XATTR);
		check_contains((char *)t.messages.data, "allowed: ");
		check_policy(f, BATCH);
	}
	check_file_goes_by(f, BATCH);
}

static void
policy__is_for_files_and_directories(void **state)
{
	struct vol_attr fifo = {.mode = S_IFIFO | 0644}, a;

	(void)state;
	check_ok(vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "l", "f", &a));
	check_err(set(a.ino, SYNC), -EPERM);
	check_err(unset(a.ino), -EPERM);
	check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "p", &fifo, &a));
	check_err(set(a.ino, SYNC), -EPERM);
	check_err(set(volume_at(&t, ".keyfs/durability"), SYNC), -EOPNOTSUPP);
}

static void
policy__a_volume_that_is_read_only_keeps_it(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(set(f, BATCH));
	t.options.read_only = true;
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), f);
	check_err(set(f, SYNC), -EROFS);
	check_err(unset(f), -EROFS);
	check_policy(f, BATCH);
	t.options.read_only = false;
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), f);
	check_file_goes_by(f, BATCH);
}

static void
policy__a_failed_change_changes_nothing(void **state)
{
	uint64_t f = volume_file(&t, "f", "");

	(void)state;
	check_ok(set(f, BATCH));
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -EIO);
	check_err(set(f, SYNC), -EIO);
	check_policy(f, BATCH);
	check_file_goes_by(f, BATCH);
	store_mem_fail(t.s, STORE_MEM_WRITE, 1, -EIO);
	check_err(unset(f), -EIO);
	check_file_goes_by(f, BATCH);
}

/* Other xattrs go elsewhere when the entry is full; this one does not. */
static void
policy__stands_in_the_entry_beside_many_others(void **state)
{
	uint64_t f = volume_file(&t, "f", "");
	const struct bytes big = content_pattern(1000);
	const struct vol_xattr x = {"user.z", big.data, big.size, 0};

	(void)state;
	check_ok(vol_setxattr(t.v, &t.ctx, f, &x));
	check_eq(content_xattrs(&t), 0);
	check_ok(set(f, BATCH));
	check_eq(content_xattrs(&t), 0);
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), f);
	check_file_goes_by(f, BATCH);
	check_ok(set(f, SYNC));
	check_file_goes_by(f, SYNC);
	check_ok(unset(f));
	check_file_goes_by(f, NONE);
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
policy__costs_no_get(void **state)
{
	uint64_t plain = volume_mkdir(&t, "plain");
	uint64_t d = policy_dir("d", SYNC);

	(void)state;
	check_eq(gets_of_work_in(d), gets_of_work_in(plain));
}

int
main(void)
{
#define CASE(name) volume_case_small(name, &t)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(policy__comes_back_from_a_word),
	    cmocka_unit_test(policy__strictest_holds_both_bounds),
	    cmocka_unit_test(policy__has_to_be_named),
	    cmocka_unit_test(policy__of_a_list_and_what_is_inherited_of_it),
	    CASE(policy__data_and_attributes_go_by_the_file),
	    CASE(policy__sync_asks_for_a_sync),
	    CASE(policy__names_go_by_the_directory),
	    CASE(policy__rename_goes_by_both_directories),
	    CASE(policy__is_inherited_by_what_is_made_below),
	    CASE(policy__changes_apply_from_the_next_operation),
	    CASE(policy__survives_reopening),
	    CASE(policy__is_stored_as_it_would_be_shown),
	    CASE(policy__wrong_values_change_nothing_and_say_what_is_allowed),
	    CASE(policy__is_for_files_and_directories),
	    CASE(policy__a_volume_that_is_read_only_keeps_it),
	    CASE(policy__a_failed_change_changes_nothing),
	    CASE(policy__stands_in_the_entry_beside_many_others),
	    CASE(policy__costs_no_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
