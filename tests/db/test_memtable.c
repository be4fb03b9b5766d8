/* The memtable: lookups, iterators, batches, and reading while writing. */
#include "tests/check.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/db/batch.h"
#include "engine/db/memtable.h"
#include "engine/table/value.h"

static struct memtable *
new_memtable(void)
{
	struct memtable *m = memtable_new(NULL);

	check_true(m != NULL);
	return m;
}

static void
put(struct memtable *m, uint64_t seq, const char *key, const char *value)
{
	check_ok(memtable_add(
	    m, seq, IKEY_KIND_PUT, bytes_str(key), bytes_str(value)));
}

static void
del(struct memtable *m, uint64_t seq, const char *key)
{
	check_ok(memtable_add(
	    m, seq, IKEY_KIND_DELETE, bytes_str(key), bytes_of(NULL, 0)));
}

static int
get(const struct memtable *m, struct bytes key, uint64_t seq,
    struct memtable_entry *out)
{
	uint8_t target[256];

	memcpy(target, key.data, key.size);
	wire_put_le64(target + key.size, ikey_pack(seq, IKEY_KIND_SEEK));
	return memtable_get(m, bytes_of(target, key.size + IKEY_TRAILER), out);
}

/* At seq, key has this value from number `from`. */
static void
check_get(struct memtable *m, const char *key, uint64_t seq, uint64_t from,
    const char *value)
{
	struct memtable_entry e;

	check_eq(get(m, bytes_str(key), seq, &e), 1);
	check_eq(e.seq, from);
	check_eq(e.kind, value ? IKEY_KIND_PUT : IKEY_KIND_DELETE);
	check_bytes_eq(e.value, bytes_str(value ? value : ""));
}

static void
check_absent(struct memtable *m, const char *key, uint64_t seq)
{
	struct memtable_entry e = {.seq = 77};

	check_eq(get(m, bytes_str(key), seq, &e), 0);
	check_eq(e.seq, 77);
}

static void
memtable__get_finds_the_newest_at_a_number(void **state)
{
	struct memtable *m = new_memtable();

	(void)state;
	check_absent(m, "a", 100);
	put(m, 3, "a", "three");
	put(m, 5, "ab", "longer key");
	put(m, 7, "a", "seven");
	del(m, 9, "a");
	put(m, 11, "", "empty key");
	check_absent(m, "a", 2);
	check_get(m, "a", 3, 3, "three");
	check_get(m, "a", 6, 3, "three");
	check_get(m, "a", 8, 7, "seven");
	check_get(m, "a", 9, 9, NULL);
	check_get(m, "a", IKEY_SEQ_MAX, 9, NULL);
	check_get(m, "ab", 100, 5, "longer key");
	check_get(m, "", 100, 11, "empty key");
	check_absent(m, "", 10);
	check_absent(m, "abc", 100);
	check_absent(m, "b", 100);
	memtable_unref(m);
}

static void
memtable__tells_what_it_holds(void **state)
{
	struct memtable *m = new_memtable();
	size_t before;

	(void)state;
	check_eq(memtable_count(m), 0);
	check_eq(memtable_bytes(m), 0);
	check_eq(memtable_first_seq(m), 0);
	check_eq(memtable_last_seq(m), 0);
	put(m, 4, "k", "v");
	del(m, 5, "k");
	check_eq(memtable_count(m), 2);
	check_eq(memtable_first_seq(m), 4);
	check_eq(memtable_last_seq(m), 5);
	before = memtable_bytes(m);
	check_le(2 * (1 + IKEY_TRAILER), before);
	check_ok(memtable_add(
	    m, 6, IKEY_KIND_PUT, bytes_str("big"), bytes_of(m, sizeof(*m))));
	check_le(before + sizeof(*m), memtable_bytes(m));
	check_le(
	    memtable_bytes(m), before + sizeof(*m) + 3 + SKIPLIST_OVERHEAD_MAX);
	memtable_unref(m);
	memtable_unref(NULL);
}

static void
memtable__iterates_both_ways(void **state)
{
	struct memtable *m = new_memtable();
	const char *keys[] = {"d", "b", "a", "c", "e"};
	struct iter *it;
	uint8_t target[1 + IKEY_TRAILER] = "c";

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		put(m, i + 1, keys[i], keys[i]);
	check_ok(memtable_iter_open(m, &it));
	memtable_unref(m); /* the iterator holds it */

	check_eq(iter_first(it), 1);
	for (char c = 'a'; c <= 'e'; c++) {
		check_bytes_eq(ikey_user(it->key), bytes_of(&c, 1));
		check_bytes_eq(it->value, bytes_of(&c, 1));
		check_eq(iter_next(it), c < 'e');
	}
	check_eq(iter_last(it), 1);
	for (char c = 'e'; c >= 'a'; c--) {
		check_bytes_eq(ikey_user(it->key), bytes_of(&c, 1));
		check_eq(iter_prev(it), c > 'a');
	}
	wire_put_le64(target + 1, ikey_pack(IKEY_SEQ_MAX, IKEY_KIND_SEEK));
	check_eq(iter_seek(it, bytes_of(target, sizeof(target))), 1);
	check_bytes_eq(ikey_user(it->key), bytes_str("c"));
	check_eq(iter_prev(it), 1);
	check_bytes_eq(ikey_user(it->key), bytes_str("b"));
	check_eq(iter_next(it), 1);
	check_bytes_eq(ikey_user(it->key), bytes_str("c"));
	target[0] = 'z';
	check_eq(iter_seek(it, bytes_of(target, sizeof(target))), 0);
	iter_close(it);
}

static void
memtable__empty_iterator_has_no_entries(void **state)
{
	struct memtable *m = new_memtable();
	struct iter *it;

	(void)state;
	check_ok(memtable_iter_open(m, &it));
	check_eq(iter_first(it), 0);
	check_eq(iter_last(it), 0);
	iter_close(it);
	memtable_unref(m);
}

/* --- batches ---------------------------------------------------------------
 */

static void
memtable__applies_a_batch_in_order(void **state)
{
	struct memtable *m = new_memtable();
	struct lsm_batch *b = lsm_batch_new();

	(void)state;
	check_ok(lsm_batch_put(b, bytes_str("x"), bytes_str("1")));
	check_ok(lsm_batch_put(b, bytes_str("y"), bytes_str("2")));
	check_ok(lsm_batch_delete(b, bytes_str("x")));
	check_ok(memtable_apply(m, batch_payload(b), 10, NULL));
	check_get(m, "x", 10, 10, "1");
	check_get(m, "x", 12, 12, NULL);
	check_get(m, "y", 12, 11, "2");
	check_absent(m, "y", 10);
	check_eq(memtable_count(m), 3);
	check_eq(memtable_first_seq(m), 10);
	check_eq(memtable_last_seq(m), 12);
	lsm_batch_free(b);
	memtable_unref(m);
}

static void
memtable__keeps_an_expiry_in_front_of_the_value(void **state)
{
	struct memtable *m = new_memtable();
	struct lsm_batch *b = lsm_batch_new();
	struct memtable_entry e;
	struct value v;
	uint8_t target[1 + IKEY_TRAILER] = "x";

	(void)state;
	check_ok(lsm_batch_put_until(b, bytes_str("x"), bytes_str("1"), 77));
	check_ok(memtable_apply(m, batch_payload(b), 10, NULL));
	wire_put_le64(target + 1, ikey_pack(10, IKEY_KIND_SEEK));
	check_eq(memtable_get(m, bytes_of(target, sizeof(target)), &e), 1);
	check_eq(e.kind, IKEY_KIND_UNTIL);
	check_ok(value_decode(e.kind, e.value, &v));
	check_eq(v.expires_ms, 77);
	check_bytes_eq(v.bytes, bytes_str("1"));
	lsm_batch_free(b);
	memtable_unref(m);
}

static void
memtable__malformed_batch_is_an_error(void **state)
{
	struct memtable *m = new_memtable();
	struct lsm_batch *b = lsm_batch_new();
	struct bytes payload;

	(void)state;
	check_ok(lsm_batch_put(b, bytes_str("x"), bytes_str("1")));
	check_ok(lsm_batch_put(b, bytes_str("y"), bytes_str("2")));
	payload = batch_payload(b);
	for (size_t size = 0; size < payload.size; size++)
		check_err(memtable_apply(m, bytes_of(payload.data, size),
			      1 + 2 * size, NULL),
		    -EUCLEAN);
	lsm_batch_free(b);
	memtable_unref(m);
}

/* After a reservation no add asks malloc for anything, so none can fail. */
static void
memtable__reservation_suffices(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct memtable *m = new_memtable();
	uint8_t key[300] = {0};
	uint8_t *value = calloc(1, 600000);
	uint64_t seq = 1;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		uint32_t count = (uint32_t)check_rand_below(&r, 50);
		size_t sizes[50][2], bytes = 0, before;

		for (unsigned i = 0; i < count; i++) {
			sizes[i][0] = check_rand_below(&r, sizeof(key));
			sizes[i][1] = check_rand_below(
			    &r, check_rand_one_in(&r, 200) ? 600000 : 300);
			bytes += sizes[i][0] + sizes[i][1];
		}
		check_ok(memtable_reserve(m, bytes, count, 0));
		before = arena_bytes(&m->arena);
		for (unsigned i = 0; i < count; i++) {
			check_rand_fill(&r, key, sizes[i][0]);
			check_ok(memtable_add(m, seq++, IKEY_KIND_PUT,
			    bytes_of(key, sizes[i][0]),
			    bytes_of(value, sizes[i][1])));
		}
		check_eq(arena_bytes(&m->arena), before);
	}
	free(value);
	memtable_unref(m);
}

static void
memtable__reservation_without_memory_fails(void **state)
{
	struct memtable *m = new_memtable();

	(void)state;
	check_err(memtable_reserve(m, SIZE_MAX, 1, 0), -ENOMEM);
	check_err(memtable_reserve(m, SIZE_MAX / 2, UINT32_MAX, 0), -ENOMEM);
	put(m, 1, "k", "v");
	check_get(m, "k", 1, 1, "v");
	memtable_unref(m);
}

static void
memtable__filter_knows_every_key(void **state)
{
	struct memtable *m = memtable_new_sized(64u << 10, NULL), *none;
	unsigned passed = 0;
	char key[16];

	(void)state;
	check_true(m != NULL);
	check_eq(memtable_bytes(m), 0);
	put(m, 1, "", "empty");
	check_le(1024, memtable_bytes(m));
	for (uint64_t i = 2; i < 300; i++) {
		snprintf(key, sizeof(key), "k%" PRIu64, i);
		if (i % 2 == 0)
			put(m, i, key, "v");
		else
			del(m, i, key);
	}
	check_true(memtable_may_contain(m, hash_64(bytes_str(""), 0)));
	for (uint64_t i = 2; i < 300; i++) {
		snprintf(key, sizeof(key), "k%" PRIu64, i);
		check_true(memtable_may_contain(m, hash_64(bytes_str(key), 0)));
		snprintf(key, sizeof(key), "l%" PRIu64, i);
		passed += memtable_may_contain(m, hash_64(bytes_str(key), 0));
	}
	check_le(passed, 20);
	memtable_unref(m);

	none = new_memtable();
	check_true(memtable_may_contain(none, hash_64(bytes_str("k"), 0)));
	memtable_unref(none);
}

/* --- one writer, many readers ----------------------------------------------
 */

#define SHARED_BATCHES 2000

struct shared {
	struct memtable *memtable;
	_Atomic uint64_t published;
	atomic_bool wrong;
};

/* Each batch sets the keys a, b and c to the same number: whoever reads at a
 * published number finds them equal. */
static struct bytes
shared_value(struct shared *s, const char *key, uint64_t seq)
{
	struct memtable_entry e;

	if (get(s->memtable, bytes_str(key), seq, &e) != 1)
		return bytes_of(NULL, 0);
	return e.value;
}

static bool
shared_iterates(struct shared *s)
{
	struct iter *it;
	unsigned forward = 0, backward = 0;
	int rc;

	if (memtable_iter_open(s->memtable, &it))
		return false;
	for (rc = iter_first(it); rc > 0; rc = iter_next(it))
		if (ikey_user(it->key).data[0] == 'b')
			forward++;
	for (rc = iter_last(it); rc > 0; rc = iter_prev(it))
		if (ikey_user(it->key).data[0] == 'b')
			backward++;
	iter_close(it);
	return backward >= forward;
}

static void *
shared_read(void *arg)
{
	struct shared *s = arg;
	uint64_t seq = 0;

	while (seq < 3 * SHARED_BATCHES) {
		struct bytes a, b, c;

		seq = atomic_load_explicit(&s->published, memory_order_acquire);
		if (seq == 0)
			continue;
		a = shared_value(s, "a", seq);
		b = shared_value(s, "b", seq);
		c = shared_value(s, "c", seq);
		if (a.size == 0 || !bytes_eq(a, b) || !bytes_eq(b, c))
			atomic_store(&s->wrong, true);
		if (memtable_last_seq(s->memtable) < seq ||
		    memtable_count(s->memtable) < seq)
			atomic_store(&s->wrong, true);
	}
	for (unsigned i = 0; i < 3; i++)
		if (!shared_iterates(s))
			atomic_store(&s->wrong, true);
	memtable_unref(s->memtable);
	return NULL;
}

static void
memtable__readers_see_whole_batches(void **state)
{
	struct shared s = {.memtable = new_memtable()};
	struct lsm_batch *b = lsm_batch_new();
	pthread_t threads[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		memtable_ref(s.memtable);
		check_ok(pthread_create(&threads[i], NULL, shared_read, &s));
	}
	for (uint64_t i = 0; i < SHARED_BATCHES; i++) {
		struct bytes value = bytes_of(&i, sizeof(i));

		lsm_batch_clear(b);
		check_ok(lsm_batch_put(b, bytes_str("a"), value));
		check_ok(lsm_batch_put(b, bytes_str("b"), value));
		check_ok(lsm_batch_put(b, bytes_str("c"), value));
		check_ok(memtable_apply(
		    s.memtable, batch_payload(b), 1 + 3 * i, NULL));
		atomic_store_explicit(
		    &s.published, 3 + 3 * i, memory_order_release);
	}
	memtable_unref(s.memtable);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	check_false(atomic_load(&s.wrong));
	lsm_batch_free(b);
}

/* --- hints while others read ---------------------------------------------- */

#define HINTED_RANGES 64u
#define HINTED_ROUNDS 100u

/* Of each range of four keys the second came back, with a number above that of
 * the hints. */
struct hinted {
	_Atomic(struct memtable *) memtable;
	_Atomic unsigned rounds; /* that the reader is through with */
};

static struct bytes
hinted_key(char *room, unsigned i)
{
	snprintf(room, 5, "%04u", i);
	return bytes_of(room, 4);
}

static bool
hinted_is_seen(struct memranges_look *look, unsigned range)
{
	struct ranges_cover c;
	char room[5];

	memranges_at(look, hinted_key(room, 4 * range), IKEY_SEQ_MAX, &c);
	return c.seq > 0;
}

static void
hinted_check(const struct memranges_look *look, unsigned range, struct buf *b)
{
	struct bytes found;
	char room[5];

	buf_clear(b);
	check_ok(
	    ikey_append(b, hinted_key(room, 4 * range), 0, IKEY_KIND_DELETE));
	check_eq(
	    memranges_next_newer(look, buf_bytes(b), 4 * HINTED_RANGES, &found),
	    1);
	check_bytes_eq(found, hinted_key(room, 4 * range + 1));
}

/* How many of the hints are seen. */
static unsigned
hinted_look(const struct memtable *m, struct buf *b)
{
	struct memranges_look look;
	unsigned seen = 0;

	if (!memranges_any(&m->ranges))
		return 0;
	memranges_take_look(&m->ranges, &look);
	for (unsigned i = 0; i < HINTED_RANGES; i++) {
		if (!hinted_is_seen(&look, i))
			continue;
		hinted_check(&look, i, b);
		seen++;
	}
	return seen;
}

static void *
hinted_read(void *arg)
{
	struct hinted *h = arg;
	struct buf b = {0};
	struct memtable *m;

	for (unsigned round = 0; round < HINTED_ROUNDS; round++) {
		while (!(m = atomic_exchange(&h->memtable, NULL)))
			;
		while (hinted_look(m, &b) < HINTED_RANGES)
			;
		atomic_store(&h->rounds, round + 1);
	}
	buf_fini(&b);
	return NULL;
}

static struct memtable *
hinted_memtable(struct buf *ranges)
{
	struct memtable *m = new_memtable();
	uint64_t seq = 1;
	char room[5];

	for (unsigned i = 0; i < 4 * HINTED_RANGES; i++)
		del(m, seq++, (const char *)hinted_key(room, i).data);
	for (unsigned i = 0; i < HINTED_RANGES; i++)
		put(m, seq++, (const char *)hinted_key(room, 4 * i + 1).data,
		    "back");
	buf_clear(ranges);
	for (unsigned i = 0; i < HINTED_RANGES; i++) {
		check_ok(buf_append_sized(ranges, hinted_key(room, 4 * i)));
		check_ok(buf_append_sized(ranges, hinted_key(room, 4 * i + 4)));
	}
	return m;
}

static void
memtable__who_sees_a_hint_sees_what_is_newer(void **state)
{
	struct hinted h = {.rounds = 0};
	struct buf ranges = {0};
	pthread_t thread;

	(void)state;
	check_ok(pthread_create(&thread, NULL, hinted_read, &h));
	for (unsigned round = 0; round < HINTED_ROUNDS; round++) {
		struct memtable *m = hinted_memtable(&ranges);
		const struct memtable_hints hints = {
		    4 * HINTED_RANGES, buf_bytes(&ranges), 4 * HINTED_RANGES};

		atomic_store(&h.memtable, m);
		while (atomic_load(&h.memtable))
			;
		check_eq(
		    memtable_add_hints(m, &hints, 5 * (uint64_t)HINTED_RANGES),
		    HINTED_RANGES);
		while (atomic_load(&h.rounds) <= round)
			;
		memtable_unref(m);
	}
	check_ok(pthread_join(thread, NULL));
	buf_fini(&ranges);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memtable__get_finds_the_newest_at_a_number),
	    cmocka_unit_test(memtable__tells_what_it_holds),
	    cmocka_unit_test(memtable__iterates_both_ways),
	    cmocka_unit_test(memtable__empty_iterator_has_no_entries),
	    cmocka_unit_test(memtable__applies_a_batch_in_order),
	    cmocka_unit_test(memtable__keeps_an_expiry_in_front_of_the_value),
	    cmocka_unit_test(memtable__malformed_batch_is_an_error),
	    cmocka_unit_test(memtable__reservation_suffices),
	    cmocka_unit_test(memtable__reservation_without_memory_fails),
	    cmocka_unit_test(memtable__filter_knows_every_key),
	    cmocka_unit_test(memtable__readers_see_whole_batches),
	    cmocka_unit_test(memtable__who_sees_a_hint_sees_what_is_newer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
