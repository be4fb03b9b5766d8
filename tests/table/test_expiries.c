#include "engine/table/expiries.h"

#include "engine/base/err.h"
#include "tests/check.h"

static struct expiries
of(const uint64_t *moments, size_t count)
{
	struct buf b = {0};
	struct expiries e;

	check_ok(buf_append(&b, moments, count * sizeof(*moments)));
	e = expiries_of(&b);
	buf_fini(&b);
	return e;
}

static void
check_expiries(struct expiries e, uint64_t count, uint64_t first, uint64_t half)
{
	check_eq(e.count, count);
	check_eq(e.first_ms, first);
	check_eq(e.half_ms, half);
}

static void
expiries__half_is_rounded_up(void **state)
{
	static const uint64_t moments[] = {500, 100, 400, UINT64_MAX, 200};

	(void)state;
	check_expiries(of(moments, 0), 0, 0, 0);
	check_expiries(of(moments, 1), 1, 500, 500);
	check_expiries(of(moments, 2), 2, 100, 100);
	check_expiries(of(moments, 3), 3, 100, 400);
	check_expiries(of(moments, 4), 4, 100, 400);
	check_expiries(of(moments, 5), 5, 100, 400);
}

static void
expiries__are_due_when_half_of_many_have_passed(void **state)
{
	const struct expiries e = {25, 100, 200}, none = {0};

	(void)state;
	check_false(expiries_are_due(&e, 100, 199));
	check_true(expiries_are_due(&e, 100, 200));
	check_true(expiries_are_due(&e, 25, 200));
	check_false(expiries_are_due(&e, 104, 200));
	check_false(expiries_are_due(&none, 0, 200));
	check_false(expiries_are_due(&none, 100, 200));
}

static void
expiries__come_back_from_bytes(void **state)
{
	static const struct expiries some[] = {
	    {1, 1, 1}, {7, 1, UINT64_MAX}, {UINT64_MAX, 200, 300}};
	static const struct expiries absurd[] = {
	    {0, 1, 1}, {1, 0, 1}, {2, 300, 299}, {8, 1, 1}};
	struct expiries got = {0};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		buf_clear(&b);
		check_ok(expiries_encode(&some[i], &b));
		check_ok(expiries_decode(buf_bytes(&b), UINT64_MAX, &got));
		check_true(expiries_eq(&got, &some[i]));
		for (size_t size = 0; size < b.size; size++)
			check_err(expiries_decode(
				      bytes_of(b.data, size), UINT64_MAX, &got),
			    ERR_DAMAGED);
		check_ok(buf_append_u8(&b, 0));
		check_err(expiries_decode(buf_bytes(&b), UINT64_MAX, &got),
		    ERR_DAMAGED);
	}
	for (size_t i = 0; i < 4; i++) {
		buf_clear(&b);
		check_ok(expiries_encode(&absurd[i], &b));
		check_err(expiries_decode(buf_bytes(&b), 7, &got), ERR_DAMAGED);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expiries__half_is_rounded_up),
	    cmocka_unit_test(expiries__are_due_when_half_of_many_have_passed),
	    cmocka_unit_test(expiries__come_back_from_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
