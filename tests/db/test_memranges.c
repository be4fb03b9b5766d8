#include "engine/db/memranges.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"

#define KEYS 50
#define OPS  400

/* Tombstones (end > begin) and entries (end 0), each with the next number. */
struct op {
	unsigned begin, end;
};

struct model {
	struct memranges r;
	struct op ops[OPS + 1]; /* by number */
	uint64_t seq;           /* the last */
};

static struct bytes
key(unsigned n)
{
	static char text[KEYS + 1][3];

	if (n == KEYS)
		return (struct bytes){NULL, 0};
	if (text[n][0] == '\0')
		snprintf(text[n], sizeof(text[n]), "%02u", n);
	return bytes_str(text[n]);
}

static struct bytes
target(struct buf *b, unsigned n)
{
	buf_clear(b);
	check_ok(ikey_append(b, key(n), 0, IKEY_KIND_DELETE));
	return buf_bytes(b);
}

static void
step(struct model *m, struct check_rand *r)
{
	struct op *op = &m->ops[++m->seq];
	const struct ikey ikey = {
	    key((unsigned)check_rand_below(r, KEYS)), m->seq, IKEY_KIND_PUT};

	op->begin = (unsigned)check_rand_below(r, KEYS);
	op->end = 0;
	if (check_rand_one_in(r, 5)) {
		op->end = op->begin + 1 + (unsigned)check_rand_below(r, 15);
		if (op->end > KEYS)
			op->end = KEYS;
		check_ok(
		    memranges_add(&m->r, key(op->begin), key(op->end), m->seq));
		if (check_rand_one_in(r, 2))
			memranges_settle(&m->r);
		return;
	}
	op->begin = (unsigned)strtoul((const char *)ikey.user.data, NULL, 10);
	memranges_note(&m->r, &ikey);
}

static uint64_t
cover_of(const struct model *m, unsigned k, uint64_t at)
{
	while (at > 0 && !(m->ops[at].begin <= k && k < m->ops[at].end))
		at--;
	return at;
}

static bool
has_newer(const struct model *m, unsigned k, uint64_t seq)
{
	for (uint64_t i = seq + 1; i <= m->seq; i++)
		if (m->ops[i].end == 0 && m->ops[i].begin == k)
			return true;
	return false;
}

static void
check_cover(const struct model *m, struct memranges_look *l, uint64_t at)
{
	struct ranges_cover c;

	for (unsigned k = 0; k < KEYS; k++) {
		memranges_at(l, key(k), at, &c);
		check_eq(c.seq, cover_of(m, k, at));
		for (unsigned i = 0; i < KEYS; i++)
			if (bytes_cmp(c.begin, key(i)) <= 0 &&
			    ranges_ends_behind(c.end, key(i)))
				check_eq(cover_of(m, i, at), c.seq);
		check_true(ranges_ends_behind(c.end, key(k)));
	}
}

/* Under its tombstone a key with something newer is found from either side, if
 * nothing between is one; other keys may be found, too. */
static void
check_newer(const struct model *m, const struct memranges_look *l, unsigned k)
{
	uint64_t cover = cover_of(m, k, m->seq);
	struct buf b = {0};
	struct bytes found;
	int rc;

	if (cover == 0 || !has_newer(m, k, cover))
		return;
	for (unsigned from = 0; from < k; from++) {
		rc = memranges_next_newer(l, target(&b, from), cover, &found);
		check_eq(rc, 1);
		check_true(bytes_cmp(found, key(k)) <= 0);
		check_true(bytes_cmp(found, key(from)) > 0);
	}
	for (unsigned from = k; from < KEYS; from++) {
		rc = memranges_prev_newer(l, target(&b, from), cover, &found);
		check_eq(rc, 1);
		check_true(bytes_cmp(found, key(k)) >= 0);
		check_true(bytes_cmp(found, key(from)) <= 0);
	}
	buf_fini(&b);
}

static void
memranges__answer_as_the_tombstones_one_by_one(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int n = 0; n < 20; n++) {
		struct model m = {.seq = 0};
		struct memranges_look l;

		memranges_init(&m.r);
		check_false(memranges_any(&m.r));
		while (m.seq < OPS) {
			step(&m, &r);
			if (!memranges_any(&m.r) || check_rand_below(&r, 20))
				continue;
			memranges_take_look(&m.r, &l);
			check_cover(&m, &l, m.seq);
			check_cover(&m, &l, check_rand_below(&r, m.seq + 1));
			for (unsigned k = 0; k < KEYS; k++)
				check_newer(&m, &l, k);
		}
		memranges_fini(&m.r);
	}
}

/* Nothing stands in a list that is not behind the tombstone. */
static void
memranges__older_keys_are_passed_over(void **state)
{
	const struct ikey keys[] = {
	    {key(5), 1, IKEY_KIND_PUT}, {key(6), 3, IKEY_KIND_PUT},
	    {key(7), 5, IKEY_KIND_PUT},
	    {key(30), 6, IKEY_KIND_PUT}, /* under none */
	};
	struct memranges_look l;
	struct buf b = {0};
	struct bytes found;
	struct memranges r;

	(void)state;
	memranges_init(&r);
	memranges_note(&r, &keys[0]);
	check_ok(memranges_add(&r, key(0), key(20), 2));
	memranges_note(&r, &keys[1]);
	check_ok(memranges_add(&r, key(0), key(20), 4));
	memranges_note(&r, &keys[2]);
	memranges_note(&r, &keys[3]);
	memranges_take_look(&r, &l);
	check_eq(memranges_next_newer(&l, target(&b, 1), 2, &found), 1);
	check_bytes_eq(found, key(6));
	check_eq(memranges_next_newer(&l, target(&b, 1), 4, &found), 1);
	check_bytes_eq(found, key(7));
	check_eq(memranges_next_newer(&l, target(&b, 7), 4, &found), 0);
	check_eq(memranges_next_newer(&l, target(&b, 1), 5, &found), 0);
	check_eq(memranges_prev_newer(&l, target(&b, 19), 4, &found), 1);
	check_bytes_eq(found, key(7));
	check_eq(memranges_prev_newer(&l, target(&b, 6), 4, &found), 0);
	check_eq(memranges_prev_newer(&l, target(&b, 6), 2, &found), 1);
	check_bytes_eq(found, key(6));
	memranges_fini(&r);
	buf_fini(&b);
}

static void
memranges__a_look_does_not_change(void **state)
{
	struct memranges_look l;
	struct ranges_cover c;
	struct memranges r;

	(void)state;
	memranges_init(&r);
	check_ok(memranges_add(&r, key(5), key(10), 1));
	memranges_take_look(&r, &l);
	for (uint64_t seq = 2; seq < 200; seq++) {
		check_ok(memranges_add(&r, key(20), key(30), seq));
		memranges_settle(&r);
		memranges_at(&l, key(25), IKEY_SEQ_MAX, &c);
		check_eq(c.seq, 0);
		memranges_at(&l, key(7), IKEY_SEQ_MAX, &c);
		check_eq(c.seq, 1);
	}
	memranges_fini(&r);
}

static void
memranges__limits(void **state)
{
	struct memranges r;

	(void)state;
	memranges_init(&r);
	check_true(memranges_take(&r, 5000, 100u << 20));
	for (uint64_t seq = 1; seq <= 1000; seq++) {
		check_ok(memranges_add(&r, key(5), key(10), seq));
		memranges_settle(&r);
	}
	check_true(memranges_take(&r, 24, 100));
	check_false(memranges_take(&r, 25, 100));
	check_false(memranges_take(&r, 1, 1u << 20));
	/* All sets together stay small. */
	check_le(memranges_bytes(&r), 1u << 20);
	check_ok(memranges_reserve(&r, 500));
	memranges_fini(&r);
}

static void
memranges__want_hints_that_tell_something(void **state)
{
	struct memranges r;

	(void)state;
	memranges_init(&r);
	check_true(memranges_want_hint(&r, key(5), key(9), 1));
	check_ok(memranges_add(&r, key(5), key(9), 7));
	check_ok(memranges_add(&r, key(20), key(KEYS), 8));
	check_false(memranges_want_hint(&r, key(5), key(9), 7));
	check_false(memranges_want_hint(&r, key(6), key(8), 6));
	check_true(memranges_want_hint(&r, key(5), key(9), 8));
	check_true(memranges_want_hint(&r, key(5), key(10), 7));
	check_true(memranges_want_hint(&r, key(4), key(9), 7));
	check_true(memranges_want_hint(&r, key(5), key(KEYS), 7));
	check_false(memranges_want_hint(&r, key(30), key(KEYS), 8));
	check_false(memranges_want_hint(&r, key(30), key(40), 8));
	for (uint64_t seq = 9; r.count < 512; seq++)
		check_ok(memranges_add(&r, key(1), key(2), seq));
	check_false(memranges_want_hint(&r, key(10), key(12), 1000));
	memranges_fini(&r);
}

static void
memranges__what_is_staged_is_not_seen(void **state)
{
	const struct ikey newer = {key(7), 9, IKEY_KIND_PUT};
	struct memranges_look before, after;
	struct ranges_cover c;
	struct memranges r;
	struct buf b = {0};
	struct bytes found;

	(void)state;
	memranges_init(&r);
	check_ok(memranges_reserve(&r, 2));
	memranges_stage(&r, key(5), key(9), 8);
	memranges_stage(&r, key(20), key(KEYS), 8);
	check_eq(memranges_cover(&r, key(6), IKEY_SEQ_MAX), 0);
	check_false(memranges_want_hint(&r, key(5), key(9), 8));
	memranges_note(&r, &newer);
	memranges_take_look(&r, &before);
	memranges_publish(&r);
	memranges_take_look(&r, &after);
	memranges_at(&before, key(6), IKEY_SEQ_MAX, &c);
	check_eq(c.seq, 0);
	memranges_at(&after, key(6), IKEY_SEQ_MAX, &c);
	check_eq(c.seq, 8);
	memranges_at(&after, key(30), IKEY_SEQ_MAX, &c);
	check_eq(c.seq, 8);
	check_eq(memranges_next_newer(&after, target(&b, 5), 8, &found), 1);
	check_bytes_eq(found, key(7));
	memranges_publish(&r); /* nothing */
	check_eq(r.count, 2);
	buf_fini(&b);
	memranges_fini(&r);
}

static void
memranges__are_collected(void **state)
{
	struct ranges_build b = {0};
	struct memranges r;
	struct ranges *set;

	(void)state;
	memranges_init(&r);
	check_ok(memranges_collect(&r, &b));
	check_eq(b.count, 0);
	for (unsigned i = 0; i < 40; i++) {
		check_ok(memranges_add(&r, key(i), key(i + 1), i + 1));
		memranges_settle(&r);
	}
	check_ok(memranges_collect(&r, &b));
	check_ok(ranges_build_finish(&b, &set));
	check_eq(set->count, 40);
	for (unsigned i = 0; i < 40; i++)
		check_eq(set->fragments[i].seqs[0], i + 1);
	ranges_free(set);
	ranges_build_fini(&b);
	memranges_fini(&r);
}

/* --- threads ------------------------------------------------------------- */

struct shared {
	struct memranges r;
	_Atomic uint64_t published;
};

/* Number n covers keys n % KEYS to the next; each is there when it is
 * published. */
static void *
read_all(void *arg)
{
	struct shared *s = arg;
	struct memranges_look l;
	struct ranges_cover c;
	struct buf b = {0};
	struct bytes found;
	uint64_t seq = 0;

	while (seq < 1000) {
		seq = atomic_load_explicit(&s->published, memory_order_acquire);
		if (seq == 0)
			continue;
		check_true(memranges_any(&s->r));
		memranges_take_look(&s->r, &l);
		memranges_at(&l, key((unsigned)(seq % KEYS)), seq, &c);
		check_eq(c.seq, seq);
		check_eq(
		    memranges_next_newer(&l, target(&b, 0), seq / 2, &found),
		    1);
	}
	buf_fini(&b);
	return NULL;
}

static void
memranges__are_read_without_locks(void **state)
{
	struct shared *s = calloc(1, sizeof(*s));
	pthread_t threads[2];

	(void)state;
	for (unsigned i = 0; i <= KEYS; i++)
		key(i); /* the texts are shared */
	memranges_init(&s->r);
	for (int i = 0; i < 2; i++)
		check_ok(pthread_create(&threads[i], NULL, read_all, s));
	for (uint64_t seq = 1; seq <= 1000; seq++) {
		unsigned k = (unsigned)(seq % KEYS);
		const struct ikey noted = {key(k ? k : 1), seq, IKEY_KIND_PUT};

		check_ok(memranges_add(&s->r, key(k), key(k + 1), seq));
		if (k == 0)
			check_ok(memranges_add(&s->r, key(1), key(2), seq));
		memranges_note(&s->r, &noted);
		memranges_settle(&s->r);
		atomic_store_explicit(&s->published, seq, memory_order_release);
	}
	for (int i = 0; i < 2; i++)
		check_ok(pthread_join(threads[i], NULL));
	memranges_fini(&s->r);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memranges__answer_as_the_tombstones_one_by_one),
	    cmocka_unit_test(memranges__older_keys_are_passed_over),
	    cmocka_unit_test(memranges__a_look_does_not_change),
	    cmocka_unit_test(memranges__limits),
	    cmocka_unit_test(memranges__want_hints_that_tell_something),
	    cmocka_unit_test(memranges__what_is_staged_is_not_seen),
	    cmocka_unit_test(memranges__are_collected),
	    cmocka_unit_test(memranges__are_read_without_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
