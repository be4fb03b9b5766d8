#include "engine/db/span.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/support/picture.h"

/* Keys are numbers of two digits; only even ones are bounds, so that there is
 * something between any two.  Spans begin below BEGINS. */
#define BEGINS 20
#define KEYS   (BEGINS + BEGINS / 2)

static struct bytes
key(unsigned n)
{
	static char text[KEYS][3];

	snprintf(text[n], sizeof(text[n]), "%02u", n);
	return bytes_str(text[n]);
}

static struct span
random_span(struct check_rand *r)
{
	unsigned first = (unsigned)check_rand_below(r, BEGINS / 2) * 2;
	unsigned more = (unsigned)check_rand_below(r, BEGINS / 4) * 2;
	struct span s = {key(first), key(first + more), SPAN_INCLUDED};

	if (check_rand_one_in(r, 8))
		s = (struct span){s.first, {NULL, 0}, SPAN_OPEN};
	else if (more > 0 && check_rand_one_in(r, 2))
		s.end = SPAN_EXCLUDED;
	return s;
}

/* By definition. */
static bool
holds(const struct span *s, unsigned k)
{
	int c;

	if (bytes_cmp(key(k), s->first) < 0)
		return false;
	if (s->end == SPAN_OPEN)
		return true;
	c = bytes_cmp(key(k), s->last);
	return c < 0 || (c == 0 && s->end == SPAN_INCLUDED);
}

static void
check_pair(const struct span *a, const struct span *b)
{
	bool meet = false, before = true;

	for (unsigned k = 0; k < KEYS; k++) {
		meet |= holds(a, k) && holds(b, k);
		for (unsigned j = 0; j <= k; j++)
			before &= !(holds(a, k) && holds(b, j));
	}
	/* Keys behind the last one there is here. */
	if (a->end == SPAN_OPEN && b->end == SPAN_OPEN)
		meet = true;
	if (a->end == SPAN_OPEN)
		before = false;
	check_eq(span_meet(a, b), meet);
	check_eq(span_before(a, b), before);
}

static void
span__relations_are_those_of_their_keys(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct span a = random_span(&r), b = random_span(&r), both = a;

		check_pair(&a, &b);
		for (unsigned k = 0; k < KEYS; k++) {
			check_eq(!span_begins_behind(&a, key(k)) &&
				     !span_ends_before(&a, key(k)),
			    holds(&a, k));
			span_extend(&both, &b);
			check_eq(holds(&both, k),
			    bytes_cmp(key(k), a.first) >= 0 &&
				(!span_ends_before(&a, key(k)) ||
				    !span_ends_before(&b, key(k))));
		}
	}
}

static const struct {
	const char *version;
	const char *want; /* the span of all */
} spans[] = {
    {"1:1:c-e", "c-e"},
    {"1:1:c-e~a-b", "a-e"},
    {"1:1:c-e~d-e", "c-e"},
    {"1:1:c-e~d-ee", "c-ee)"},
    {"1:1:c-e~b-", "b-"},
    {"1:1:~b-d", "b-d)"},
    {"1:1:c-e 1:2:m-p", "c-p"},
    {"1:1:c-e 1:2:~e1-p", "c-p)"},
    {"0:1:c-p 0:2:~c-p", "c-p"},
    {"0:1:c-p 0:2:~a-", "a-"},
};

static void
span__of_files_holds_all_of_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct version *v = picture_version(spans[i].version);
		const struct version_level *l = &v->levels[0];
		struct span s;
		char text[64];

		if (l->count == 0)
			l = &v->levels[1];
		s = span_of_files(l->files, l->count);
		snprintf(text, sizeof(text), "%.*s-%.*s%s", (int)s.first.size,
		    (const char *)s.first.data, (int)s.last.size,
		    s.last.size ? (const char *)s.last.data : "",
		    s.end == SPAN_EXCLUDED ? ")" : "");
		check_str(text, spans[i].want);
		version_unref(v);
	}
}

static const struct {
	const char *first, *last;
	enum span_end end;
	size_t from, to;
} overlaps[] = {
    {"a", "b", SPAN_INCLUDED, 0, 0},
    {"a", "c", SPAN_INCLUDED, 0, 1},
    {"a", "c", SPAN_EXCLUDED, 0, 0},
    {"d", "f", SPAN_EXCLUDED, 0, 1},
    {"e", "f", SPAN_EXCLUDED, 1, 1},
    {"e", "f", SPAN_INCLUDED, 1, 2},
    {"k", "p", SPAN_EXCLUDED, 1, 2},
    {"l", "x", SPAN_INCLUDED, 2, 3},
    {"a", "", SPAN_OPEN, 0, 3},
    {"zz", "", SPAN_OPEN, 2, 3},
};

static void
span__overlap_knows_ends_that_are_not_in(void **state)
{
	struct version *v = picture_version("1:1:~c-e 1:2:f-k 1:3:~p-");
	size_t first, end;

	(void)state;
	for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
		const struct span s = {bytes_str(overlaps[i].first),
		    bytes_str(overlaps[i].last), overlaps[i].end};

		printf("case %zu\n", i);
		span_overlap(v, 1, &s, &first, &end);
		check_eq(first, overlaps[i].from);
		check_eq(end, overlaps[i].to);
	}
	version_unref(v);
}

static void
span__is_held_by_a_level_and_those_below(void **state)
{
	struct version *v =
	    picture_version("0:9:c-e 0:8:d-k 2:3:f-k 6:1:a-b 6:2:p-r~r-t");
	static const struct {
		unsigned level;
		const char *first, *last;
		bool want;
	} cases[] = {
	    {0, "c", "c", true},
	    {0, "e", "e1", true},
	    {0, "k1", "o", false},
	    {1, "c", "e", false},
	    {2, "e", "f", true},
	    {3, "e", "o", false},
	    {3, "b", "c", true},
	    {6, "s", "s", true},
	    {6, "t", "u", false},
	    {LSM_LEVELS, "a", "z", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct span s = {bytes_str(cases[i].first),
		    bytes_str(cases[i].last), SPAN_INCLUDED};

		printf("case %zu\n", i);
		check_eq(span_is_held(v, cases[i].level, &s), cases[i].want);
	}
	version_unref(v);
}

static void
span__holds_keys_in_any_order(void **state)
{
	struct version *v =
	    picture_version("0:9:04-06 1:8:02-10 3:1:04-08 5:2:12-18");
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (unsigned level = 0; level < LSM_LEVELS; level++) {
		struct span_keys keys = {.version = v, .level = level};

		for (int i = 0; i < 200; i++) {
			unsigned k = (unsigned)check_rand_below(&r, KEYS);
			const struct span s = span_of_key(key(k));

			check_eq(span_holds_key(&keys, key(k)),
			    span_is_held(v, level, &s));
		}
	}
	version_unref(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(span__relations_are_those_of_their_keys),
	    cmocka_unit_test(span__of_files_holds_all_of_them),
	    cmocka_unit_test(span__overlap_knows_ends_that_are_not_in),
	    cmocka_unit_test(span__is_held_by_a_level_and_those_below),
	    cmocka_unit_test(span__holds_keys_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
