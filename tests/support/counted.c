#include "tests/support/counted.h"

#include <stdio.h>

#include "tests/check.h"

#define VALUE_MAX 12000

unsigned counted_scale = 1;

static struct bytes
value_of(uint64_t n, uint8_t *out)
{
	struct check_rand r = check_rand_of(n);
	size_t size =
	    8 + check_rand_below(&r, check_rand_one_in(&r, 9) ? 1190 : 90);

	size *= counted_scale;
	memset(out, (int)(n & 0xff), size);
	memcpy(out, &n, 8);
	return bytes_of(out, size);
}

static struct bytes
key_of(uint64_t i, char key[16])
{
	(void)snprintf(key, 16, "key%02u", (unsigned)(i % COUNTED_KEYS));
	return bytes_str(key);
}

int
counted_write(struct lsm *db, uint64_t n, uint64_t *seq)
{
	struct lsm_batch *b = lsm_batch_new();
	uint8_t value[VALUE_MAX];
	char key[16];
	int err;

	check_true(b != NULL);
	check_ok(lsm_batch_put(b, bytes_str("count"), bytes_of(&n, 8)));
	check_ok(lsm_batch_delete(b, key_of(n * 7 + 3, key)));
	check_ok(lsm_batch_put(b, key_of(n, key), value_of(n, value)));
	err = lsm_write(db, b, seq);
	lsm_batch_free(b);
	return err;
}

/* The batch whose value the key has after n batches; 0: none. */
static uint64_t
writer_of(uint64_t n, uint64_t key)
{
	for (uint64_t i = n; i > 0 && i + COUNTED_KEYS > n; i--) {
		if (i % COUNTED_KEYS == key)
			return i;
		if ((i * 7 + 3) % COUNTED_KEYS == key)
			return 0;
	}
	return 0;
}

static uint64_t
read_count(struct lsm *db, const struct lsm_snapshot *at)
{
	struct lsm_value value;
	uint64_t n = 0;
	int rc = lsm_get(db, at, bytes_str("count"), &value);

	check_le(0, rc);
	if (rc == 0)
		return 0;
	check_eq(value.bytes.size, 8);
	memcpy(&n, value.bytes.data, 8);
	lsm_value_release(&value);
	return n;
}

/* The iterator stands at the first key; "count" sorts before all others. */
static void
check_entries(struct lsm_iter *it, uint64_t n)
{
	uint8_t want[VALUE_MAX];
	char key[16];
	int rc;

	check_bytes_eq(lsm_iter_key(it), bytes_str("count"));
	check_bytes_eq(lsm_iter_value(it), bytes_of(&n, 8));
	rc = lsm_iter_next(it);
	for (uint64_t i = 0; i < COUNTED_KEYS; i++) {
		uint64_t by = writer_of(n, i);

		if (by == 0)
			continue;
		check_eq(rc, 1);
		check_bytes_eq(lsm_iter_key(it), key_of(i, key));
		check_bytes_eq(lsm_iter_value(it), value_of(by, want));
		rc = lsm_iter_next(it);
	}
	check_eq(rc, 0);
}

/* Several states may be seen by an iterator of now: it needs a snapshot. */
static uint64_t
check_at(struct lsm *db, const struct lsm_snapshot *at)
{
	struct lsm_iter_options o = {.snapshot = at};
	uint64_t n = read_count(db, at);
	struct lsm_iter *it;

	check_ok(lsm_iter_open(db, &o, &it));
	if (n == 0)
		check_eq(lsm_iter_first(it), 0);
	else
		check_eq(lsm_iter_first(it), 1);
	if (n > 0)
		check_entries(it, n);
	lsm_iter_close(it);
	return n;
}

uint64_t
counted_state(struct lsm *db, const struct lsm_snapshot *at)
{
	struct lsm_snapshot *now;
	uint64_t n;

	if (at)
		return check_at(db, at);
	check_ok(lsm_snapshot_open(db, &now));
	n = check_at(db, now);
	lsm_snapshot_close(db, now);
	return n;
}
