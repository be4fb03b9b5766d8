#include "engine/base/wire.h"

#include "tests/check.h"

static struct wire_in
in_of(const void *data, size_t size)
{
	return wire_in_of(bytes_of(data, size));
}

static void
wire__fixed_integers_come_back(void **state)
{
	uint8_t p[20];
	struct wire_in in = in_of(p, sizeof(p));
	uint32_t v32;
	uint64_t le, be;

	(void)state;
	wire_put_le32(p, 0xfedcba98);
	wire_put_le64(p + 4, 0xfedcba9876543210);
	wire_put_be64(p + 12, 0xfedcba9876543210);
	check_eq(p[0], 0x98);
	check_eq(p[4], 0x10);
	check_eq(p[12], 0xfe);
	check_ok(wire_in_le32(&in, &v32));
	check_ok(wire_in_le64(&in, &le));
	check_ok(wire_in_be64(&in, &be));
	check_eq(v32, 0xfedcba98);
	check_eq(le, 0xfedcba9876543210);
	check_eq(be, 0xfedcba9876543210);
	check_eq(wire_in_left(&in), 0);
}

static void
wire__varints_come_back_at_every_length(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit <= 64; bit++) {
		uint64_t edge = bit < 64 ? (uint64_t)1 << bit : 0;

		for (uint64_t v = edge - 1; v != edge + 2; v++) {
			uint8_t p[WIRE_VARINT_MAX];
			size_t n = wire_put_varint(p, v);
			struct wire_in in = in_of(p, n);
			uint64_t got;

			check_eq(wire_varint_size(v), n);
			check_ok(wire_in_varint(&in, &got));
			check_eq(got, v);
			check_eq(wire_in_left(&in), 0);
			/* One byte short. */
			in = in_of(p, n - 1);
			check_err(wire_in_varint(&in, &got), ERR_DAMAGED);
			check_eq(wire_in_left(&in), n - 1);
		}
	}
	check_eq(wire_varint_size(0), 1);
	check_eq(wire_varint_size(127), 1);
	check_eq(wire_varint_size(128), 2);
	check_eq(wire_varint_size(UINT64_MAX), WIRE_VARINT_MAX);
}

static void
wire__varint_of_more_than_64_bits_is_damage(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[12];
	} cases[] = {
	    {"bit 64", {255, 255, 255, 255, 255, 255, 255, 255, 255, 2}},
	    {"11 bytes", {128, 128, 128, 128, 128, 128, 128, 128, 128, 129, 0}},
	    {"no end",
		{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_in in = in_of(cases[i].bytes, 12);
		uint64_t v = 42;

		print_message("%s\n", cases[i].name);
		check_err(wire_in_varint(&in, &v), ERR_DAMAGED);
		check_eq(v, 42);
		check_eq(wire_in_left(&in), 12);
	}
}

static void
wire__reads_past_the_end_touch_nothing(void **state)
{
	const uint8_t p[8] = {0};
	struct wire_in in = in_of(p, 0);
	struct bytes out = bytes_str("untouched");
	uint8_t v8 = 42;
	uint32_t v32 = 42;
	uint64_t v64 = 42;

	(void)state;
	check_err(wire_in_u8(&in, &v8), ERR_DAMAGED);
	in = in_of(p, 3);
	check_err(wire_in_le32(&in, &v32), ERR_DAMAGED);
	in = in_of(p, 7);
	check_err(wire_in_le64(&in, &v64), ERR_DAMAGED);
	check_err(wire_in_be64(&in, &v64), ERR_DAMAGED);
	check_err(wire_in_bytes(&in, 8, &out), ERR_DAMAGED);
	check_err(wire_in_bytes(&in, UINT64_MAX, &out), ERR_DAMAGED);
	check_eq(wire_in_left(&in), 7);
	check_eq(v8 + v32 + v64, 3 * 42);
	check_bytes_eq(out, bytes_str("untouched"));
	in = wire_in_of(bytes_of(NULL, 0));
	check_err(wire_in_varint(&in, &v64), ERR_DAMAGED);
	check_ok(wire_in_bytes(&in, 0, &out));
	check_eq(out.size, 0);
}

static void
wire__sized_bytes_stay_within_the_input(void **state)
{
	static const uint8_t good[] = {2, 'a', 'b', 'c'};
	static const uint8_t bad[] = {4, 'a', 'b', 'c'};
	static const uint8_t huge[] = {
	    255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 'x'};
	struct wire_in in = in_of(good, sizeof(good));
	struct bytes out = {0};

	(void)state;
	check_ok(wire_in_sized(&in, &out));
	check_bytes_eq(out, bytes_str("ab"));
	check_eq(wire_in_left(&in), 1);
	in = in_of(bad, sizeof(bad));
	check_err(wire_in_sized(&in, &out), ERR_DAMAGED);
	check_eq(wire_in_left(&in), sizeof(bad));
	in = in_of(huge, sizeof(huge));
	check_err(wire_in_sized(&in, &out), ERR_DAMAGED);
	check_eq(wire_in_left(&in), sizeof(huge));
	check_bytes_eq(out, bytes_str("ab"));
}

static void
wire__fields_come_with_growing_tags(void **state)
{
	static const uint8_t list[] = {3, 2, 'a', 'b', 7, 0, 7, 0};
	static const uint8_t zero[] = {0, 0};
	struct wire_in in = wire_in_of(bytes_of(list, sizeof(list)));
	struct bytes content;
	uint64_t tag = 0;

	(void)state;
	check_ok(wire_in_field(&in, &tag, &content));
	check_eq(tag, 3);
	check_bytes_eq(content, bytes_str("ab"));
	check_ok(wire_in_field(&in, &tag, &content));
	check_eq(tag, 7);
	check_eq(content.size, 0);
	check_err(wire_in_field(&in, &tag, &content), ERR_DAMAGED);
	check_eq(tag, 7);
	check_eq(wire_in_left(&in), 2);
	tag = 0;
	in = wire_in_of(bytes_of(zero, 2));
	check_err(wire_in_field(&in, &tag, &content), ERR_DAMAGED);
	/* Cut anywhere. */
	for (size_t size = 0; size < 4; size++) {
		in = wire_in_of(bytes_of(list, size));
		tag = 0;
		check_err(wire_in_field(&in, &tag, &content), ERR_DAMAGED);
		check_eq(tag, 0);
		check_eq(wire_in_left(&in), size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wire__fixed_integers_come_back),
	    cmocka_unit_test(wire__varints_come_back_at_every_length),
	    cmocka_unit_test(wire__varint_of_more_than_64_bits_is_damage),
	    cmocka_unit_test(wire__reads_past_the_end_touch_nothing),
	    cmocka_unit_test(wire__sized_bytes_stay_within_the_input),
	    cmocka_unit_test(wire__fields_come_with_growing_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
