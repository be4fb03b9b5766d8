/* The hidden directory. */
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "fs/vol/vol_lab.h"
#include "tests/support/policies.h"
#include "tests/support/volume.h"

static struct volume t;

static int
write_to(const char *path, const char *text)
{
	return vol_write(t.v, &t.ctx, volume_at(&t, path), 0, bytes_str(text));
}

static int
count_each(void *ctx, const struct vol_dirent *e)
{
	check_true(e->ino >= VOL_INO_CONTROL || e->ino == VOL_INO_ROOT);
	++*(int *)ctx;
	return 0;
}

static void
control__is_found_by_name(void **state)
{
	struct vol_attr a = volume_attr(&t, ".keyfs");
	struct vol_dir *d;
	int n = 0;

	(void)state;
	check_eq(a.mode, S_IFDIR | 0555);
	check_eq(a.uid, 1000);
	check_true(a.ino >= VOL_INO_CONTROL);
	check_true(a.volatile_content);
	check_str(volume_ls(&t, ".keyfs"),
	    "stats durability compact sync check power-cut ");
	check_false(volume_exists(&t, ".keyfs/nothing"));
	check_ok(vol_opendir(t.v, a.ino, &d));
	check_ok(vol_readdir(d, 0, true, count_each, &n));
	check_eq(n, 8);
	vol_releasedir(d);
	vol_forget(t.v, a.ino, 1000);
	check_ok(vol_getattr(t.v, a.ino, &a));
	/* Only in the root. */
	volume_mkdir(&t, "d");
	check_false(volume_exists(&t, "d/.keyfs"));
	volume_file(&t, "d/.keyfs", "");
}

static void
control__stats_have_the_size_they_say(void **state)
{
	struct vol_attr a = volume_attr(&t, ".keyfs/stats");
	const char *text = volume_text(&t, a.ino);
	char part[4];
	size_t got;

	(void)state;
	check_eq(strlen(text), a.size);
	check_contains(text, "inodes_in_memory 1\n");
	check_contains(text, "durability none\n");
	check_ok(vol_read(t.v, a.ino, 5, part, 4, &got));
	check_eq(got, 4);
	check_true(memcmp(part, text + 5, 4) == 0);
	check_ok(vol_read(t.v, a.ino, a.size + 1, part, 4, &got));
	check_eq(got, 0);
	check_err(write_to(".keyfs/stats", "x"), -EACCES);
}

/* The first line of the file, and the policy in force. */
static void
check_durability(const char *line)
{
	struct durability d;
	char *content = strdup(volume_cat(&t, ".keyfs/durability"));

	check_true(content != NULL);
	content[strcspn(content, "\n")] = '\0';
	check_str(content, line);
	free(content);
	vol_get_durability(t.v, &d);
	policies_check(&d, line);
}

static void
control__durability_is_read_and_set(void **state)
{
	(void)state;
	check_durability("none");
	check_ok(write_to(".keyfs/durability", "sync\n"));
	check_durability("sync");
	check_ok(write_to(".keyfs/durability", "batch batch_ops=7 batch_ms=8"));
	check_durability("batch batch_ops=7 batch_ms=8");
	check_ok(write_to(".keyfs/durability", "batch_ops=9\n"));
	check_durability("batch batch_ops=9 batch_ms=8");
	check_ok(write_to(".keyfs/durability", "none"));
	check_err(write_to(".keyfs/durability", "often\n"), -EINVAL);
	check_err(write_to(".keyfs/durability", "sync batch_ms=0"), -EINVAL);
	check_ok(buf_append_u8(&t.messages, 0));
	check_contains((char *)t.messages.data, "'often' is no durability");
	check_contains(
	    (char *)t.messages.data, "sync, batch, adaptive or none");
	check_contains((char *)t.messages.data, "batch_ms=1..60000");
	check_durability("none");
	check_contains(volume_cat(&t, ".keyfs/durability"), "\nsyncs ");
}

static void
control__a_refused_durability_says_why_until_one_is_taken(void **state)
{
	static char huge[100000];
	const char *wrong[] = {"", " \n", "often", "\x01\x80\xff", "sync sink",
	    "batch batch_ops=0", "batch batch_ms=99999999999999999999",
	    "adaptive adaptive_ms=-5", huge};
	const char *file = ".keyfs/durability";

	(void)state;
	memset(huge, ' ', sizeof(huge) - 1);
	memcpy(huge, "sync", 4);
	check_ok(write_to(file, "batch batch_ops=7 batch_ms=8"));
	check_contains(volume_cat(&t, file), "\nallowed: sync, batch, ");
	check_true(!strstr(volume_cat(&t, file), "refused"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *text, *last;

		check_err(write_to(file, wrong[i]), -EINVAL);
		check_durability("batch batch_ops=7 batch_ms=8");
		text = volume_cat(&t, file);
		check_contains(text, "\nallowed: sync, batch, ");
		last = strstr(text, "\nrefused: ");
		check_true(last && strchr(last + 1, '\n')[1] == '\0');
		check_contains(last, "allowed: ");
		for (; *text; text++)
			check_true(
			    *text == '\n' || (*text >= ' ' && *text < 127));
	}
	check_err(write_to(file, "often"), -EINVAL);
	check_contains(volume_cat(&t, file), "refused: 'often' is no dur");
	check_ok(write_to(file, "sync"));
	check_true(!strstr(volume_cat(&t, file), "refused"));
	check_durability("sync");
}

static void
control__binary_zeros_are_no_durability(void **state)
{
	uint64_t ino = volume_at(&t, ".keyfs/durability");

	(void)state;
	check_err(
	    vol_write(t.v, &t.ctx, ino, 0, bytes_of("sync\0", 5)), -EINVAL);
	check_err(
	    vol_write(t.v, &t.ctx, ino, 0, bytes_of("\0\0\0", 3)), -EINVAL);
	check_durability("none");
	check_ok(vol_write(t.v, &t.ctx, ino, 77, bytes_of("sync", 4)));
	check_durability("sync");
}

static void
control__sync_and_compact_act_when_written(void **state)
{
	char byte;
	size_t got;

	(void)state;
	volume_file(&t, "f", "x");
	check_true(vol_durable_seq(t.v) < vol_seq(t.v));
	check_ok(write_to(".keyfs/sync", "1"));
	check_eq(vol_durable_seq(t.v), vol_seq(t.v));
	check_ok(write_to(".keyfs/compact", "1"));
	store_mem_fail(t.s, STORE_MEM_SYNC, 1, -EIO);
	volume_file(&t, "g", "x");
	check_err(write_to(".keyfs/sync", "1"), -EIO);
	check_err(
	    vol_read(t.v, volume_at(&t, ".keyfs/sync"), 0, &byte, 1, &got),
	    -EACCES);
	check_err(
	    vol_read(t.v, volume_at(&t, ".keyfs"), 0, &byte, 1, &got), -EISDIR);
}

static void
control__check_tells_what_it_found(void **state)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(t.s);

	(void)state;
	volume_file(&t, "f", "hello");
	check_str(volume_cat(&t, ".keyfs/check"), "");
	check_ok(write_to(".keyfs/check", "1"));
	check_str(volume_cat(&t, ".keyfs/check"),
	    "files 1\ndirectories 1\nothers 0\norphans 0\nbytes 5\n"
	    "findings 0\n");

	check_ok(store_batch_put(b, bytes_str("Zebra"), bytes_str("x")));
	check_ok(store_write(t.s, b, NULL, &done));
	check_ok(write_to(".keyfs/check", "1"));
	check_contains(volume_cat(&t, ".keyfs/check"),
	    "finding Zebra: no key of a volume\nfiles 1\n");
	check_contains(volume_cat(&t, ".keyfs/check"), "findings 1\n");
	store_mem_fail(t.s, STORE_MEM_ITER, 3, -EIO);
	check_err(write_to(".keyfs/check", "1"), -EIO);

	store_batch_clear(b);
	check_ok(store_batch_delete(b, bytes_str("Zebra")));
	check_ok(store_write(t.s, b, NULL, &done));
	store_batch_free(b);
}

static const char *
messages(void)
{
	check_ok(buf_append_u8(&t.messages, 0));
	return (char *)t.messages.data;
}

static void
control__power_cuts_need_a_lab(void **state)
{
	(void)state;
	check_eq(volume_attr(&t, ".keyfs/power-cut").mode, S_IFREG | 0600);
	check_str(volume_cat(&t, ".keyfs/power-cut"),
	    "power cuts need a mount with -o lab\n");
	check_err(write_to(".keyfs/power-cut", "now\n"), -EPERM);
	check_contains(messages(),
	    ".keyfs/power-cut: power cuts need a mount with -o lab\n");
}

/* What was ordered last. */
struct cuts {
	int count;
	int err; /* the answer */
	struct vol_cut last;
};

static int
cut(void *ctx, const struct vol_cut *how)
{
	struct cuts *c = ctx;

	c->count++;
	c->last = *how;
	return c->err;
}

static int
cut_report(void *ctx, struct buf *text)
{
	struct cuts *c = ctx;

	return buf_printf(text, "cuts %d\n", c->count);
}

static void
control__power_cut_is_ordered_and_reported(void **state)
{
	struct cuts c = {.err = 0};
	const struct vol_lab lab = {cut, cut_report, &c, "lab 1\n"};
	uint64_t seed;

	(void)state;
	vol_set_lab(t.v, &lab);
	check_str(volume_cat(&t, ".keyfs/power-cut"),
	    "cuts 0\nallowed: now or after=1..1000000000, "
	    "seed=0..18446744073709551615, keep=none|prefix|random\n");
	check_contains(volume_cat(&t, ".keyfs/stats"), "\nlab 1\n");
	check_ok(write_to(".keyfs/power-cut", "after=12 seed=5 keep=none\n"));
	check_eq(c.last.after, 12);
	check_eq(c.last.seed, 5);
	check_eq(c.last.keep, VOL_CUT_NONE);
	check_ok(write_to(".keyfs/power-cut", "now"));
	check_eq(c.last.after, 0);
	check_eq(c.last.keep, VOL_CUT_RANDOM);
	seed = c.last.seed;
	check_ok(write_to(".keyfs/power-cut", "now"));
	check_ne(c.last.seed, seed);
	check_err(write_to(".keyfs/power-cut", "seed=1\n"), -EINVAL);
	check_err(write_to(".keyfs/power-cut", "now after=1\n"), -EINVAL);
	check_contains(messages(), "keep=none|prefix|random");
	check_eq(c.count, 3);
	check_contains(volume_cat(&t, ".keyfs/power-cut"),
	    "\nrefused: now and after=N exclude each other; allowed: ");
	c.err = -EBUSY;
	check_err(write_to(".keyfs/power-cut", "now"), -EBUSY);
	check_contains(volume_cat(&t, ".keyfs/power-cut"),
	    "\nrefused: a power cut is being carried out\n");
	c.err = 0;
	check_ok(write_to(".keyfs/power-cut", "now"));
	check_true(!strstr(volume_cat(&t, ".keyfs/power-cut"), "refused"));
	check_contains(volume_cat(&t, ".keyfs/power-cut"), "cuts 5\n");
}

static void
control__nothing_is_made_moved_or_removed(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;
	struct vol_set set = {.mask = VOL_SET_MODE, .mode = 0777};
	uint64_t dir = volume_at(&t, ".keyfs");
	uint64_t file = volume_at(&t, ".keyfs/durability");
	struct vol_dir *d;

	(void)state;
	check_err(vol_mknod(t.v, &t.ctx, dir, "x", &how, &a), -EPERM);
	check_err(
	    vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, ".keyfs", 0700, &a), -EPERM);
	check_err(volume_rmdir(&t, ".keyfs"), -EPERM);
	check_err(volume_rm(&t, ".keyfs/stats"), -EPERM);
	volume_file(&t, "f", "");
	check_err(volume_mv(&t, "f", ".keyfs/f", 0), -EPERM);
	check_err(volume_mv(&t, ".keyfs/stats", "stats", 0), -EPERM);
	check_err(vol_setattr(t.v, &t.ctx, file, &set, &a), -EPERM);
	/* What a shell's redirection does. */
	set.mask = VOL_SET_SIZE | VOL_SET_MTIME_NOW;
	check_ok(vol_setattr(t.v, &t.ctx, file, &set, &a));
	check_err(vol_getattr(t.v, VOL_INO_CONTROL + 99, &a), -ESTALE);
	check_err(vol_opendir(t.v, file, &d), -ENOTDIR);
}

int
main(void)
{
#define T(name) volume_case(name, &t)
	const struct CMUnitTest tests[] = {
	    T(control__is_found_by_name),
	    T(control__stats_have_the_size_they_say),
	    T(control__durability_is_read_and_set),
	    T(control__a_refused_durability_says_why_until_one_is_taken),
	    T(control__binary_zeros_are_no_durability),
	    T(control__sync_and_compact_act_when_written),
	    T(control__check_tells_what_it_found),
	    T(control__power_cuts_need_a_lab),
	    T(control__power_cut_is_ordered_and_reported),
	    T(control__nothing_is_made_moved_or_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
