#include "engine/table/ranges.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/table/ikey.h"
#include "engine/table/ranges_build.h"
#include "tests/check.h"

/* Keys are numbers of two digits, a bound is one, END is none. */
#define KEYS  40
#define ITEMS 30
#define END   KEYS

struct item {
	unsigned begin, end;
	uint64_t seq, group;
};

struct model {
	struct item items[ITEMS];
	size_t count;
	struct ranges *r;
};

static struct bytes
key(unsigned n)
{
	static char text[KEYS + 1][3];

	if (n == END)
		return (struct bytes){NULL, 0};
	snprintf(text[n], sizeof(text[n]), "%02u", n);
	return n == 0 ? bytes_str("") : bytes_str(text[n]);
}

static void
build(struct model *m)
{
	struct ranges_build b = {0};

	for (size_t i = 0; i < m->count; i++)
		check_ok(ranges_build_add(&b, key(m->items[i].begin),
		    key(m->items[i].end), m->items[i].seq, m->items[i].group));
	check_ok(ranges_build_finish(&b, &m->r));
	ranges_build_fini(&b);
}

/* Numbers 1 to count, in random order; width: how far a range reaches. */
static void
make(struct model *m, struct check_rand *r, unsigned width, unsigned group)
{
	m->count = check_rand_below(r, ITEMS + 1);
	for (size_t i = 0; i < m->count; i++) {
		struct item *it = &m->items[i];
		size_t other = check_rand_below(r, i + 1);

		it->begin = (unsigned)check_rand_below(r, KEYS);
		it->end = it->begin + 1 + (unsigned)check_rand_below(r, width);
		if (it->end > END)
			it->end = END;
		it->seq = m->items[other].seq;
		m->items[other].seq = i + 1;
		if (other == i)
			it->seq = i + 1;
	}
	for (size_t i = 0; i < m->count; i++)
		m->items[i].group = m->items[i].seq / group;
	build(m);
}

/* Who reads at seq: the newest number that covers the key. */
static uint64_t
want(const struct model *m, unsigned k, uint64_t seq)
{
	uint64_t found = 0;

	for (size_t i = 0; i < m->count; i++) {
		const struct item *it = &m->items[i];

		if (it->begin <= k && k < it->end && it->seq <= seq &&
		    it->seq > found)
			found = it->seq;
	}
	return found;
}

/* Numbers come as in the model, and the cover holds as far as it says. */
static void
check_key(const struct model *m, const struct ranges *r, unsigned k,
    uint64_t seq, uint64_t expect)
{
	struct ranges_cover c;

	ranges_at(r, key(k), seq, &c);
	check_eq(c.seq, expect);
	check_true(bytes_cmp(c.begin, key(k)) <= 0);
	check_true(ranges_ends_behind(c.end, key(k)));
	for (unsigned other = 0; other < KEYS; other++)
		if (bytes_cmp(c.begin, key(other)) <= 0 &&
		    ranges_ends_behind(c.end, key(other)))
			check_eq(want(m, other, seq), expect);
}

static void
check_form(const struct ranges *r)
{
	size_t seqs = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct ranges_fragment *f = &r->fragments[i];

		check_true(ranges_ends_behind(f->end, f->begin));
		check_true(f->seq_count > 0);
		check_true(f->seqs[0] <= r->seq_max);
		check_true(f->seqs[f->seq_count - 1] >= r->seq_min);
		for (size_t j = 1; j < f->seq_count; j++)
			check_true(f->seqs[j - 1] > f->seqs[j]);
		if (i > 0)
			check_false(ranges_ends_behind(f[-1].end, f->begin) ||
				    f[-1].end.size == 0);
		/* Neighbours with the same numbers would be one. */
		if (i > 0 && bytes_eq(f[-1].end, f->begin))
			check_false(f[-1].seq_count == f->seq_count &&
				    memcmp(f[-1].seqs, f->seqs,
					f->seq_count * sizeof(*f->seqs)) == 0);
		seqs += f->seq_count;
	}
	check_eq(r->seq_count, seqs);
}

static void
ranges__answer_as_the_tombstones_one_by_one(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int n = 0; n < 300; n++) {
		struct model m;

		make(&m, &r, n % 3 ? 6 : KEYS, 1);
		check_form(m.r);
		for (unsigned k = 0; k < KEYS; k++)
			for (uint64_t seq = 0; seq <= ITEMS; seq++)
				check_key(&m, m.r, k, seq, want(&m, k, seq));
		ranges_free(m.r);
	}
}

/* Who reads between groups sees what there was; inside one nobody reads. */
static void
ranges__keep_the_newest_of_a_group(void **state)
{
	const unsigned group = 7;
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int n = 0; n < 100; n++) {
		struct model m;

		make(&m, &r, KEYS, group);
		check_form(m.r);
		for (unsigned k = 0; k < KEYS; k++)
			for (uint64_t seq = group - 1; seq < ITEMS + group;
			     seq += group)
				check_key(&m, m.r, k, seq, want(&m, k, seq));
		for (size_t i = 0; i < m.r->count; i++)
			check_le(
			    m.r->fragments[i].seq_count, ITEMS / group + 1);
		ranges_free(m.r);
	}
}

static void
ranges__of_nothing_cover_nothing(void **state)
{
	struct model m = {.count = 0};
	struct ranges_cover c;

	(void)state;
	build(&m);
	check_eq(m.r->count, 0);
	ranges_at(m.r, key(3), 9, &c);
	check_eq(c.seq, 0);
	check_eq(c.begin.size + c.end.size, 0);
	ranges_free(m.r);
	check_ok(ranges_decode((struct bytes){NULL, 0}, &m.r));
	check_eq(m.r->count, 0);
	ranges_free(m.r);
}

static void
ranges__are_found_at_or_behind_a_key(void **state)
{
	struct model m = {
	    .count = 3,
	    .items = {{10, 20, 1, 1}, {20, 25, 2, 2}, {30, END, 3, 3}},
	};

	(void)state;
	build(&m);
	check_eq(m.r->count, 3);
	check_eq(ranges_find(m.r, key(5)), 0);
	check_eq(ranges_find(m.r, key(19)), 0);
	check_eq(ranges_find(m.r, key(20)), 1);
	check_eq(ranges_find(m.r, key(25)), 2);
	check_eq(ranges_find(m.r, key(39)), 2);
	check_bytes_eq(m.r->fragments[1].begin, key(20));
	check_eq(m.r->fragments[2].end.size, 0);
	ranges_free(m.r);
}

/* Two sets together are as one of all tombstones. */
static void
ranges__of_sets_are_as_of_their_tombstones(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int n = 0; n < 50; n++) {
		struct ranges_build b = {0};
		struct ranges *both;
		struct model m, half;

		make(&m, &r, 9, 1);
		half = m;
		half.count = m.count / 2;
		build(&half);
		check_ok(ranges_build_add_all(&b, half.r));
		for (size_t i = half.count; i < m.count; i++)
			check_ok(ranges_build_add(&b, key(m.items[i].begin),
			    key(m.items[i].end), m.items[i].seq,
			    m.items[i].seq));
		check_ok(ranges_build_finish(&b, &both));
		for (unsigned k = 0; k < KEYS; k++)
			for (uint64_t seq = 0; seq <= ITEMS; seq++)
				check_key(&m, both, k, seq, want(&m, k, seq));
		ranges_build_fini(&b);
		ranges_free(both);
		ranges_free(half.r);
		ranges_free(m.r);
	}
}

/* --- as bytes ---------------------------------------------------------- */

static void
encode(const struct ranges *r, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < r->count; i++)
		check_ok(ranges_append(out, &r->fragments[i]));
}

static void
ranges__come_back_from_bytes(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf first = {0}, second = {0};

	(void)state;
	for (int n = 0; n < 200; n++) {
		struct ranges *back;
		struct model m;

		make(&m, &r, 9, 1);
		for (size_t i = 0; i < m.r->count; i += 2)
			m.r->fragments[i].clean = true;
		encode(m.r, &first);
		check_ok(ranges_decode(buf_bytes(&first), &back));
		check_form(back);
		check_eq(back->count, m.r->count);
		check_eq(back->seq_min, m.r->seq_min);
		check_eq(back->seq_max, m.r->seq_max);
		encode(back, &second);
		check_bytes_eq(buf_bytes(&second), buf_bytes(&first));
		ranges_free(back);
		ranges_free(m.r);
	}
	buf_fini(&first);
	buf_fini(&second);
}

/* Each: the bytes of fragments, and whether they may pass. */
static const struct {
	const char *bytes;
	size_t size;
	bool good;
} cases[] = {
#define CASE(s, good)                  \
	{                              \
		s, sizeof(s) - 1, good \
	}
    CASE("\1a\1b\2\5", true), CASE("\0\1b\2\5", true), CASE("\1a\0\2\5", true),
    CASE("\1a\1b\4\5\1", true), CASE("\1a\1b\5\5\1", true), /* clean */
    CASE("\1a\1b\2\5\1b\1c\2\6", true), CASE("\1a\1b\2\5\1b\0\2\6", true),
    CASE("\1a\1b\2", false), /* cut short */
    CASE("\1a\1b", false), CASE("\1a\2b", false),
    CASE("\1b\1a\2\5", false),                          /* begin behind end */
    CASE("\1a\1a\2\5", false), CASE("\1a\1b\0", false), /* no numbers */
    CASE("\1a\1b\1", false), CASE("\1a\1b\2\0", false), /* the number 0 */
    CASE("\1a\1b\4\5\0", false),                        /* twice */
    CASE("\1a\1b\4\5\5", false),                        /* down to 0 */
    CASE("\1a\1b\4\5\6", false),                        /* and below */
    CASE("\1a\1b\177\5", false), /* more numbers than bytes */
    CASE("\1a\1b\2\200\200\200\200\200\200\200\200\1", false), /* 2^56 */
    CASE("\1a\1c\2\5\1b\1d\2\6", false),                       /* overlap */
    CASE("\1c\1d\2\5\1a\1b\2\6", false), /* out of order */
    CASE("\1a\0\2\5\1b\1c\2\6", false),  /* behind the end of all */
#undef CASE
};

static void
ranges__malformed_bytes_are_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ranges *r = NULL;
		int err =
		    ranges_decode(bytes_of(cases[i].bytes, cases[i].size), &r);

		printf("case %zu\n", i);
		check_err(err, cases[i].good ? 0 : ERR_DAMAGED);
		check_eq(r != NULL, cases[i].good);
		ranges_free(r);
	}
}

/* Whatever the bytes are, what passes is in order. */
static void
ranges__any_bytes_are_read_safely(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf b = {0};
	unsigned good = 0;

	(void)state;
	for (int n = 0; n < 5000; n++) {
		struct ranges *back = NULL;
		struct model m;
		uint8_t *copy;

		make(&m, &r, 9, 1);
		encode(m.r, &b);
		ranges_free(m.r);
		if (b.size == 0)
			continue;
		b.data[check_rand_below(&r, b.size)] ^=
		    (uint8_t)(1u << check_rand_below(&r, 8));
		if (check_rand_one_in(&r, 3))
			b.size = check_rand_below(&r, b.size);
		/* To the byte, for sanitizers. */
		copy = malloc(b.size + !b.size);
		check_true(copy != NULL);
		if (b.size > 0)
			memcpy(copy, b.data, b.size);
		if (!ranges_decode(bytes_of(copy, b.size), &back)) {
			for (size_t i = 1; i < back->count; i++)
				check_true(bytes_cmp(back->fragments[i - 1].end,
					       back->fragments[i].begin) <= 0);
			check_true(back->seq_max <= IKEY_SEQ_MAX);
			good++;
		}
		ranges_free(back);
		free(copy);
	}
	check_le(10, good);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ranges__answer_as_the_tombstones_one_by_one),
	    cmocka_unit_test(ranges__keep_the_newest_of_a_group),
	    cmocka_unit_test(ranges__of_nothing_cover_nothing),
	    cmocka_unit_test(ranges__are_found_at_or_behind_a_key),
	    cmocka_unit_test(ranges__of_sets_are_as_of_their_tombstones),
	    cmocka_unit_test(ranges__come_back_from_bytes),
	    cmocka_unit_test(ranges__malformed_bytes_are_damage),
	    cmocka_unit_test(ranges__any_bytes_are_read_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
