/* Batches, and reading payloads that are not trusted. */
#include "tests/check.h"

#include <stdlib.h>

#include "engine/base/wire.h"
#include "engine/db/batch.h"
#include "engine/table/wal.h"
#include "tests/support/spec.h"

static struct lsm_batch *
new_batch(void)
{
	struct lsm_batch *b = lsm_batch_new();

	check_true(b != NULL);
	return b;
}

/* Goes over the whole payload; 0 or what the cursor said, *count how many. */
static int
walk(struct bytes payload, unsigned *count)
{
	struct batch_cursor c;
	struct batch_op op;
	int rc = batch_cursor_init(&c, payload);
	uint64_t sum = 0;

	*count = 0;
	if (rc)
		return rc;
	while ((rc = batch_cursor_next(&c, &op)) > 0) {
		++*count;
		/* Touched, so that a sanitizer sees views out of bounds. */
		for (size_t i = 0; i < op.key.size; i++)
			sum += op.key.data[i];
		for (size_t i = 0; i < op.value.size; i++)
			sum += op.value.data[i];
		check_le(op.key.size, LSM_KEY_MAX);
		check_le(op.value.size, LSM_VALUE_MAX);
	}
	check_ne(sum, UINT64_MAX);
	return rc;
}

/* In memory of its own, so that a sanitizer sees reads behind its end. */
static int
walk_copy(const uint8_t *data, size_t size, unsigned *count)
{
	uint8_t *copy = malloc(size ? size : 1);
	int rc;

	memcpy(copy, data, size);
	rc = walk(bytes_of(copy, size), count);
	free(copy);
	return rc;
}

static void
check_next(struct batch_cursor *c, enum ikey_kind kind, const char *key,
    const char *value)
{
	struct batch_op op;

	check_eq(batch_cursor_next(c, &op), 1);
	check_eq(op.kind, kind);
	check_bytes_eq(op.key, bytes_str(key));
	check_bytes_eq(op.value, bytes_str(value));
}

static void
batch__holds_its_operations_in_order(void **state)
{
	struct lsm_batch *b = new_batch();
	struct batch_cursor c;
	struct batch_op op;
	uint8_t *room;

	(void)state;
	check_eq(lsm_batch_count(b), 0);
	check_eq(lsm_batch_bytes(b), 0);
	check_ok(lsm_batch_put(b, bytes_str("k1"), bytes_str("v1")));
	check_ok(lsm_batch_delete(b, bytes_str("k2")));
	check_ok(lsm_batch_put(b, bytes_of(NULL, 0), bytes_of(NULL, 0)));
	check_ok(lsm_batch_put_room(b, bytes_str("k3"), 4, &room));
	memcpy(room, "room", 4);
	check_ok(lsm_batch_put(b, bytes_str("k1"), bytes_str("again")));
	check_ok(lsm_batch_put_until(
	    b, bytes_str("k4"), bytes_str("v4"), 1700000000000));
	check_ok(lsm_batch_put_until(b, bytes_str("k5"), bytes_str("v5"), 0));
	check_ok(lsm_batch_delete_range(b, bytes_str("b"), bytes_str("c")));
	check_ok(lsm_batch_delete_range(b, bytes_str("c"), bytes_str("c")));
	check_ok(
	    lsm_batch_delete_range(b, bytes_of(NULL, 0), bytes_of(NULL, 0)));
	check_eq(lsm_batch_count(b), 9);
	check_eq(batch_ranges(b)->count, 2);
	check_eq(batch_ranges(b)->bytes, 2);

	check_ok(batch_cursor_init(&c, batch_payload(b)));
	check_next(&c, IKEY_KIND_PUT, "k1", "v1");
	check_next(&c, IKEY_KIND_DELETE, "k2", "");
	check_next(&c, IKEY_KIND_PUT, "", "");
	check_next(&c, IKEY_KIND_PUT, "k3", "room");
	check_next(&c, IKEY_KIND_PUT, "k1", "again");
	check_eq(batch_cursor_next(&c, &op), 1);
	check_eq(op.kind, IKEY_KIND_UNTIL);
	check_eq(op.expires_ms, 1700000000000);
	check_bytes_eq(op.key, bytes_str("k4"));
	check_bytes_eq(op.value, bytes_str("v4"));
	check_next(&c, IKEY_KIND_PUT, "k5", "v5");
	check_next(&c, IKEY_KIND_RANGE, "b", "c");
	check_next(&c, IKEY_KIND_RANGE, "", "");
	check_eq(batch_cursor_next(&c, &op), 0);
	lsm_batch_free(b);
}

static void
batch__is_what_the_specification_says(void **state)
{
	struct lsm_batch *b = new_batch();
	struct bytes payload;

	(void)state;
	check_ok(lsm_batch_put(b, bytes_str("k"), bytes_str("v")));
	check_ok(lsm_batch_delete(b, bytes_str("d")));
	payload = batch_payload(b);
	check_true(spec_check("batch-payload", payload.data, payload.size));
	lsm_batch_clear(b);
	check_ok(lsm_batch_put_until(
	    b, bytes_str("k"), bytes_str("v"), 1700000000000));
	payload = batch_payload(b);
	check_true(spec_check("batch-until", payload.data, payload.size));
	lsm_batch_clear(b);
	check_ok(lsm_batch_delete_range(b, bytes_str("k"), bytes_str("n")));
	payload = batch_payload(b);
	check_true(spec_check("batch-range", payload.data, payload.size));
	lsm_batch_free(b);
}

static void
batch__record_is_the_payload_behind_room_for_a_header(void **state)
{
	struct lsm_batch *b = new_batch();
	struct bytes payload;
	uint8_t *record;
	size_t size;

	(void)state;
	check_ok(lsm_batch_put(b, bytes_str("k"), bytes_str("v")));
	payload = batch_payload(b);
	record = batch_record(b, &size);
	check_eq(size, WAL_RECORD_HEADER + payload.size);
	check_true(record + WAL_RECORD_HEADER == payload.data);
	lsm_batch_free(b);
}

static void
batch__clear_empties_and_the_batch_is_used_again(void **state)
{
	struct lsm_batch *b = new_batch();
	uint8_t big[3000] = {0};
	unsigned count;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 10; i++)
			check_ok(lsm_batch_put(
			    b, bytes_str("key"), bytes_of(big, sizeof(big))));
		check_eq(lsm_batch_count(b), 10);
		check_ok(walk(batch_payload(b), &count));
		check_eq(count, 10);
		lsm_batch_clear(b);
		check_eq(lsm_batch_count(b), 0);
		check_eq(lsm_batch_bytes(b), 0);
		check_ok(walk(batch_payload(b), &count));
		check_eq(count, 0);
	}
	lsm_batch_free(b);
	lsm_batch_free(NULL);
}

static void
batch__refuses_what_is_too_long(void **state)
{
	struct lsm_batch *b = new_batch();
	uint8_t *big = calloc(1, LSM_KEY_MAX + 1);
	uint8_t *room = NULL;
	size_t before;
	unsigned count;

	(void)state;
	check_ok(lsm_batch_put(b, bytes_of(big, LSM_KEY_MAX), bytes_str("v")));
	check_ok(lsm_batch_delete(b, bytes_of(big, LSM_KEY_MAX)));
	before = lsm_batch_bytes(b);
	check_err(
	    lsm_batch_put(b, bytes_of(big, LSM_KEY_MAX + 1), bytes_str("v")),
	    -EINVAL);
	check_err(lsm_batch_delete(b, bytes_of(big, LSM_KEY_MAX + 1)), -EINVAL);
	check_err(lsm_batch_put_room(
		      b, bytes_str("k"), (size_t)LSM_VALUE_MAX + 1, &room),
	    -EINVAL);
	check_err(
	    lsm_batch_put_room(b, bytes_str("k"), SIZE_MAX, &room), -EINVAL);
	check_err(lsm_batch_put_until(
		      b, bytes_of(big, LSM_KEY_MAX + 1), bytes_str("v"), 1),
	    -EINVAL);
	check_err(lsm_batch_put_until(b, bytes_str("k"),
		      bytes_of(big, (size_t)LSM_VALUE_MAX + 1), 1),
	    -EINVAL);
	check_true(room == NULL);
	check_eq(lsm_batch_bytes(b), before);
	check_eq(lsm_batch_count(b), 2);
	check_ok(walk(batch_payload(b), &count));
	check_eq(count, 2);
	free(big);
	lsm_batch_free(b);
}

/* 256 MiB of address space, of which few pages are touched. */
static void
batch__refuses_to_grow_beyond_its_limit(void **state)
{
	struct lsm_batch *b = new_batch();
	const size_t overhead = 1 + 1 + 1 + 4; /* kind, key, value size */
	uint8_t *room;
	size_t left;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		check_ok(lsm_batch_put_room(
		    b, bytes_str("k"), LSM_VALUE_MAX, &room));
	left = LSM_BATCH_MAX - lsm_batch_bytes(b);
	check_err(
	    lsm_batch_put_room(b, bytes_str("k"), left - overhead + 1, &room),
	    -E2BIG);
	check_ok(lsm_batch_put_room(b, bytes_str("k"), left - overhead, &room));
	check_eq(lsm_batch_bytes(b), LSM_BATCH_MAX);
	check_err(lsm_batch_delete(b, bytes_str("")), -E2BIG);
	check_eq(lsm_batch_count(b), 4);
	check_le(batch_payload(b).size, WAL_PAYLOAD_MAX);
	lsm_batch_free(b);
}

/* --- payloads that are not trusted -----------------------------------------
 */

static struct lsm_batch *
sample_batch(void)
{
	struct lsm_batch *b = new_batch();
	uint8_t value[200];

	memset(value, 'v', sizeof(value));
	check_ok(lsm_batch_put(b, bytes_str("first"), bytes_str("value")));
	check_ok(lsm_batch_delete(b, bytes_str("second")));
	check_ok(lsm_batch_put(
	    b, bytes_str("third"), bytes_of(value, sizeof(value))));
	check_ok(lsm_batch_put(b, bytes_str(""), bytes_str("")));
	check_ok(lsm_batch_put_until(
	    b, bytes_str("fifth"), bytes_str("until"), 1700000000000));
	return b;
}

static void
batch_cursor__every_truncation_is_damage(void **state)
{
	struct lsm_batch *b = sample_batch();
	struct bytes payload = batch_payload(b);
	unsigned count;

	(void)state;
	for (size_t size = 0; size < payload.size; size++)
		check_err(walk_copy(payload.data, size, &count), -EUCLEAN);
	check_ok(walk_copy(payload.data, payload.size, &count));
	check_eq(count, 5);
	lsm_batch_free(b);
}

static void
batch_cursor__trailing_bytes_and_wrong_counts_are_damage(void **state)
{
	struct lsm_batch *b = sample_batch();
	struct bytes payload = batch_payload(b);
	uint8_t copy[300] = {0};
	unsigned count;

	(void)state;
	memcpy(copy, payload.data, payload.size);
	check_err(walk_copy(copy, payload.size + 1, &count), -EUCLEAN);
	for (uint32_t n = 0; n < 100; n++) {
		wire_put_le32(copy, n);
		check_eq(walk_copy(copy, payload.size, &count),
		    n == 5 ? 0 : ERR_DAMAGED);
	}
	wire_put_le32(copy, UINT32_MAX);
	check_err(walk_copy(copy, payload.size, &count), -EUCLEAN);
	check_eq(count, 0);
	lsm_batch_free(b);
}

static void
batch_cursor__changed_bytes_never_lead_astray(void **state)
{
	struct lsm_batch *b = sample_batch();
	struct bytes payload = batch_payload(b);
	uint8_t copy[300];
	unsigned count;

	(void)state;
	check_le(payload.size, sizeof(copy));
	memcpy(copy, payload.data, payload.size);
	for (size_t i = 0; i < payload.size; i++) {
		for (unsigned v = 0; v < 256; v++) {
			copy[i] = (uint8_t)v;
			int rc = walk_copy(copy, payload.size, &count);

			check_true(rc == 0 || rc == ERR_DAMAGED);
		}
		copy[i] = payload.data[i];
	}
	lsm_batch_free(b);
}

static void
batch_cursor__random_bytes_never_lead_astray(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint8_t data[64];
	unsigned count;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = check_rand_below(&r, sizeof(data) + 1);

		/* Small bytes: plausible kinds, sizes and counts. */
		for (size_t k = 0; k < size; k++)
			data[k] = (uint8_t)check_rand_below(&r, 5);
		if (size >= 4)
			wire_put_le32(data, (uint32_t)check_rand_below(&r, 6));
		int rc = walk_copy(data, size, &count);
		check_true(rc == 0 || rc == ERR_DAMAGED);
	}
}

/* A payload of one operation with these sizes, all of its bytes there. */
static int
walk_sizes_until(
    uint8_t kind, uint64_t expires_ms, size_t key_size, size_t value_size)
{
	size_t room = 64 + key_size + value_size;
	uint8_t *data = calloc(1, room);
	size_t n = BATCH_HEADER;
	unsigned count;
	int rc;

	check_true(data != NULL);
	wire_put_le32(data, 1);
	data[n++] = kind;
	if (kind == IKEY_KIND_UNTIL) {
		wire_put_le64(data + n, expires_ms);
		n += 8;
	}
	n += wire_put_varint(data + n, key_size);
	n += key_size;
	if (kind != IKEY_KIND_DELETE) {
		n += wire_put_varint(data + n, value_size);
		n += value_size;
	}
	rc = walk(bytes_of(data, n), &count);
	free(data);
	return rc;
}

static int
walk_sizes(uint8_t kind, size_t key_size, size_t value_size)
{
	return walk_sizes_until(kind, 1, key_size, value_size);
}

static void
batch_cursor__limits_hold_for_bytes_from_disk(void **state)
{
	(void)state;
	check_ok(walk_sizes(IKEY_KIND_PUT, LSM_KEY_MAX, 10));
	check_err(walk_sizes(IKEY_KIND_PUT, LSM_KEY_MAX + 1, 10), -EUCLEAN);
	check_ok(walk_sizes(IKEY_KIND_DELETE, LSM_KEY_MAX, 0));
	check_err(walk_sizes(IKEY_KIND_DELETE, LSM_KEY_MAX + 1, 0), -EUCLEAN);
	check_ok(walk_sizes(IKEY_KIND_PUT, 1, LSM_VALUE_MAX));
	check_err(walk_sizes(IKEY_KIND_PUT, 1, LSM_VALUE_MAX + 1), -EUCLEAN);
	check_ok(walk_sizes(IKEY_KIND_UNTIL, LSM_KEY_MAX, LSM_VALUE_MAX));
	check_err(walk_sizes(IKEY_KIND_UNTIL, LSM_KEY_MAX + 1, 0), -EUCLEAN);
	check_err(walk_sizes(IKEY_KIND_UNTIL, 1, LSM_VALUE_MAX + 1), -EUCLEAN);
	check_err(walk_sizes_until(IKEY_KIND_UNTIL, 0, 1, 1), -EUCLEAN);
	check_err(walk_sizes(2, 1, 0), -EUCLEAN);
	check_err(walk_sizes(IKEY_KIND_REF_UNTIL, 1, 0), -EUCLEAN);
	check_err(walk_sizes(255, 1, 0), -EUCLEAN);
}

/* So many range deletes of keys that share nothing; end: the last byte of the
 * ends, which have all of end_size bytes. */
static int
walk_ranges(uint32_t n, size_t key_size, size_t end_size, uint8_t end)
{
	struct buf b = {0};
	uint8_t *key = calloc(1, LSM_KEY_MAX + 2);
	unsigned count;
	int rc;

	check_true(key != NULL);
	check_ok(buf_append_le32(&b, n));
	while (n--) {
		check_ok(buf_append_u8(&b, IKEY_KIND_RANGE));
		check_ok(buf_append_sized(&b, bytes_of(key, key_size)));
		if (end_size > 0)
			key[end_size - 1] = end;
		check_ok(buf_append_sized(&b, bytes_of(key, end_size)));
		if (end_size > 0)
			key[end_size - 1] = 0;
	}
	rc = walk(buf_bytes(&b), &count);
	free(key);
	buf_fini(&b);
	return rc;
}

static void
batch_cursor__range_deletes_are_checked(void **state)
{
	(void)state;
	check_ok(walk_ranges(1, 3, 3, 1));
	check_ok(walk_ranges(1, 3, 4, 0)); /* longer is above */
	check_ok(walk_ranges(1, 3, 0, 0)); /* no end */
	check_err(walk_ranges(1, 3, 3, 0), -EUCLEAN);
	check_err(walk_ranges(1, 3, 2, 0), -EUCLEAN);
	check_ok(walk_ranges(1, LSM_KEY_MAX, LSM_KEY_MAX, 1));
	check_err(walk_ranges(1, LSM_KEY_MAX + 1, 1, 1), -EUCLEAN);
	check_err(walk_ranges(1, 1, LSM_KEY_MAX + 1, 1), -EUCLEAN);
	check_ok(walk_ranges(LSM_BATCH_RANGES_MAX, 1, 1, 1));
	check_err(walk_ranges(LSM_BATCH_RANGES_MAX + 1, 1, 1, 1), -EUCLEAN);
	check_ok(walk_ranges(128, LSM_KEY_MAX, LSM_KEY_MAX, 1));
	check_err(walk_ranges(129, LSM_KEY_MAX, LSM_KEY_MAX, 1), -EUCLEAN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(batch__holds_its_operations_in_order),
	    cmocka_unit_test(batch__is_what_the_specification_says),
	    cmocka_unit_test(
		batch__record_is_the_payload_behind_room_for_a_header),
	    cmocka_unit_test(batch__clear_empties_and_the_batch_is_used_again),
	    cmocka_unit_test(batch__refuses_what_is_too_long),
	    cmocka_unit_test(batch__refuses_to_grow_beyond_its_limit),
	    cmocka_unit_test(batch_cursor__every_truncation_is_damage),
	    cmocka_unit_test(
		batch_cursor__trailing_bytes_and_wrong_counts_are_damage),
	    cmocka_unit_test(batch_cursor__changed_bytes_never_lead_astray),
	    cmocka_unit_test(batch_cursor__random_bytes_never_lead_astray),
	    cmocka_unit_test(batch_cursor__limits_hold_for_bytes_from_disk),
	    cmocka_unit_test(batch_cursor__range_deletes_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
