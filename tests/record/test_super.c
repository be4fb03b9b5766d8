#include "tests/check.h"

#include <stdlib.h>

#include "fs/record/super.h"
#include "tests/support/spec.h"

#define B(literal) bytes_of(literal, sizeof(literal) - 1)

static struct super
a_super(void)
{
	struct super s = {
	    .version = SUPER_VERSION,
	    .block_bytes = 65536,
	    .inline_bytes = 4096,
	    .created = INT64_C(1700000000000000000),
	};

	for (uint8_t i = 0; i < SUPER_UUID_SIZE; i++)
		s.uuid[i] = i;
	return s;
}

static void
super__examples_of_the_spec_read_back(void **state)
{
	struct super s = a_super(), back;
	struct super_orphan o = {.entry = B("\1\4")}, o_back;
	uint64_t ino;
	struct buf b = {0};

	(void)state;
	check_ok(super_encode(&b, &s));
	check_true(spec_check("super", b.data, b.size));
	check_ok(super_decode(buf_bytes(&b), &back));
	check_eq(back.version, s.version);
	check_bytes_eq(bytes_of(back.uuid, SUPER_UUID_SIZE),
	    bytes_of(s.uuid, SUPER_UUID_SIZE));
	check_eq(back.block_bytes, s.block_bytes);
	check_eq(back.inline_bytes, s.inline_bytes);
	check_eq(back.created, s.created);

	buf_clear(&b);
	check_ok(super_ino_encode(&b, 0x1234));
	check_true(spec_check("super-ino", b.data, b.size));
	check_ok(super_ino_decode(buf_bytes(&b), &ino));
	check_eq(ino, 0x1234);

	buf_clear(&b);
	check_ok(super_prefix_encode(&b, 0x1234));
	check_true(spec_check("prefix-record", b.data, b.size));
	check_ok(super_prefix_decode(buf_bytes(&b), &ino));
	check_eq(ino, 0x1234);

	buf_clear(&b);
	check_ok(super_orphan_encode(&b, &o));
	check_true(spec_check("orphan-entry", b.data, b.size));
	check_ok(super_orphan_decode(buf_bytes(&b), &o_back));
	check_false(o_back.is_trim);
	check_bytes_eq(o_back.entry, o.entry);

	o = (struct super_orphan){.is_trim = true, .from_block = 3};
	buf_clear(&b);
	check_ok(super_orphan_encode(&b, &o));
	check_true(spec_check("orphan-trim", b.data, b.size));
	check_ok(super_orphan_decode(buf_bytes(&b), &o_back));
	check_true(o_back.is_trim);
	check_eq(o_back.from_block, 3);
	buf_fini(&b);
}

static int
decode_super(struct bytes record)
{
	struct super s;

	return super_decode(record, &s);
}

static int
decode_ino(struct bytes record)
{
	uint64_t ino;

	return super_ino_decode(record, &ino);
}

static int
decode_prefix(struct bytes record)
{
	uint64_t ino;

	return super_prefix_decode(record, &ino);
}

static int
decode_orphan(struct bytes record)
{
	struct super_orphan o;

	return super_orphan_decode(record, &o);
}

static const struct {
	const char *example;
	int (*decode)(struct bytes);
	size_t size_min; /* fewer bytes are damage */
} kinds[] = {
    {"super", decode_super, 36},
    {"super-ino", decode_ino, 9},
    {"prefix-record", decode_prefix, 9},
    {"orphan-entry", decode_orphan, 3},
    {"orphan-trim", decode_orphan, 10},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
super__every_truncation_is_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		size_t size;
		uint8_t *record = spec_example(kinds[i].example, &size);

		check_true(record != NULL);
		check_le(kinds[i].size_min, size);
		for (size_t n = 0; n < kinds[i].size_min; n++) {
			uint8_t *p = malloc(n ? n : 1);

			check_true(p != NULL);
			memcpy(p, record, n);
			check_err(kinds[i].decode(bytes_of(p, n)), ERR_DAMAGED);
			free(p);
		}
		free(record);
	}
}

static void
super__every_flipped_byte_decodes_or_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		size_t size;
		uint8_t *p = spec_example(kinds[i].example, &size);

		check_true(p != NULL);
		for (size_t at = 0; at < size; at++) {
			uint8_t was = p[at];

			for (unsigned v = 0; v < 256; v++) {
				int err;

				p[at] = (uint8_t)v;
				err = kinds[i].decode(bytes_of(p, size));
				check_true(err == 0 || err == ERR_DAMAGED ||
					   err == ERR_FORMAT);
			}
			p[at] = was;
		}
		free(p);
	}
}

static void
super__newer_versions_are_told_from_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		size_t size;
		uint8_t *p = spec_example(kinds[i].example, &size);

		check_true(p != NULL);
		p[0] = 2;
		check_err(kinds[i].decode(bytes_of(p, size)), ERR_FORMAT);
		p[0] = 0;
		check_err(kinds[i].decode(bytes_of(p, size)), ERR_DAMAGED);
		free(p);
	}
}

static void
super__impossible_sizes_are_damage(void **state)
{
	static const struct {
		uint32_t block_bytes, inline_bytes;
		int err;
	} rows[] = {
	    {4096, 0, 0},
	    {4096, 4096, 0},
	    {1 << 20, 1 << 20, 0},
	    {4096, 4097, ERR_DAMAGED},
	    {2048, 64, ERR_DAMAGED},
	    {2 << 20, 64, ERR_DAMAGED},
	    {5000, 64, ERR_DAMAGED},
	    {0, 0, ERR_DAMAGED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};
		struct super s;

		print_message("row %zu\n", i);
		check_ok(buf_append_le32(&b, SUPER_VERSION));
		check_ok(buf_append(&b, "0123456789abcdef", SUPER_UUID_SIZE));
		check_ok(buf_append_le32(&b, rows[i].block_bytes));
		check_ok(buf_append_le32(&b, rows[i].inline_bytes));
		check_ok(buf_append_le64(&b, 1));
		check_err(super_decode(buf_bytes(&b), &s), rows[i].err);
		buf_fini(&b);
	}
}

static void
super__impossible_numbers_are_damage(void **state)
{
	(void)state;
	check_err(decode_ino(B("\1\1\0\0\0\0\0\0\0")), ERR_DAMAGED);
	check_ok(decode_ino(B("\1\2\0\0\0\0\0\0\0")));
	check_err(decode_ino(B("\1\2\0\0\0\0\0\0\0\0")), ERR_DAMAGED);
	check_err(decode_prefix(B("\1\0\0\0\0\0\0\0\0")), ERR_DAMAGED);
	check_err(decode_orphan(B("\1\3x")), ERR_DAMAGED);
	check_err(decode_orphan(B("\1\2\0\0\0\0\0\0\0\0\0")), ERR_DAMAGED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(super__examples_of_the_spec_read_back),
	    cmocka_unit_test(super__every_truncation_is_damage),
	    cmocka_unit_test(super__every_flipped_byte_decodes_or_fails),
	    cmocka_unit_test(super__newer_versions_are_told_from_damage),
	    cmocka_unit_test(super__impossible_sizes_are_damage),
	    cmocka_unit_test(super__impossible_numbers_are_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
