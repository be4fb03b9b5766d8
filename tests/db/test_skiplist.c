/* The skip list against a sorted array, and read while it is written. */
#include "tests/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/db/skiplist.h"

struct model_entry {
	uint8_t ikey[80];
	size_t size;
	uint32_t value;
};

struct fixture {
	struct arena arena;
	struct skiplist list;
	struct model_entry *model; /* sorted when model_sort was called */
	size_t count;
};

static struct bytes
model_key(const struct model_entry *e)
{
	return bytes_of(e->ikey, e->size);
}

static int
by_ikey(const void *a, const void *b)
{
	return ikey_cmp(model_key(a), model_key(b));
}

static void
setup(struct fixture *f, size_t room)
{
	arena_init(&f->arena, 4096, NULL);
	check_ok(skiplist_init(&f->list, &f->arena));
	f->model = calloc(room, sizeof(*f->model));
	f->count = 0;
}

static void
teardown(struct fixture *f)
{
	free(f->model);
	arena_fini(&f->arena);
}

static void
insert(struct fixture *f, struct bytes user, uint64_t seq)
{
	struct model_entry *e = &f->model[f->count++];
	struct ikey key = {
	    user, seq, seq % 5 ? IKEY_KIND_PUT : IKEY_KIND_DELETE};
	size_t bytes = 0, before = arena_bytes(&f->arena);

	check_le(user.size + IKEY_TRAILER, sizeof(e->ikey));
	if (user.size > 0)
		memcpy(e->ikey, user.data, user.size);
	wire_put_le64(e->ikey + user.size, ikey_pack(seq, key.kind));
	e->size = user.size + IKEY_TRAILER;
	e->value = (uint32_t)seq;
	check_ok(skiplist_insert(
	    &f->list, &key, bytes_of(&e->value, sizeof(e->value)), &bytes));
	check_le(user.size + sizeof(e->value), bytes);
	check_le(bytes, user.size + sizeof(e->value) + SKIPLIST_OVERHEAD_MAX);
	check_le(before, arena_bytes(&f->arena));
}

/* Keys that often begin alike, are equal, or are empty. */
static struct bytes
random_key(struct check_rand *r, uint8_t *room)
{
	size_t size = check_rand_below(r, check_rand_one_in(r, 10) ? 60 : 9);

	for (size_t i = 0; i < size; i++)
		room[i] = check_rand_one_in(r, 30)
			      ? (uint8_t)check_rand(r)
			      : (uint8_t)("ab\0\xff"[check_rand_below(r, 4)]);
	return bytes_of(room, size);
}

static void
check_node(const struct skiplist_node *n, const struct model_entry *e)
{
	struct bytes key, value;

	check_true(n != NULL);
	skiplist_entry(n, &key, &value);
	check_bytes_eq(key, model_key(e));
	check_bytes_eq(skiplist_key(n), model_key(e));
	check_bytes_eq(value, bytes_of(&e->value, sizeof(e->value)));
}

/* The list holds exactly the model, forwards and backwards. */
static void
check_same(struct fixture *f)
{
	const struct skiplist_node *n = skiplist_first(&f->list);

	check_true(skiplist_check(&f->list));
	qsort(f->model, f->count, sizeof(*f->model), by_ikey);
	for (size_t i = 0; i < f->count; i++) {
		check_node(n, &f->model[i]);
		n = skiplist_next(n);
	}
	check_true(n == NULL);
	n = skiplist_last(&f->list);
	for (size_t i = f->count; i-- > 0;) {
		check_node(n, &f->model[i]);
		n = skiplist_before(&f->list, skiplist_key(n));
	}
	check_true(n == NULL);
}

/* Seeks of any target, between entries and at them. */
static void
check_seeks(struct fixture *f, struct check_rand *r, unsigned times)
{
	for (unsigned k = 0; k < times; k++) {
		uint8_t room[128];
		struct bytes user = random_key(r, room);
		uint64_t seq = check_rand_below(r, f->count + 10);
		struct bytes target;
		size_t i = 0;

		wire_put_le64(room + user.size,
		    ikey_pack(seq, check_rand_one_in(r, 2) ? IKEY_KIND_SEEK
							   : IKEY_KIND_PUT));
		target = bytes_of(room, user.size + IKEY_TRAILER);
		while (i < f->count &&
		       ikey_cmp(model_key(&f->model[i]), target) < 0)
			i++;
		if (i < f->count)
			check_node(
			    skiplist_seek(&f->list, target), &f->model[i]);
		else
			check_true(skiplist_seek(&f->list, target) == NULL);
		if (i > 0)
			check_node(skiplist_before(&f->list, target),
			    &f->model[i - 1]);
		else
			check_true(skiplist_before(&f->list, target) == NULL);
	}
}

static void
skiplist__empty_has_nothing(void **state)
{
	struct fixture f;
	uint8_t target[IKEY_TRAILER] = {0};

	(void)state;
	setup(&f, 1);
	check_true(skiplist_first(&f.list) == NULL);
	check_true(skiplist_last(&f.list) == NULL);
	check_true(skiplist_seek(&f.list, bytes_of(target, 8)) == NULL);
	check_true(skiplist_before(&f.list, bytes_of(target, 8)) == NULL);
	teardown(&f);
}

static void
skiplist__random_keys_match_a_sorted_array(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct fixture f;
		size_t count = 1 + check_rand_below(&r, 1000);

		setup(&f, count);
		for (uint64_t seq = 1; seq <= count; seq++) {
			uint8_t room[64];

			insert(&f, random_key(&r, room), seq);
		}
		check_same(&f);
		check_seeks(&f, &r, 200);
		teardown(&f);
	}
}

/* Streams of keys, each ascending or descending, woven into one another: what
 * the writer's hint is for, and what it must survive. */
static void
skiplist__woven_streams_match_a_sorted_array(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		struct fixture f;
		unsigned streams = 1 + (unsigned)check_rand_below(&r, 4);
		uint32_t at[4];
		int step[4];

		setup(&f, 600);
		for (unsigned i = 0; i < streams; i++) {
			at[i] = 100000;
			step[i] = (int)check_rand_below(&r, 3) - 1;
		}
		for (uint64_t seq = 1; seq <= 600; seq++) {
			unsigned s = (unsigned)check_rand_below(&r, streams);
			uint8_t key[5] = {(uint8_t)('a' + s), 0,
			    (uint8_t)(at[s] >> 16), (uint8_t)(at[s] >> 8),
			    (uint8_t)at[s]};

			insert(&f, bytes_of(key, sizeof(key)), seq);
			at[s] += (uint32_t)step[s];
		}
		check_same(&f);
		teardown(&f);
	}
}

/* It only looks. */
static void
skiplist__warming_changes_nothing(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint8_t rooms[SKIPLIST_WARM_MAX][80], room[60];
	struct bytes users[SKIPLIST_WARM_MAX];
	struct fixture f;

	(void)state;
	setup(&f, 3000);
	for (uint64_t seq = 1; seq <= 3000; seq++) {
		size_t count = check_rand_below(&r, SKIPLIST_WARM_MAX + 1);

		for (size_t i = 0; i < count; i++)
			users[i] = random_key(&r, rooms[i]);
		skiplist_warm(&f.list, users, count);
		insert(&f, random_key(&r, room), seq);
	}
	check_same(&f);
	teardown(&f);
}

static void
skiplist__versions_of_a_key_are_newest_first(void **state)
{
	struct fixture f;
	const struct skiplist_node *n;
	uint8_t target[3 + IKEY_TRAILER] = "key";

	(void)state;
	setup(&f, 100);
	for (uint64_t seq = 1; seq <= 100; seq++)
		insert(&f, bytes_str("key"), seq);
	n = skiplist_first(&f.list);
	for (uint64_t seq = 100; seq >= 1; seq--) {
		check_eq(ikey_trailer(skiplist_key(n)) >> 8, seq);
		wire_put_le64(target + 3, ikey_pack(seq, IKEY_KIND_SEEK));
		check_true(skiplist_seek(
			       &f.list, bytes_of(target, sizeof(target))) == n);
		n = skiplist_next(n);
	}
	check_true(n == NULL);
	teardown(&f);
}

static void
skiplist__without_memory_nothing_is_inserted(void **state)
{
	struct fixture f;
	struct ikey key = {bytes_str("big"), 9, IKEY_KIND_PUT};

	(void)state;
	setup(&f, 2);
	insert(&f, bytes_str("a"), 1);
	check_err(
	    skiplist_insert(&f.list, &key, bytes_of("", PTRDIFF_MAX), NULL),
	    -ENOMEM);
	insert(&f, bytes_str("z"), 2);
	check_same(&f);
	teardown(&f);
}

/* --- one writer, many readers ----------------------------------------------
 */

#define SHARED_KEYS  4000
#define SHARED_READS 3

struct shared {
	struct arena arena;
	struct skiplist list;
	uint32_t order[SHARED_KEYS + 1]; /* the user key inserted with seq i */
	_Atomic uint64_t published;
	atomic_bool wrong;
};

static void
shared_key(uint8_t *p, uint32_t user, uint64_t seq)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(user >> (24 - 8 * i));
	wire_put_le64(p + 4, ikey_pack(seq, IKEY_KIND_PUT));
}

/* Whether n is entry seq, whole. */
static bool
shared_entry_ok(
    const struct shared *s, const struct skiplist_node *n, uint64_t seq)
{
	uint8_t want[4 + IKEY_TRAILER];
	struct bytes key, value;

	if (!n)
		return false;
	shared_key(want, s->order[seq], seq);
	skiplist_entry(n, &key, &value);
	return bytes_eq(key, bytes_of(want, sizeof(want))) &&
	       bytes_eq(value, bytes_of(want, sizeof(want)));
}

/* Goes through the list one way; how many entries up to `published` it met,
 * or 0 if the order was wrong. */
static uint64_t
shared_walk(struct shared *s, bool forward, uint64_t published)
{
	const struct skiplist_node *n =
	    forward ? skiplist_first(&s->list) : skiplist_last(&s->list);
	struct bytes last = {NULL, 0};
	uint64_t met = 0;

	while (n) {
		struct bytes key = skiplist_key(n);
		uint64_t seq = ikey_trailer(key) >> 8;

		if (last.data && (ikey_cmp(last, key) < 0) != forward)
			return 0;
		if (!shared_entry_ok(s, n, seq))
			return 0;
		met += seq <= published;
		last = key;
		n = forward ? skiplist_next(n) : skiplist_before(&s->list, key);
	}
	return met;
}

static void *
shared_read(void *arg)
{
	struct shared *s = arg;
	struct check_rand r = check_rand_of((uint64_t)(uintptr_t)&r);
	uint64_t seq, published = 0;

	while (published < SHARED_KEYS) {
		uint8_t target[4 + IKEY_TRAILER];

		published =
		    atomic_load_explicit(&s->published, memory_order_acquire);
		if (published == 0)
			continue;
		for (unsigned i = 0; i < 200; i++) {
			seq = 1 + check_rand_below(&r, published);
			shared_key(target, s->order[seq], seq);
			if (!shared_entry_ok(s,
				skiplist_seek(
				    &s->list, bytes_of(target, sizeof(target))),
				seq))
				atomic_store(&s->wrong, true);
		}
		if (shared_walk(s, true, published) != published ||
		    shared_walk(s, false, published) != published)
			atomic_store(&s->wrong, true);
	}
	return NULL;
}

/* Half of the keys ascend, half come in any order. */
static void
shared_fill(struct shared *s, struct check_rand *r)
{
	for (uint32_t i = 1; i <= SHARED_KEYS; i++)
		s->order[i] = i % 2 ? i : (uint32_t)check_rand(r);
}

static void
skiplist__readers_see_all_that_is_published(void **state)
{
	static struct shared s;
	struct check_rand r = check_rand_of(check_seed());
	pthread_t threads[SHARED_READS];

	(void)state;
	arena_init(&s.arena, 65536, NULL);
	check_ok(skiplist_init(&s.list, &s.arena));
	shared_fill(&s, &r);
	for (unsigned i = 0; i < SHARED_READS; i++)
		check_ok(pthread_create(&threads[i], NULL, shared_read, &s));
	for (uint64_t seq = 1; seq <= SHARED_KEYS; seq++) {
		uint8_t ikey[4 + IKEY_TRAILER];
		struct ikey key = {bytes_of(ikey, 4), seq, IKEY_KIND_PUT};

		shared_key(ikey, s.order[seq], seq);
		check_ok(skiplist_insert(
		    &s.list, &key, bytes_of(ikey, sizeof(ikey)), NULL));
		atomic_store_explicit(&s.published, seq, memory_order_release);
	}
	for (unsigned i = 0; i < SHARED_READS; i++)
		pthread_join(threads[i], NULL);
	check_false(atomic_load(&s.wrong));
	check_eq(shared_walk(&s, true, SHARED_KEYS), SHARED_KEYS);
	arena_fini(&s.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(skiplist__empty_has_nothing),
	    cmocka_unit_test(skiplist__random_keys_match_a_sorted_array),
	    cmocka_unit_test(skiplist__woven_streams_match_a_sorted_array),
	    cmocka_unit_test(skiplist__warming_changes_nothing),
	    cmocka_unit_test(skiplist__versions_of_a_key_are_newest_first),
	    cmocka_unit_test(skiplist__without_memory_nothing_is_inserted),
	    cmocka_unit_test(skiplist__readers_see_all_that_is_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
