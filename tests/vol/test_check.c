/* A check finds nothing in a sound volume, and each kind of damage by name. */
#include <stdio.h>
#include <sys/stat.h>

#include "fs/record/entry.h"
#include "fs/record/key.h"
#include "fs/record/super.h"
#include "fs/vol/check.h"
#include "tests/check.h"
#include "tests/support/volume.h"

#define BLOCK  4096u
#define INLINE 1024u

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define B(s)     bytes_of("" s, sizeof(s) - 1)

/* Inode numbers of what fixture_init makes, in that order. */
enum {
	INO_A = 2, /* "a", with "a/b" and "a/small" */
	INO_AB,
	INO_SMALL,
	INO_LARGE, /* "large", a block and some bytes */
	INO_MOVED, /* "away", born as "home" */
	INO_FRESH, /* "home", made after that */
	INO_XATTR, /* "x", with a big xattr */
	INO_ORPHAN,
	INO_FREE,
};

/* A volume, and what a check of its records says. */
struct fixture {
	struct volume t;
	struct store *s; /* a copy of the records, to be damaged */
	struct buf said;
	int findings;
	struct vol_check_totals totals;
};

static struct fixture f;

static void
write_many(struct volume *t, uint64_t ino, size_t size)
{
	static char data[2 * BLOCK];

	memset(data, 'x', sizeof(data));
	check_ok(vol_write(t->v, &t->ctx, ino, 0, bytes_of(data, size)));
}

static void
set_big_xattr(struct volume *t, uint64_t ino)
{
	static char value[60000];
	const struct vol_xattr x = {"user.big", value, sizeof(value), 0};

	check_ok(vol_setxattr(t->v, &t->ctx, ino, &x));
}

static int
setup(void **state)
{
	struct volume *t = &f.t;

	(void)state;
	volume_init_sizes(t, BLOCK, INLINE);
	check_eq(volume_mkdir(t, "a"), INO_A);
	check_eq(volume_mkdir(t, "a/b"), INO_AB);
	check_eq(volume_file(t, "a/small", "hello"), INO_SMALL);
	check_eq(volume_file(t, "large", ""), INO_LARGE);
	write_many(t, INO_LARGE, BLOCK + 10);
	check_eq(volume_mkdir(t, "home"), INO_MOVED);
	check_ok(volume_mv(t, "home", "away", 0));
	check_eq(volume_mkdir(t, "home"), INO_FRESH);
	check_eq(volume_file(t, "x", ""), INO_XATTR);
	set_big_xattr(t, INO_XATTR);
	check_eq(volume_file(t, "o", ""), INO_ORPHAN);
	write_many(t, INO_ORPHAN, BLOCK + 10);
	check_ok(volume_rm(t, "o"));
	f.s = store_mem_clone(t->s);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	check_ok(store_close(f.s));
	buf_fini(&f.said);
	vol_forget(f.t.v, INO_ORPHAN, 1);
	volume_fini(&f.t);
	f = (struct fixture){0};
	return 0;
}

static void
on_finding(void *ctx, const char *text)
{
	struct fixture *x = ctx;

	check_ok(buf_printf(&x->said, "%s\n", text));
}

static const char *
check(struct store *s)
{
	const struct vol_check_sink sink = {.finding = on_finding, .ctx = &f};

	buf_clear(&f.said);
	f.findings = vol_check(s, &sink, &f.totals);
	check_ok(buf_append_u8(&f.said, 0));
	return (const char *)f.said.data;
}

/* --- planting ------------------------------------------------------------- */

static void
put(struct bytes key, struct bytes value)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(f.s);

	check_ok(store_batch_put(b, key, value));
	check_ok(store_write(f.s, b, NULL, &done));
	store_batch_free(b);
}

static void
del(struct bytes key)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(f.s);

	check_ok(store_batch_delete(b, key));
	check_ok(store_write(f.s, b, NULL, &done));
	store_batch_free(b);
}

/* Writes the entry at `from`, as edit leaves it, to `to`. */
static void
edit_to(struct bytes from, struct bytes to, void (*edit)(struct entry *e))
{
	struct store_value value;
	struct buf record = {0};
	struct entry e;

	check_eq(store_get(f.s, from, &value), 1);
	check_ok(entry_decode(value.bytes, &e));
	edit(&e);
	check_ok(entry_encode(&record, &e));
	put(to, buf_bytes(&record));
	store_value_release(&value);
	buf_fini(&record);
}

static void
edit_nothing(struct entry *e)
{
	(void)e;
}

static void
edit_nlink(struct entry *e)
{
	e->nlink++;
}

static void
edit_ino_free(struct entry *e)
{
	e->ino = INO_FREE;
}

static void
edit_ino_far(struct entry *e)
{
	e->ino = 1000000;
}

static void
edit_size(struct entry *e)
{
	e->size = BLOCK + 9;
}

static void
edit_flag(struct entry *e)
{
	e->has_big_xattrs = !e->has_big_xattrs;
}

static void
edit_size_small(struct entry *e)
{
	e->size = 5;
}

static void
edit_prefix_a(struct entry *e)
{
	e->prefix = B("a");
}

static void
edit_prefix_other(struct entry *e)
{
	e->prefix = B("other");
}

static void
edit_prefix_fresh(struct entry *e)
{
	e->prefix = B("/99");
}

static void
edit_dir_below_itself(struct entry *e)
{
	e->ino = INO_FREE;
	e->prefix = B("loop");
}

static void
put_block(uint64_t ino, uint64_t block, size_t size)
{
	static char data[2 * BLOCK];
	struct buf key = {0};

	check_ok(key_block(&key, ino, block));
	put(buf_bytes(&key), bytes_of(data, size));
	buf_fini(&key);
}

static void
put_orphan(uint64_t ino, const struct super_orphan *o)
{
	struct buf key = {0}, record = {0};

	check_ok(key_orphan(&key, ino));
	check_ok(super_orphan_encode(&record, o));
	put(buf_bytes(&key), buf_bytes(&record));
	buf_fini(&record);
	buf_fini(&key);
}

static void
put_prefix(struct bytes prefix, uint64_t ino)
{
	struct buf key = {0}, record = {0};

	check_ok(key_prefix(&key, prefix));
	check_ok(super_prefix_encode(&record, ino));
	put(buf_bytes(&key), buf_bytes(&record));
	buf_fini(&record);
	buf_fini(&key);
}

/* --- the plants ----------------------------------------------------------- */

static void
plant_loop(void)
{
	edit_to(B("Ea\0"
		  "b"),
	    B("Eloop\0"
	      "d"),
	    edit_dir_below_itself);
	put_prefix(B("loop"), INO_FREE);
}

static void
plant_block_long(void)
{
	put_block(INO_LARGE, 0, BLOCK + 1);
}

/* An O record with the entry of "x". */
static void
put_orphan_x(uint64_t ino)
{
	struct store_value value;

	check_eq(store_get(f.s, B("E\0x"), &value), 1);
	put_orphan(ino, &(struct super_orphan){.entry = value.bytes});
	store_value_release(&value);
}

static void
plant_orphan_linked(void)
{
	put_orphan_x(INO_XATTR);
}

static void
plant_orphan_other(void)
{
	put_orphan_x(INO_FREE);
}

static void
plant_trim_of_nobody(void)
{
	put_orphan(INO_FREE, &(struct super_orphan){.is_trim = true});
}

/* Keys and values. */
#define K(s)                                           \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}
#define NUM(last) "\0\0\0\0\0\0\0" last
#define FAR       "\xff\xff\xff\xff\xff\xff\xff\xff"

/* One row is one of: a function; a record to put; an entry to change, and to
 * be written there or elsewhere; a key to delete. */
static const struct plant {
	const char *says; /* one of the findings */
	int findings;
	void (*plant)(void);
	struct bytes key, value;
	struct bytes from;
	void (*edit)(struct entry *e);
	struct bytes gone;
} plants[] = {
    /* keys and superblock */
    {"Enothing: no key of a volume", 1, .key = K("Enothing")},
    {": no key of a volume", 1, .key = K("")},
    {"Zebra: no key of a volume", 1, .key = K("Zebra")},
    {"\\x01: a record of no known kind", 1, .key = K("I" NUM("\1"))},
    {"E\\x00bad\\x0a: the entry: data on disk is damaged", 1,
	.key = K("E\0bad\n"), .value = K("\1\1")},
    {"E\\x00new: the entry: format is not known", 1, .key = K("E\0new"),
	.value = K("\2\1")},
    {"Ssuper: the superblock is missing", 1, .gone = K("Ssuper")},
    {"Ssuper: the superblock: data on disk is damaged", 1, .key = K("Ssuper"),
	.value = K("\1\0\0\0")},
    {"Sother: a record of no known kind", 1, .key = K("Sother")},
    {"Sino: the record of inode numbers is missing", 1, .gone = K("Sino")},
    {"Sino: the superblock: data on disk is damaged", 1, .key = K("Sino"),
	.value = K("\1")},
    /* entries */
    {"E\\x00: the root directory is missing", 2, .gone = K("E\0")},
    {"E\\x00: the root is no directory", 2, .key = K("E\0"),
	.from = K("E\0large"), .edit = edit_ino_free},
    {"E\\x00: the root has another inode number", 1, .from = K("E\0"),
	.edit = edit_ino_free},
    {"E\\x00y: another entry has its inode number 8", 1, .key = K("E\0y"),
	.from = K("E\0x"), .edit = edit_nothing},
    {"Ea\\x00other: inode number 1000000 is not reserved", 1,
	.key = K("Ea\0other"), .from = K("Ea\0small"), .edit = edit_ino_far},
    {"\\x09: inode number 9 is not reserved", 1, .key = K("Sino"),
	.value = K("\1\x09" NUM(""))},
    {"E\\x00a: link count 4 of a directory with 1 directories in it", 1,
	.from = K("E\0a"), .edit = edit_nlink},
    {"E\\x00x: link count 2 of what has one name", 1, .from = K("E\0x"),
	.edit = edit_nlink},
    /* directories and prefixes */
    {"Egone\\x00small: no directory has this prefix", 1,
	.key = K("Egone\0small"), .from = K("Ea\0small"),
	.edit = edit_ino_free},
    {"Ea\\x00"
     "b: no directory has this prefix",
	2, .gone = K("E\0a")},
    {"another directory has its prefix", 2, .from = K("E\0home"),
	.edit = edit_prefix_a},
    {"Ea\\x00"
     "b: its prefix is that of another place",
	1,
	.from = K("Ea\0"
		  "b"),
	.edit = edit_prefix_other},
    {"E\\x00home: its prefix belongs to another inode number than 7", 1,
	.from = K("E\0home"), .edit = edit_prefix_fresh},
    {"E\\x00"
     "away: its prefix is that of another place",
	1, .gone = K("Phome")},
    {"Pa: the directory that has this prefix has not moved", 1, .key = K("Pa"),
	.value = K("\1\2" NUM(""))},
    {"Pnobody: no directory has this prefix", 1, .key = K("Pnobody"),
	.value = K("\1\x77" NUM(""))},
    {"Phome: the prefix is that of inode 6, not 2", 1, .key = K("Phome"),
	.value = K("\1\2" NUM(""))},
    {"Phome: the prefix record: data on disk is damaged", 2, .key = K("Phome"),
	.value = K("\1")},
    {"Eloop\\x00"
     "d: the directory is below itself",
	2, .plant = plant_loop},
    /* blocks */
    {"\\x00w\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x03: a block of inode 119, "
     "which no entry has",
	1, .key = K("D" NUM("w") NUM("\3")), .value = K("x")},
    {"Ea\\x00small: has blocks, but", 1, .key = K("D" NUM("\4") NUM("\0")),
	.value = K("x")},
    {"E\\x00"
     "a: has blocks, but",
	1, .key = K("D" NUM("\2") NUM("\0")), .value = K("x")},
    {"E\\x00large: has a block until 8193, but only 4106 bytes", 1,
	.key = K("D" NUM("\5") NUM("\2")), .value = K("x")},
    {": the block is beyond the size of any file", 1,
	.key = K("D" NUM("\5") FAR), .value = K("x")},
    {": the block has 4097 bytes, more than the 4096", 1,
	.plant = plant_block_long},
    {": the block is empty", 1, .key = K("D" NUM("\5") NUM("\0"))},
    {"E\\x00large: has a block until 4106, but only 4105", 1,
	.from = K("E\0large"), .edit = edit_size},
    {"E\\x00large: a file of 5 bytes does not stand in its entry", 2,
	.from = K("E\0large"), .edit = edit_size_small},
    /* xattrs and orphans */
    {"an xattr of inode 119, which no entry has", 1,
	.key = K("X" NUM("w") "user.a"), .value = K("x")},
    {"the entry of inode 8 knows of no such xattrs", 1, .from = K("E\0x"),
	.edit = edit_flag},
    {": missing: the entry of inode 5 has xattrs here", 1,
	.from = K("E\0large"), .edit = edit_flag},
    {"\\x0a: an orphan: data on disk is damaged", 1, .key = K("O" NUM("\x0a")),
	.value = K("\1\3")},
    {"\\x0a: the orphan's entry: data on disk is damaged", 1,
	.key = K("O" NUM("\x0a")), .value = K("\1\1\1\1")},
    {"\\x08: inode 8 is no orphan, an entry has it", 1,
	.plant = plant_orphan_linked},
    {"\\x0a: the orphan's entry is that of inode 8", 1,
	.plant = plant_orphan_other},
    {"\\x0a: blocks to be removed from a file that is not there", 1,
	.plant = plant_trim_of_nobody},
};

static void
plant(const struct plant *p)
{
	if (p->plant)
		p->plant();
	else if (p->gone.size > 0)
		del(p->gone);
	else if (p->edit)
		edit_to(p->from, p->key.data ? p->key : p->from, p->edit);
	else
		put(p->key, p->value);
}

static void
check__finds_what_was_planted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plants); i++) {
		const char *said;

		check_ok(store_close(f.s));
		f.s = store_mem_clone(f.t.s);
		plant(&plants[i]);
		said = check(f.s);
		print_message("%zu: %s", i, said);
		check_contains(said, plants[i].says);
		check_eq(f.findings, plants[i].findings);
	}
}

/* --- sound volumes -------------------------------------------------------- */

static void
check__sound_volume_has_no_findings(void **state)
{
	(void)state;
	check_str(check(f.s), "");
	check_eq(f.findings, 0);
	check_eq(f.totals.directories, 5);
	check_eq(f.totals.files, 3);
	check_eq(f.totals.others, 0);
	check_eq(f.totals.orphans, 1);
	check_eq(f.totals.bytes, 5 + BLOCK + 10);
	check_true(store_mem_same(f.s, f.t.s));
}

static void
check__store_without_volume_has_no_findings(void **state)
{
	struct store *s = store_mem_new();

	(void)state;
	check_str(check(s), "");
	check_eq(f.findings, 0);
	check_eq(f.totals.records, 0);
	check_ok(store_close(s));
}

/* A cut that a crash has interrupted leaves blocks behind. */
static void
check__blocks_to_be_removed_are_no_finding(void **state)
{
	(void)state;
	put_orphan(INO_LARGE,
	    &(struct super_orphan){.is_trim = true, .from_block = 2});
	put_block(INO_LARGE, 2, 10);
	put_block(INO_LARGE, 3, 10);
	check_str(check(f.s), "");
	check_eq(f.findings, 0);
}

static void
random_step(struct volume *t, struct check_rand *r)
{
	char a[32], b[32];

	snprintf(a, sizeof(a), "%c/%c/%c", (int)('p' + check_rand_below(r, 4)),
	    (int)('p' + check_rand_below(r, 4)),
	    (int)('p' + check_rand_below(r, 4)));
	snprintf(b, sizeof(b), "%c/%c/%c", (int)('p' + check_rand_below(r, 4)),
	    (int)('p' + check_rand_below(r, 4)),
	    (int)('p' + check_rand_below(r, 4)));
	a[1 + 2 * check_rand_below(r, 3)] = '\0';
	b[1 + 2 * check_rand_below(r, 3)] = '\0';
	/* What cannot be is refused. */
	switch (check_rand_below(r, 6)) {
	case 0:
	case 1:
		(void)volume_mv(t, a, b, (unsigned)check_rand_below(r, 3));
		break;
	case 2:
		(void)volume_rm(t, a);
		break;
	case 3:
		(void)volume_rmdir(t, a);
		break;
	default: {
		char *slash = strrchr(a, '/');
		struct vol_attr attr;
		uint64_t up = VOL_INO_ROOT;

		if (slash) {
			*slash = '\0';
			if (volume_find(t, a, &up))
				return;
		}
		(void)vol_mkdir(
		    t->v, &t->ctx, up, slash ? slash + 1 : a, 0755, &attr);
	}
	}
}

static void
check__random_volume_has_no_findings(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	int rounds = check_long() ? 20000 : 2000;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		random_step(&f.t, &r);
		if (i % 20 == 0) {
			check_str(check(f.t.s), "");
			check_eq(f.findings, 0);
		}
	}
}

/* --- what goes wrong on the way ------------------------------------------- */

static void
check__failing_reads_end_it(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		store_mem_fail(f.s, STORE_MEM_ITER, n, -EIO);
		(void)check(f.s);
		if (!store_mem_failed(f.s, STORE_MEM_ITER))
			break;
		check_err(f.findings, -EIO);
	}
	check_eq(f.findings, 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(check__sound_volume_has_no_findings),
	    CASE(check__store_without_volume_has_no_findings),
	    CASE(check__blocks_to_be_removed_are_no_finding),
	    CASE(check__random_volume_has_no_findings),
	    CASE(check__finds_what_was_planted),
	    CASE(check__failing_reads_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
