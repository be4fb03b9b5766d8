/*
 * Random operations, each compared with a model: the universe is a sorted
 * array of keys, and a state says which version of each there is (0: none).
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/lsm_store.h"

#define KEYS      400
#define SNAPSHOTS 3
#define ITERS     3
#define VALUE_MAX 4096

struct state {
	uint32_t version[KEYS];
};

struct cursor {
	struct lsm_iter *it;
	struct state seen;
	size_t lower, upper; /* indexes; upper exclusive */
	size_t at;           /* KEYS: nowhere */
};

struct model {
	struct lsm_store s;
	struct check_rand r;
	struct buf keys[KEYS];
	struct state now;
	uint32_t last_version;
	struct lsm_snapshot *snapshots[SNAPSHOTS];
	struct state at_snapshot[SNAPSHOTS];
	struct cursor cursors[ITERS];
	struct lsm_stats sum; /* of the stores that were closed */
};

/* --- the universe ------------------------------------------------------------
 */

static int
key_cmp(const void *a, const void *b)
{
	return bytes_cmp(buf_bytes(a), buf_bytes(b));
}

static void
make_keys(struct model *m)
{
	static const char letters[] = "ab\0\xff";

	for (size_t i = 0; i < KEYS; i++) {
		size_t size = 1 + check_rand_below(&m->r, 12);

		if (check_rand_one_in(&m->r, 40))
			size = 300; /* beyond what fits on get's stack */
		for (size_t j = 0; j < size; j++)
			check_ok(buf_append_u8(&m->keys[i],
			    (uint8_t)letters[check_rand_below(&m->r, 4)]));
		/* Unique: */
		check_ok(buf_append_be64(&m->keys[i], i));
	}
	buf_clear(&m->keys[0]); /* the empty key, too */
	qsort(m->keys, KEYS, sizeof(m->keys[0]), key_cmp);
}

static struct bytes
key(const struct model *m, size_t i)
{
	return buf_bytes(&m->keys[i]);
}

static size_t
make_value(size_t i, uint32_t version, uint8_t *out)
{
	struct check_rand r = check_rand_of(version * (uint64_t)KEYS + i);
	size_t size = check_rand_below(&r, 60);

	if (check_rand_one_in(&r, 30))
		size = check_rand_below(&r, VALUE_MAX);
	check_rand_fill(&r, out, size);
	return size;
}

static void
check_value(size_t i, uint32_t version, struct bytes found)
{
	uint8_t want[VALUE_MAX];
	size_t size = make_value(i, version, want);

	check_bytes_eq(found, bytes_of(want, size));
}

/* --- writing
 * ------------------------------------------------------------------ */

static void
random_batch(struct model *m)
{
	struct lsm_batch *b = lsm_batch_new();
	size_t count = 1;
	uint8_t value[VALUE_MAX];

	check_true(b != NULL);
	if (check_rand_one_in(&m->r, 4))
		count = 1 + check_rand_below(&m->r, 20);
	while (count--) {
		size_t i = check_rand_below(&m->r, KEYS);

		if (check_rand_one_in(&m->r, 3)) {
			m->now.version[i] = 0;
			check_ok(lsm_batch_delete(b, key(m, i)));
		} else {
			m->now.version[i] = ++m->last_version;
			check_ok(lsm_batch_put(b, key(m, i),
			    bytes_of(
				value, make_value(i, m->last_version, value))));
		}
	}
	check_ok(lsm_write(m->s.db, b, NULL));
	lsm_batch_free(b);
}

/* --- reading
 * ------------------------------------------------------------------ */

/* A snapshot, or NULL for now; *want is what it must show. */
static const struct lsm_snapshot *
random_snapshot(struct model *m, const struct state **want)
{
	size_t i = check_rand_below(&m->r, SNAPSHOTS * 2);

	*want = &m->now;
	if (i >= SNAPSHOTS || !m->snapshots[i])
		return NULL;
	*want = &m->at_snapshot[i];
	return m->snapshots[i];
}

static void
random_get(struct model *m)
{
	size_t i = check_rand_below(&m->r, KEYS);
	const struct state *want;
	const struct lsm_snapshot *at = random_snapshot(m, &want);
	struct lsm_value value;

	check_eq(
	    lsm_get(m->s.db, at, key(m, i), &value), want->version[i] != 0);
	if (want->version[i] == 0)
		return;
	check_value(i, want->version[i], value.bytes);
	lsm_value_release(&value);
}

static void
get_missing(struct model *m)
{
	struct lsm_value value;

	check_eq(lsm_get(m->s.db, NULL, bytes_str("no such key"), &value), 0);
}

/* --- iterators
 * ---------------------------------------------------------------- */

static void
cursor_close(struct cursor *c)
{
	lsm_iter_close(c->it);
	c->it = NULL;
}

static void
cursor_open(struct model *m, struct cursor *c)
{
	struct lsm_iter_options o = {0};
	const struct state *want;

	c->lower = 0;
	c->upper = KEYS;
	c->at = KEYS;
	if (check_rand_one_in(&m->r, 2)) {
		c->lower = check_rand_below(&m->r, KEYS);
		o.lower = key(m, c->lower);
	}
	if (check_rand_one_in(&m->r, 2)) {
		c->upper = check_rand_below(&m->r, KEYS);
		o.upper = key(m, c->upper);
		if (!o.upper.data) /* the empty key: nothing is below */
			o.upper.data = (const uint8_t *)"";
	}
	o.snapshot = random_snapshot(m, &want);
	c->seen = *want;
	check_ok(lsm_iter_open(m->s.db, &o, &c->it));
}

/* The first entry seen at index i or behind. */
static size_t
cursor_from(const struct cursor *c, size_t i)
{
	if (i < c->lower)
		i = c->lower;
	while (i < c->upper && c->seen.version[i] == 0)
		i++;
	return i < c->upper ? i : KEYS;
}

/* The last entry seen before index i. */
static size_t
cursor_before(const struct cursor *c, size_t i)
{
	if (i > c->upper)
		i = c->upper;
	while (i > c->lower && c->seen.version[i - 1] == 0)
		i--;
	return i > c->lower ? i - 1 : KEYS;
}

static int
cursor_move(struct model *m, struct cursor *c)
{
	size_t to = check_rand_below(&m->r, KEYS);
	size_t at = c->at;

	switch (check_rand_below(&m->r, at < KEYS ? 16 : 4)) {
	case 0:
		c->at = cursor_from(c, 0);
		return lsm_iter_first(c->it);
	case 1:
		c->at = cursor_before(c, KEYS);
		return lsm_iter_last(c->it);
	case 2:
		c->at = cursor_from(c, to);
		return lsm_iter_seek(c->it, key(m, to));
	case 3:
		c->at = cursor_before(c, to + 1);
		return lsm_iter_seek_back(c->it, key(m, to));
	case 4:
	case 5:
	case 6:
	case 7:
		c->at = cursor_before(c, at);
		return lsm_iter_prev(c->it);
	default:
		c->at = cursor_from(c, at + 1);
		return lsm_iter_next(c->it);
	}
}

static void
random_moves(struct model *m)
{
	struct cursor *c = &m->cursors[check_rand_below(&m->r, ITERS)];

	if (c->it && check_rand_one_in(&m->r, 10))
		cursor_close(c);
	if (!c->it)
		cursor_open(m, c);
	for (size_t n = check_rand_below(&m->r, 20); n > 0; n--) {
		int rc = cursor_move(m, c);

		check_eq(rc, c->at < KEYS);
		if (c->at == KEYS)
			continue;
		check_bytes_eq(lsm_iter_key(c->it), key(m, c->at));
		check_value(
		    c->at, c->seen.version[c->at], lsm_iter_value(c->it));
	}
}

/* --- the store's life
 * ----------------------------------------------------------- */

static void
random_snapshot_change(struct model *m)
{
	size_t i = check_rand_below(&m->r, SNAPSHOTS);

	if (m->snapshots[i]) {
		lsm_snapshot_close(m->s.db, m->snapshots[i]);
		m->snapshots[i] = NULL;
	} else {
		check_ok(lsm_snapshot_open(m->s.db, &m->snapshots[i]));
		m->at_snapshot[i] = m->now;
	}
}

static void
let_go(struct model *m)
{
	for (size_t i = 0; i < ITERS; i++)
		cursor_close(&m->cursors[i]);
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		lsm_snapshot_close(m->s.db, m->snapshots[i]);
		m->snapshots[i] = NULL;
	}
}

static void
whole_scan(struct model *m)
{
	struct lsm_iter *it;
	int rc;

	check_ok(lsm_iter_open(m->s.db, NULL, &it));
	rc = lsm_iter_first(it);
	for (size_t i = 0; i < KEYS; i++) {
		if (m->now.version[i] == 0)
			continue;
		check_eq(rc, 1);
		check_bytes_eq(lsm_iter_key(it), key(m, i));
		check_value(i, m->now.version[i], lsm_iter_value(it));
		rc = lsm_iter_next(it);
	}
	check_eq(rc, 0);
	lsm_iter_close(it);
}

static void
reopen(struct model *m)
{
	struct lsm_stats stats = lsm_store_stats(&m->s);

	m->sum.flushes += stats.flushes;
	m->sum.compactions += stats.compactions;
	m->sum.filter_skips += stats.filter_skips;
	let_go(m);
	lsm_store_reopen(&m->s);
	whole_scan(m);
}

static void
step(struct model *m)
{
	switch (check_rand_below(&m->r, 4000)) {
	case 0:
	case 1:
		reopen(m);
		return;
	case 2:
		check_ok(lsm_compact(m->s.db, NULL, NULL));
		return;
	case 3:
	case 4:
		lsm_store_check(&m->s);
		return;
	case 5:
	case 6:
		check_ok(lsm_flush(m->s.db));
		return;
	case 7:
	case 8:
		check_ok(lsm_sync(m->s.db, lsm_seq(m->s.db)));
		check_eq(lsm_durable_seq(m->s.db), lsm_seq(m->s.db));
		return;
	default:
		break;
	}
	switch (check_rand_below(&m->r, 20)) {
	case 0:
		random_snapshot_change(m);
		break;
	case 1:
		random_moves(m);
		break;
	case 2:
		get_missing(m);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		random_get(m);
		break;
	default:
		random_batch(m);
	}
}

static void
run(bool background)
{
	struct model *m = calloc(1, sizeof(*m));
	unsigned steps = check_long() ? 1000000 : 20000;

	check_true(m != NULL);
	m->r = check_rand_of(check_seed());
	make_keys(m);
	lsm_store_init(&m->s);
	m->s.options.no_background = !background;
	if (check_rand_one_in(&m->r, 2))
		m->s.options.filter_bits = 0;
	if (check_rand_one_in(&m->r, 2))
		m->s.options.cache_bytes = 4096;
	lsm_store_open(&m->s);
	for (unsigned i = 0; i < steps; i++)
		step(m);
	reopen(m);
	check_le(20, m->sum.flushes);
	check_le(20, m->sum.compactions);
	check_true(m->s.options.filter_bits == 0 || m->sum.filter_skips > 0);
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	whole_scan(m);
	lsm_store_check(&m->s);
	lsm_store_fini(&m->s);
	for (size_t i = 0; i < KEYS; i++)
		buf_fini(&m->keys[i]);
	free(m);
}

static void
model__on_demand(void **state)
{
	(void)state;
	run(false);
}

static void
model__with_threads(void **state)
{
	(void)state;
	run(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(model__on_demand),
	    cmocka_unit_test(model__with_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
