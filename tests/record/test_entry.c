#include "tests/check.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "fs/record/entry.h"
#include "tests/support/spec.h"

#define B(literal) bytes_of(literal, sizeof(literal) - 1)

#define BTIME INT64_C(1700000000000000000)

static struct entry
an_entry(enum entry_type type)
{
	return (struct entry){
	    .type = type,
	    .perm = 0644,
	    .uid = 1000,
	    .gid = 100,
	    .ino = 0x1234,
	    .nlink = 1,
	    .atime = BTIME,
	    .mtime = BTIME + 1,
	    .ctime = BTIME - 1,
	    .btime = BTIME,
	};
}

static struct entry
inline_file(struct bytes content)
{
	struct entry e = an_entry(ENTRY_FILE);

	e.is_inline = true;
	e.content = content;
	e.size = content.size;
	return e;
}

static struct entry
block_file(uint64_t size)
{
	struct entry e = an_entry(ENTRY_FILE);

	e.size = size;
	return e;
}

static struct entry
directory(struct bytes prefix)
{
	struct entry e = an_entry(ENTRY_DIR);

	e.perm = 0755;
	e.nlink = 2;
	e.prefix = prefix;
	return e;
}

static struct entry
link_to(struct bytes target)
{
	struct entry e = an_entry(ENTRY_SYMLINK);

	e.perm = 0777;
	e.content = target;
	e.size = target.size;
	return e;
}

static struct entry
device(void)
{
	struct entry e = an_entry(ENTRY_CHAR);

	e.rdev = 0x501;
	return e;
}

static struct entry
with_xattrs(struct entry e)
{
	e.xattrs = B("\6user.a\1x\6user.b\0");
	e.has_big_xattrs = true;
	return e;
}

static struct entry
extreme(void)
{
	struct entry e = an_entry(ENTRY_FILE);

	e.perm = 07777;
	e.uid = e.gid = e.nlink = UINT32_MAX;
	e.ino = UINT64_MAX;
	e.size = INT64_MAX;
	e.btime = INT64_MIN;
	e.atime = INT64_MAX;
	e.mtime = -1;
	e.ctime = 0;
	return e;
}

static size_t
samples(struct entry *out)
{
	size_t n = 0;

	out[n++] = inline_file(B("hello\n"));
	out[n++] = inline_file(B(""));
	out[n++] = block_file(1 << 20);
	out[n++] = directory(B("a/b"));
	out[n++] = directory(B(""));
	out[n++] = link_to(B("../there"));
	out[n++] = device();
	out[n++] = an_entry(ENTRY_FIFO);
	out[n++] = an_entry(ENTRY_SOCKET);
	out[n++] = with_xattrs(inline_file(B("hello\n")));
	out[n++] = with_xattrs(device());
	out[n++] = extreme();
	return n;
}
#define SAMPLES_MAX 16

static void
check_same(const struct entry *a, const struct entry *b)
{
	check_eq(a->type, b->type);
	check_eq(a->perm, b->perm);
	check_eq(a->uid, b->uid);
	check_eq(a->gid, b->gid);
	check_eq(a->ino, b->ino);
	check_eq(a->nlink, b->nlink);
	check_eq(a->rdev, b->rdev);
	check_eq(a->size, b->size);
	check_eq(a->atime, b->atime);
	check_eq(a->mtime, b->mtime);
	check_eq(a->ctime, b->ctime);
	check_eq(a->btime, b->btime);
	check_eq(a->is_inline, b->is_inline);
	check_eq(a->has_big_xattrs, b->has_big_xattrs);
	check_bytes_eq(a->prefix, b->prefix);
	check_bytes_eq(a->content, b->content);
	check_bytes_eq(a->xattrs, b->xattrs);
}

static void
check_spec(const char *name, struct entry e)
{
	struct entry back;
	struct buf b = {0};

	check_ok(entry_encode(&b, &e));
	check_true(spec_check(name, b.data, b.size));
	check_ok(entry_decode(buf_bytes(&b), &back));
	check_same(&back, &e);
	buf_fini(&b);
}

static void
entry__examples_of_the_spec_read_back(void **state)
{
	(void)state;
	check_spec("entry-inline", inline_file(B("hello\n")));
	check_spec("entry-blocks", block_file(1 << 20));
	check_spec("entry-dir", directory(B("a/b")));
	check_spec("entry-symlink", link_to(B("../there")));
	check_spec("entry-device", device());
	check_spec("entry-xattrs", with_xattrs(inline_file(B("hello\n"))));
}

static void
entry__decode_undoes_encode(void **state)
{
	struct entry all[SAMPLES_MAX], back;
	size_t n = samples(all);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct buf b = {0};

		print_message("sample %zu\n", i);
		/* Appends, and leaves what stands before. */
		check_ok(buf_append_u8(&b, 7));
		check_ok(entry_encode(&b, &all[i]));
		check_eq(b.data[0], 7);
		check_ok(entry_decode(bytes_of(b.data + 1, b.size - 1), &back));
		check_same(&back, &all[i]);
		buf_fini(&b);
	}
}

/* A copy of exactly its size, so that a read beyond it is seen. */
static uint8_t *
exact(struct bytes s)
{
	uint8_t *p = malloc(s.size ? s.size : 1);

	check_true(p != NULL);
	if (s.size)
		memcpy(p, s.data, s.size);
	return p;
}

static void
entry__every_truncation_is_damage(void **state)
{
	struct entry all[SAMPLES_MAX], back;
	size_t n = samples(all);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct buf b = {0};

		check_ok(entry_encode(&b, &all[i]));
		for (size_t size = 0; size < b.size; size++) {
			uint8_t *p = exact(bytes_of(b.data, size));

			check_err(entry_decode(bytes_of(p, size), &back),
			    ERR_DAMAGED);
			free(p);
		}
		check_ok(buf_append_u8(&b, 0));
		check_err(entry_decode(buf_bytes(&b), &back), ERR_DAMAGED);
		buf_fini(&b);
	}
}

/* What decodes must be what encode could have written: it survives another
 * round. */
static void
check_decodes_or_fails(struct bytes record)
{
	struct entry e, back;
	struct buf b = {0};
	int err = entry_decode(record, &e);

	if (err) {
		check_true(err == ERR_DAMAGED || err == ERR_FORMAT);
		return;
	}
	check_ok(entry_encode(&b, &e));
	check_ok(entry_decode(buf_bytes(&b), &back));
	check_same(&back, &e);
	buf_fini(&b);
}

static void
entry__every_flipped_byte_decodes_or_fails(void **state)
{
	struct entry all[SAMPLES_MAX];
	size_t n = samples(all);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct buf b = {0};
		uint8_t *p;

		check_ok(entry_encode(&b, &all[i]));
		p = exact(buf_bytes(&b));
		for (size_t at = 0; at < b.size; at++) {
			for (unsigned v = 0; v < 256; v++) {
				p[at] = (uint8_t)v;
				check_decodes_or_fails(bytes_of(p, b.size));
			}
			p[at] = b.data[at];
		}
		free(p);
		buf_fini(&b);
	}
}

#define HEAD(type, flags) "\1" type flags
#define REST                                                      \
	"\0\0\0\1\1"             /* perm, uid, gid, ino, nlink */ \
	"\0\0\0\0\0\0\0\0\0\0\0" /* times */

static void
entry__impossible_records_are_refused(void **state)
{
	const struct {
		struct bytes record;
		int err;
	} rows[] = {
	    {B(HEAD("\4", "\0") REST), 0},
	    {B("\0\4\0" REST), ERR_DAMAGED},         /* version 0 */
	    {B("\2\4\0" REST), ERR_FORMAT},          /* a newer one */
	    {B(HEAD("\0", "\0") REST), ERR_DAMAGED}, /* no type */
	    {B(HEAD("\x09", "\0") REST), ERR_DAMAGED},
	    {B(HEAD("\x08", "\0") REST), ERR_FORMAT},     /* LINK */
	    {B(HEAD("\4", "\1") REST), ERR_DAMAGED},      /* inline fifo */
	    {B(HEAD("\4", "\x08") REST), ERR_DAMAGED},    /* unknown flag */
	    {B(HEAD("\4", "\4") REST "\0"), ERR_DAMAGED}, /* no xattrs */
	    {B(HEAD("\4", "\4") REST "\4\1a\1x"), 0},
	    {B(HEAD("\4", "\4") REST "\4\0\2xx"), ERR_DAMAGED}, /* no name */
	    {B(HEAD("\4", "\4") REST "\6\1b\0\1a\0"), ERR_DAMAGED}, /* order */
	    {B(HEAD("\4", "\4") REST "\6\1a\0\1a\0"), ERR_DAMAGED}, /* twice */
	    {B(HEAD("\3", "\0") REST "\0"), ERR_DAMAGED}, /* empty target */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry e;

		print_message("row %zu\n", i);
		check_err(entry_decode(rows[i].record, &e), rows[i].err);
	}
}

static void
entry__types_are_modes(void **state)
{
	const struct {
		enum entry_type type;
		mode_t mode;
	} rows[] = {
	    {ENTRY_FILE, S_IFREG},
	    {ENTRY_DIR, S_IFDIR},
	    {ENTRY_SYMLINK, S_IFLNK},
	    {ENTRY_FIFO, S_IFIFO},
	    {ENTRY_SOCKET, S_IFSOCK},
	    {ENTRY_CHAR, S_IFCHR},
	    {ENTRY_BLOCK, S_IFBLK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_eq(entry_type_mode(rows[i].type), rows[i].mode);
		check_eq(entry_type_of_mode(rows[i].mode | 0755), rows[i].type);
	}
	check_eq(entry_type_mode(ENTRY_LINK), 0);
	check_eq(entry_type_mode(0), 0);
	check_eq(entry_type_of_mode(0), 0);
	check_eq(entry_type_of_mode(0644), 0);
}

/* Names and values as text: "a=1 b=2 ". */
static void
check_list(struct bytes list, const char *want)
{
	struct entry_xattr x;
	struct buf b = {0};
	size_t pos = 0;
	int rc;

	while ((rc = entry_xattr_next(list, &pos, &x)) == 1)
		check_ok(buf_printf(&b, "%.*s=%.*s ", (int)x.name.size,
		    (const char *)x.name.data, (int)x.value.size,
		    (const char *)x.value.data));
	check_ok(rc);
	check_ok(buf_append_u8(&b, 0));
	check_str((const char *)b.data, want);
	buf_fini(&b);
}

static void
xattr_step(struct buf *list, const char *name, const char *value)
{
	struct bytes v = value ? bytes_str(value) : bytes_of(NULL, 0);
	struct buf out = {0};

	check_ok(entry_xattr_set(
	    &out, buf_bytes(list), bytes_str(name), value ? &v : NULL));
	buf_fini(list);
	*list = out;
}

static void
entry__xattrs_are_set_in_order_of_their_names(void **state)
{
	struct buf list = {0};
	struct bytes value;

	(void)state;
	xattr_step(&list, "b", "1");
	xattr_step(&list, "d", "2");
	xattr_step(&list, "a", "3");
	xattr_step(&list, "c", "");
	check_list(buf_bytes(&list), "a=3 b=1 c= d=2 ");
	xattr_step(&list, "b", "other");
	xattr_step(&list, "bb", "x");
	check_list(buf_bytes(&list), "a=3 b=other bb=x c= d=2 ");
	check_eq(entry_xattr_find(buf_bytes(&list), B("b"), &value), 1);
	check_bytes_eq(value, B("other"));
	check_eq(entry_xattr_find(buf_bytes(&list), B("c"), &value), 1);
	check_eq(value.size, 0);
	check_eq(entry_xattr_find(buf_bytes(&list), B("e"), &value), 0);
	xattr_step(&list, "bb", NULL);
	xattr_step(&list, "none", NULL);
	xattr_step(&list, "a", NULL);
	xattr_step(&list, "d", NULL);
	check_list(buf_bytes(&list), "b=other c= ");
	xattr_step(&list, "b", NULL);
	xattr_step(&list, "c", NULL);
	check_eq(list.size, 0);
	buf_fini(&list);
}

static void
entry__damaged_xattr_list_is_refused(void **state)
{
	const struct bytes lists[] = {
	    B("\1"),
	    B("\1a"),
	    B("\1a\2x"),
	    B("\0\0"),
	    B("\1\0\0"),
	    B("\xff"),
	};
	struct buf out = {0};
	struct bytes value = B("v");

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct entry_xattr x;
		size_t pos = 0;

		print_message("list %zu\n", i);
		check_err(entry_xattr_next(lists[i], &pos, &x), ERR_DAMAGED);
		check_eq(pos, 0);
		check_err(entry_xattr_set(&out, lists[i], B("a"), &value),
		    ERR_DAMAGED);
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entry__examples_of_the_spec_read_back),
	    cmocka_unit_test(entry__decode_undoes_encode),
	    cmocka_unit_test(entry__every_truncation_is_damage),
	    cmocka_unit_test(entry__every_flipped_byte_decodes_or_fails),
	    cmocka_unit_test(entry__impossible_records_are_refused),
	    cmocka_unit_test(entry__types_are_modes),
	    cmocka_unit_test(entry__xattrs_are_set_in_order_of_their_names),
	    cmocka_unit_test(entry__damaged_xattr_list_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
