#include "engine/table/value.h"

#include <stdlib.h>

#include "tests/check.h"
#include "tests/support/spec.h"

static const uint8_t stored[] = {
    0, 0x68, 0xe5, 0xcf, 0x8b, 1, 0, 0, 'v', 'a', 'l'};

static void
value__kinds_are_taken_apart(void **state)
{
	static const struct {
		enum ikey_kind kind;
		size_t skip; /* bytes in front of the value */
		bool is_reference;
	} kinds[] = {
	    {IKEY_KIND_PUT, 0, false},
	    {IKEY_KIND_REF, 0, true},
	    {IKEY_KIND_UNTIL, VALUE_EXPIRY, false},
	    {IKEY_KIND_REF_UNTIL, VALUE_EXPIRY, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t skip = kinds[i].skip;
		struct value v;

		check_ok(value_decode(
		    kinds[i].kind, bytes_of(stored, sizeof(stored)), &v));
		check_bytes_eq(
		    v.bytes, bytes_of(stored + skip, sizeof(stored) - skip));
		check_eq(v.expires_ms, skip ? 1700000000000 : 0);
		check_eq(v.is_reference, kinds[i].is_reference);
	}
}

static void
value__may_be_empty(void **state)
{
	struct value v;

	(void)state;
	check_ok(value_decode(IKEY_KIND_PUT, bytes_of(NULL, 0), &v));
	check_eq(v.bytes.size, 0);
	check_ok(
	    value_decode(IKEY_KIND_UNTIL, bytes_of(stored, VALUE_EXPIRY), &v));
	check_eq(v.bytes.size, 0);
}

static void
value__that_does_not_fit_its_kind_is_damage(void **state)
{
	static const enum ikey_kind kinds[] = {
	    IKEY_KIND_UNTIL, IKEY_KIND_REF_UNTIL};
	static const uint8_t zeros[VALUE_EXPIRY + 1];
	struct value v = {.expires_ms = 77};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t size = 0; size < VALUE_EXPIRY; size++) {
			struct bytes raw = bytes_of(stored, size);

			check_err(value_decode(kinds[i], raw, &v), ERR_DAMAGED);
			check_false(value_fits(kinds[i], raw));
		}
		check_err(
		    value_decode(kinds[i], bytes_of(zeros, sizeof(zeros)), &v),
		    ERR_DAMAGED);
		check_true(
		    value_fits(kinds[i], bytes_of(stored, VALUE_EXPIRY)));
	}
	check_err(
	    value_decode(IKEY_KIND_DELETE, bytes_of(NULL, 0), &v), ERR_DAMAGED);
	check_err(
	    value_decode(IKEY_KIND_SEEK, bytes_of(NULL, 0), &v), ERR_DAMAGED);
	check_eq(v.expires_ms, 77); /* untouched */
	check_true(value_fits(IKEY_KIND_DELETE, bytes_of(NULL, 0)));
	check_false(value_fits(IKEY_KIND_SEEK, bytes_of(NULL, 0)));
}

static void
value__is_what_the_specification_says(void **state)
{
	size_t size;
	uint8_t *raw = spec_example("value-until", &size);
	struct value v;

	(void)state;
	check_true(raw != NULL);
	check_ok(value_decode(IKEY_KIND_UNTIL, bytes_of(raw, size), &v));
	check_eq(v.expires_ms, 1700000000000);
	check_bytes_eq(v.bytes, bytes_str("v"));
	free(raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(value__kinds_are_taken_apart),
	    cmocka_unit_test(value__may_be_empty),
	    cmocka_unit_test(value__that_does_not_fit_its_kind_is_damage),
	    cmocka_unit_test(value__is_what_the_specification_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
