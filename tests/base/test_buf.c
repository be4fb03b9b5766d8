#include "engine/base/buf.h"

#include <errno.h>

#include "tests/check.h"

static void
buf__grows_and_keeps_its_bytes(void **state)
{
	struct buf b = {0};

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		check_ok(buf_append_u8(&b, (uint8_t)(i * 7)));
	check_eq(b.size, 100000);
	check_le(b.size, b.cap);
	for (unsigned i = 0; i < 100000; i++)
		if (b.data[i] != (uint8_t)(i * 7))
			check_fail("byte %u changed", i);
	buf_fini(&b);
	check_eq(b.size, 0);
	check_true(b.data == NULL);
	buf_fini(&b);
}

static void
buf__appends_integers_in_the_named_order(void **state)
{
	static const uint8_t want[] = {0x04, 0x03, 0x02, 0x01, /* le32 */
	    8, 7, 6, 5, 4, 3, 2, 1,                            /* le64 */
	    1, 2, 3, 4, 5, 6, 7, 8,                            /* be64 */
	    0xac, 0x02,                                        /* varint */
	    3, 'a', 'b', 'c', 0, 'x', 'y'};
	struct buf b = {0};

	(void)state;
	check_ok(buf_append_le32(&b, 0x01020304));
	check_ok(buf_append_le64(&b, 0x0102030405060708));
	check_ok(buf_append_be64(&b, 0x0102030405060708));
	check_ok(buf_append_varint(&b, 300));
	check_ok(buf_append_sized(&b, bytes_str("abc")));
	check_ok(buf_append_sized(&b, bytes_of(NULL, 0)));
	check_ok(buf_append_bytes(&b, bytes_str("xy")));
	check_bytes_eq(buf_bytes(&b), bytes_of(want, sizeof(want)));
	buf_fini(&b);
}

static void
buf__printf_appends_text_without_nul(void **state)
{
	struct buf b = {0};

	(void)state;
	check_ok(buf_printf(&b, "%s-%d", "key", 17));
	check_ok(buf_printf(&b, "%0100d", 5));
	check_eq(b.size, 106);
	check_bytes_eq(bytes_of(b.data, 6), bytes_str("key-17"));
	check_eq(b.data[105], '5');
	buf_fini(&b);
}

static void
buf__clear_keeps_the_memory(void **state)
{
	struct buf b = {0};
	const uint8_t *before;

	(void)state;
	check_ok(buf_append_bytes(&b, bytes_str("something")));
	before = b.data;
	buf_clear(&b);
	check_eq(b.size, 0);
	check_ok(buf_append_bytes(&b, bytes_str("else")));
	check_true(b.data == before);
	buf_fini(&b);
}

static void
buf__assign_takes_a_part_of_itself(void **state)
{
	struct buf b = {0};

	(void)state;
	check_ok(buf_assign(&b, bytes_str("0123456789")));
	check_ok(buf_assign(&b, bytes_of(b.data + 2, 8)));
	check_bytes_eq(buf_bytes(&b), bytes_str("23456789"));
	check_ok(buf_assign(&b, bytes_of(NULL, 0)));
	check_eq(b.size, 0);
	buf_fini(&b);
}

static void
buf__impossible_sizes_leave_it_as_it_was(void **state)
{
	struct buf b = {0};

	(void)state;
	check_err(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	check_ok(buf_append_bytes(&b, bytes_str("kept")));
	check_err(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	check_err(buf_reserve(&b, (size_t)PTRDIFF_MAX - 3), -ENOMEM);
	check_err(buf_append(&b, b.data, SIZE_MAX - 2), -ENOMEM);
	check_err(buf_append_sized(&b, bytes_of(b.data, SIZE_MAX)), -ENOMEM);
	check_bytes_eq(buf_bytes(&b), bytes_str("kept"));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buf__grows_and_keeps_its_bytes),
	    cmocka_unit_test(buf__appends_integers_in_the_named_order),
	    cmocka_unit_test(buf__printf_appends_text_without_nul),
	    cmocka_unit_test(buf__clear_keeps_the_memory),
	    cmocka_unit_test(buf__assign_takes_a_part_of_itself),
	    cmocka_unit_test(buf__impossible_sizes_leave_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
