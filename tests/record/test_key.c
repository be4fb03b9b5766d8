#include "tests/check.h"

#include <stdlib.h>

#include "fs/record/key.h"
#include "tests/support/spec.h"

#define B(literal) bytes_of(literal, sizeof(literal) - 1)

static void
check_spec(const char *name, struct buf *b)
{
	check_true(spec_check(name, b->data, b->size));
	buf_fini(b);
}

static void
key__examples_of_the_spec_read_back(void **state)
{
	struct buf b = {0}, upper = {0};

	(void)state;
	check_ok(key_entry(&b, B(""), B("")));
	check_spec("key-entry-root", &b);
	check_ok(key_entry(&b, B("a/b"), B("c")));
	check_spec("key-entry", &b);
	check_ok(key_block(&b, 0x1234, 2));
	check_spec("key-block", &b);
	check_ok(key_xattr(&b, 0x1234, B("user.x")));
	check_spec("key-xattr", &b);
	check_ok(key_orphan(&b, 0x1234));
	check_spec("key-orphan", &b);
	check_ok(key_prefix(&b, B("a/b")));
	check_spec("key-prefix", &b);
	check_ok(key_super(&b, "super"));
	check_spec("key-super", &b);
	check_ok(key_entry_range(&b, &upper, B("a/b")));
	check_spec("key-entry-range-lower", &b);
	check_spec("key-entry-range-upper", &upper);
}

struct key_row {
	struct bytes key;
	int err;
	struct key_parts parts;
};

static const uint8_t long_name[256];

static void
check_parts(struct key_parts a, struct key_parts b)
{
	check_eq(a.tag, b.tag);
	check_bytes_eq(a.prefix, b.prefix);
	check_bytes_eq(a.name, b.name);
	check_eq(a.ino, b.ino);
	check_eq(a.block, b.block);
}

#define ENTRY(prefix_, name_)                                            \
	{                                                                \
		.tag = KEY_ENTRY, .prefix = B(prefix_), .name = B(name_) \
	}
#define BAD(key_)                                  \
	{                                          \
		.key = B(key_), .err = ERR_DAMAGED \
	}
#define INO "\0\0\0\0\0\0\1\2"

static void
key__decode_takes_apart_what_is_a_key_only(void **state)
{
	const struct key_row rows[] = {
	    {.key = B("E\0"), .parts = ENTRY("", "")},
	    {.key = B("E\0a"), .parts = ENTRY("", "a")},
	    {.key = B("Ea/b\0c"), .parts = ENTRY("a/b", "c")},
	    {.key = B("E/1f\0c"), .parts = ENTRY("/1f", "c")},
	    {.key = B("E/1f/d\0c"), .parts = ENTRY("/1f/d", "c")},
	    {.key = B("Ea\0\xff\1"), .parts = ENTRY("a", "\xff\1")},
	    {.key = B("Ea\0..."), .parts = ENTRY("a", "...")},
	    {.key = B("D" INO INO),
		.parts = {.tag = KEY_BLOCK, .ino = 258, .block = 258}},
	    {.key = B("X" INO "user.a"),
		.parts = {.tag = KEY_XATTR, .ino = 258, .name = B("user.a")}},
	    {.key = B("I" INO), .parts = {.tag = KEY_INODE, .ino = 258}},
	    {.key = B("O" INO), .parts = {.tag = KEY_ORPHAN, .ino = 258}},
	    {.key = B("Pa/b"),
		.parts = {.tag = KEY_PREFIX, .prefix = B("a/b")}},
	    {.key = B("Sino"), .parts = {.tag = KEY_SUPER, .name = B("ino")}},
	    BAD(""),
	    BAD("Z"),
	    BAD("E"),
	    BAD("Ea/b"),
	    BAD("Ea\0"),
	    BAD("Ea\0b\0"),
	    BAD("Ea\0b/c"),
	    BAD("Ea\0."),
	    BAD("Ea\0.."),
	    BAD("Ea/\0b"),
	    BAD("Ea//b\0c"),
	    BAD("E/\0b"),
	    BAD("D"),
	    BAD("D" INO),
	    BAD("D" INO INO "x"),
	    BAD("X" INO),
	    BAD("X" INO "a\0"),
	    BAD("I"),
	    BAD("I" INO "x"),
	    BAD("O\0"),
	    BAD("P"),
	    BAD("Pa\0"),
	    BAD("S"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct key_parts p = {0};

		print_message("row %zu\n", i);
		check_err(key_decode(rows[i].key, &p), rows[i].err);
		check_parts(p, rows[i].parts);
	}
}

static void
key__decode_undoes_encode(void **state)
{
	struct key_parts p;
	struct buf b = {0};

	(void)state;
	check_ok(key_entry(&b, B("a/b"), B("c")));
	check_ok(key_decode(buf_bytes(&b), &p));
	check_parts(p, (struct key_parts)ENTRY("a/b", "c"));
	check_ok(key_block(&b, UINT64_MAX, UINT64_MAX - 1));
	check_ok(key_decode(buf_bytes(&b), &p));
	check_parts(p,
	    (struct key_parts){
		.tag = KEY_BLOCK, .ino = UINT64_MAX, .block = UINT64_MAX - 1});
	check_ok(key_xattr(&b, 7, B("user.a")));
	check_ok(key_decode(buf_bytes(&b), &p));
	check_parts(p, (struct key_parts){
			   .tag = KEY_XATTR, .ino = 7, .name = B("user.a")});
	check_ok(key_orphan(&b, 7));
	check_ok(key_decode(buf_bytes(&b), &p));
	check_parts(p, (struct key_parts){.tag = KEY_ORPHAN, .ino = 7});
	check_ok(key_prefix(&b, B("a")));
	check_ok(key_decode(buf_bytes(&b), &p));
	check_parts(p, (struct key_parts){.tag = KEY_PREFIX, .prefix = B("a")});
	buf_fini(&b);
}

/* Each key that is expected to sort before the next one. */
static void
key__siblings_are_adjacent_and_in_tree_order(void **state)
{
	const struct {
		struct bytes prefix, name;
	} rows[] = {
	    {B(""), B("")},
	    {B(""), B("\1")},
	    {B(""), B("a")},
	    {B(""), B("a-b")},
	    {B(""), B("a.b")},
	    {B(""), B("ab")},
	    {B(""), B("b")},
	    {B("\1"), B("z")},
	    {B("/1f"), B("z")},
	    {B("a"), B("x")},
	    {B("a"), B("y")},
	    {B("a-b"), B("x")},
	    {B("a/b"), B("x")},
	    {B("a/b/c"), B("x")},
	    {B("a/c"), B("x")},
	    {B("a0"), B("x")},
	    {B("b"), B("x")},
	};
	struct buf before = {0}, b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes prefix = rows[i].prefix;

		check_ok(key_entry(&b, prefix, rows[i].name));
		if (i > 0)
			check_true(
			    bytes_cmp(buf_bytes(&before), buf_bytes(&b)) < 0);
		check_ok(buf_assign(&before, buf_bytes(&b)));
	}
	buf_fini(&before);
	buf_fini(&b);
}

static bool
in_range(const struct buf *lower, const struct buf *upper, const struct buf *k)
{
	return bytes_cmp(buf_bytes(lower), buf_bytes(k)) <= 0 &&
	       bytes_cmp(buf_bytes(k), buf_bytes(upper)) < 0;
}

static void
key__range_of_a_directory_holds_its_children_alone(void **state)
{
	const struct {
		struct bytes dir, prefix, name;
		bool in;
	} rows[] = {
	    {B("a"), B("a"), B("\1"), true},
	    {B("a"), B("a"), B("\xff\xff"), true},
	    {B("a"), B("a/b"), B("c"), false},
	    {B("a"), B("a\1"), B("c"), false},
	    {B("a"), B("a-b"), B("c"), false},
	    {B("a"), B(""), B("a"), false},
	    {B(""), B(""), B(""), true},
	    {B(""), B(""), B("\xff"), true},
	    {B(""), B("\1"), B("a"), false},
	    {B(""), B("/1"), B("a"), false},
	};
	struct buf lower = {0}, upper = {0}, k = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		check_ok(key_entry_range(&lower, &upper, rows[i].dir));
		check_ok(key_entry(&k, rows[i].prefix, rows[i].name));
		check_eq(in_range(&lower, &upper, &k), rows[i].in);
	}
	buf_fini(&lower);
	buf_fini(&upper);
	buf_fini(&k);
}

static void
key__range_of_a_file_holds_its_blocks_alone(void **state)
{
	const struct {
		uint64_t ino, from, key_ino, key_block;
		bool in;
	} rows[] = {
	    {5, 0, 5, 0, true},
	    {5, 0, 5, UINT64_MAX, true},
	    {5, 3, 5, 2, false},
	    {5, 3, 5, 3, true},
	    {5, 0, 4, UINT64_MAX, false},
	    {5, 0, 6, 0, false},
	    {255, 0, 256, 0, false},
	    {UINT64_MAX, 1, UINT64_MAX, UINT64_MAX, true},
	    {UINT64_MAX, 1, UINT64_MAX, 0, false},
	};
	struct buf lower = {0}, upper = {0}, k = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		check_ok(
		    key_block_range(&lower, &upper, rows[i].ino, rows[i].from));
		check_ok(key_block(&k, rows[i].key_ino, rows[i].key_block));
		check_eq(in_range(&lower, &upper, &k), rows[i].in);
	}
	check_ok(key_xattr_range(&lower, &upper, 5));
	check_ok(key_xattr(&k, 5, B("\xff\xff")));
	check_true(in_range(&lower, &upper, &k));
	check_ok(key_xattr(&k, 6, B("\1")));
	check_false(in_range(&lower, &upper, &k));
	buf_fini(&lower);
	buf_fini(&upper);
	buf_fini(&k);
}

static void
key__prefixes_are_paths_or_fresh(void **state)
{
	struct buf b = {0};

	(void)state;
	check_ok(key_natural_prefix(&b, B(""), B("a")));
	check_bytes_eq(buf_bytes(&b), B("a"));
	check_ok(key_natural_prefix(&b, B("a"), B("b")));
	check_bytes_eq(buf_bytes(&b), B("a/b"));
	check_ok(key_natural_prefix(&b, B("/1f"), B("b")));
	check_bytes_eq(buf_bytes(&b), B("/1f/b"));
	check_ok(key_fresh_prefix(&b, 0x1f));
	check_bytes_eq(buf_bytes(&b), B("/1f"));
	check_ok(key_fresh_prefix(&b, UINT64_MAX));
	check_bytes_eq(buf_bytes(&b), B("/ffffffffffffffff"));
	buf_fini(&b);
}

static void
key__names_are_checked(void **state)
{
	uint8_t name[256];

	(void)state;
	memset(name, 0xe9, sizeof(name));
	check_ok(key_check_name(bytes_of(name, 255)));
	check_err(key_check_name(bytes_of(name, 256)), -ENAMETOOLONG);
	check_ok(key_check_name(B("...")));
	check_ok(key_check_name(B(".a")));
	check_ok(key_check_name(B("\1")));
	check_err(key_check_name(B("")), -EINVAL);
	check_err(key_check_name(bytes_of(NULL, 0)), -EINVAL);
	check_err(key_check_name(B(".")), -EINVAL);
	check_err(key_check_name(B("..")), -EINVAL);
	check_err(key_check_name(B("a/b")), -EINVAL);
	check_err(key_check_name(B("a\0b")), -EINVAL);
	check_err(key_check_name(bytes_of(long_name, 256)), -EINVAL);
}

static void
key__random_bytes_decode_or_fail(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	static const char tags[] = "EDXIOPS?";

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t size = check_rand_below(&r, 24);
		uint8_t *key = malloc(size ? size : 1);
		struct key_parts p;
		int err;

		check_true(key != NULL);
		for (size_t j = 0; j < size; j++)
			key[j] =
			    (uint8_t) "\0\0/.ab\1\xff"[check_rand_below(&r, 8)];
		if (size)
			key[0] = (uint8_t)tags[check_rand_below(&r, 8)];
		err = key_decode(bytes_of(key, size), &p);
		check_true(err == 0 || err == ERR_DAMAGED);
		free(key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key__examples_of_the_spec_read_back),
	    cmocka_unit_test(key__decode_takes_apart_what_is_a_key_only),
	    cmocka_unit_test(key__decode_undoes_encode),
	    cmocka_unit_test(key__siblings_are_adjacent_and_in_tree_order),
	    cmocka_unit_test(
		key__range_of_a_directory_holds_its_children_alone),
	    cmocka_unit_test(key__range_of_a_file_holds_its_blocks_alone),
	    cmocka_unit_test(key__prefixes_are_paths_or_fresh),
	    cmocka_unit_test(key__names_are_checked),
	    cmocka_unit_test(key__random_bytes_decode_or_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
