#include "engine/table/vref.h"

#include <stdlib.h>

#include "engine/table/vref_list.h"
#include "tests/check.h"
#include "tests/support/spec.h"

#define FILE_7 14 /* log 7 */

static uint8_t encoded[VREF_BYTES_MAX];

static struct bytes
content(size_t size)
{
	uint8_t *p = malloc(size);
	struct check_rand r = check_rand_of(size);

	check_true(p != NULL);
	check_rand_fill(&r, p, size);
	return bytes_of(p, size);
}

static void
vref__reads_back(void **state)
{
	const size_t sizes[] = {
	    1, 4096, VREF_CHUNK, VREF_CHUNK + 1, 1000000, VREF_VALUE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes value = content(sizes[i]);
		size_t n = vref_encode(encoded, FILE_7, 1234567, value);
		struct vref r;

		check_le(n, vref_bytes(value.size));
		check_le(n, VREF_BYTES_MAX);
		check_ok(vref_decode(bytes_of(encoded, n), &r));
		check_eq(r.file, FILE_7);
		check_eq(r.offset, 1234567);
		check_eq(r.size, value.size);
		check_eq(vref_check(&r, 0, value), vref_chunks(value.size));
		free((void *)(uintptr_t)value.data);
	}
}

static void
vref__is_as_specified(void **state)
{
	size_t n;

	(void)state;
	n = vref_encode(
	    encoded, vref_file(7, VREF_KIND_LOG), 100, bytes_str("apple"));
	check_true(spec_check("vref", encoded, n));
}

static void
vref__another_place_or_byte_does_not_pass(void **state)
{
	struct bytes value = content(3 * VREF_CHUNK - 5);
	uint8_t *bytes = (uint8_t *)(uintptr_t)value.data;
	size_t n = vref_encode(encoded, FILE_7, 77, value);
	struct vref r, other;

	(void)state;
	check_ok(vref_decode(bytes_of(encoded, n), &r));
	other = r;
	other.file = vref_file(8, VREF_KIND_LOG);
	check_eq(vref_check(&other, 0, value), 0);
	other = r;
	other.offset++;
	check_eq(vref_check(&other, 0, value), 0);
	bytes[VREF_CHUNK] ^= 1;
	check_eq(vref_check(&r, 0, value), 1);
	check_eq(vref_check(&r, 2,
		     bytes_of(bytes + (size_t)2 * VREF_CHUNK, VREF_CHUNK - 5)),
	    3);
	check_eq(
	    vref_check(&r, 1, bytes_of(bytes + VREF_CHUNK, VREF_CHUNK)), 1);
	free(bytes);
}

static struct bytes
raw_ref(uint64_t file, uint64_t offset, uint64_t size, size_t sums)
{
	uint8_t *p = encoded;

	p += wire_put_varint(p, file);
	p += wire_put_varint(p, offset);
	p += wire_put_varint(p, size);
	memset(p, 0, sums);
	return bytes_of(encoded, (size_t)(p - encoded) + sums);
}

static void
vref__what_cannot_be_is_damage(void **state)
{
	struct vref r;

	(void)state;
	check_ok(vref_decode(raw_ref(2, 0, 1, 8), &r));
	check_ok(vref_decode(raw_ref(VREF_NUMBER_MAX * 2 + 1, VREF_FILE_MAX,
				 VREF_VALUE_MAX, 8192),
	    &r));
	check_err(vref_decode(bytes_of("", 0), &r), ERR_DAMAGED);
	check_err(vref_decode(raw_ref(1, 0, 1, 8), &r), ERR_DAMAGED);
	check_err(vref_decode(raw_ref(VREF_NUMBER_MAX * 2 + 2, 0, 1, 8), &r),
	    ERR_DAMAGED);
	check_err(
	    vref_decode(raw_ref(2, VREF_FILE_MAX + 1, 1, 8), &r), ERR_DAMAGED);
	check_err(vref_decode(raw_ref(2, UINT64_MAX, UINT64_MAX, 8), &r),
	    ERR_DAMAGED);
	check_err(vref_decode(raw_ref(2, 0, 0, 0), &r), ERR_DAMAGED);
	check_err(vref_decode(raw_ref(2, 0, VREF_VALUE_MAX + 1, 8200), &r),
	    ERR_DAMAGED);
	check_err(vref_decode(raw_ref(2, 0, 1, 7), &r), ERR_DAMAGED);
	check_err(vref_decode(raw_ref(2, 0, 1, 16), &r), ERR_DAMAGED);
	check_err(
	    vref_decode(raw_ref(2, 0, VREF_CHUNK + 1, 8), &r), ERR_DAMAGED);
}

/* --- lists ---------------------------------------------------------------- */

static void
add(struct vref_list *l, uint64_t file, uint64_t offset, uint64_t size)
{
	const struct vref r = {.file = file, .offset = offset, .size = size};

	check_ok(vref_list_add(l, &r, 1));
}

static void
vref_list__adds_up_by_file(void **state)
{
	struct vref_list l = {0};

	(void)state;
	add(&l, 20, 100, 50);
	add(&l, 10, 48, 7);
	add(&l, 20, 10, 5);
	add(&l, 15, 1, 1);
	check_eq(l.count, 3);
	check_eq(vref_list_find(&l, 20)->bytes, 55 + 2 * 4);
	check_eq(vref_list_find(&l, 20)->end, 150);
	check_eq(vref_list_find(&l, 10)->bytes, 7 + 4);
	check_true(vref_list_find(&l, 16) == NULL);
	check_eq(vref_list_bytes(&l), 63 + 4 * 4);
	vref_list_fini(&l);
}

static void
vref_list__reads_back_at_any_length(void **state)
{
	struct vref_list l = {0}, copy, again;
	struct buf b = {0};

	(void)state;
	for (uint64_t n = 0; n < 40; n++) {
		buf_clear(&b);
		check_ok(vref_list_encode(&l, &b));
		check_ok(vref_list_decode(buf_bytes(&b), &again));
		check_ok(vref_list_copy(&l, &copy));
		add(&copy, 1000000, 50, 5);
		check_false(vref_list_eq(&l, &copy));
		check_true(vref_list_eq(&l, &again));
		add(&again, 3, 50, 5);
		vref_list_fini(&copy);
		vref_list_fini(&again);
		add(&l, 10 + n * n, 50 + n, n + 1);
	}
	vref_list_fini(&l);
	buf_fini(&b);
}

static int
decode_uses(const uint64_t *v, size_t count)
{
	struct vref_list l;
	struct buf b = {0};
	int err;

	for (size_t i = 0; i < count; i++)
		check_ok(buf_append_varint(&b, v[i]));
	err = vref_list_decode(buf_bytes(&b), &l);
	if (!err)
		vref_list_fini(&l);
	buf_fini(&b);
	return err;
}

#define check_uses(err, ...)                                       \
	check_eq(decode_uses((const uint64_t[]){__VA_ARGS__},      \
		     sizeof((const uint64_t[]){__VA_ARGS__}) / 8), \
	    (err))

static void
vref_list__what_cannot_be_is_damage(void **state)
{
	(void)state;
	check_uses(0, 0);
	check_uses(0, 2, 2, 1, 1, 3, 5, 5);
	check_uses(ERR_DAMAGED, 1);
	check_uses(ERR_DAMAGED, 1, 2, 1);
	check_uses(ERR_DAMAGED, 1, 2, 1, 1, 1);
	check_uses(ERR_DAMAGED, UINT64_MAX, 2, 1, 1);
	check_uses(ERR_DAMAGED, 2, 3, 1, 1, 3, 1, 1); /* twice */
	check_uses(ERR_DAMAGED, 2, 5, 1, 1, 3, 1, 1); /* falling */
	check_uses(ERR_DAMAGED, 1, 1, 1, 1);          /* number 0 */
	check_uses(ERR_DAMAGED, 1, 2, 0, 1);
	check_uses(ERR_DAMAGED, 1, 2, 2, 1);
	check_uses(ERR_DAMAGED, 1, 2, 1, UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vref__reads_back),
	    cmocka_unit_test(vref__is_as_specified),
	    cmocka_unit_test(vref__another_place_or_byte_does_not_pass),
	    cmocka_unit_test(vref__what_cannot_be_is_damage),
	    cmocka_unit_test(vref_list__adds_up_by_file),
	    cmocka_unit_test(vref_list__reads_back_at_any_length),
	    cmocka_unit_test(vref_list__what_cannot_be_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
