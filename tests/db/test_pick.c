#include "engine/db/pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/support/picks.h"
#include "tests/support/picture.h"

static const struct {
	const char *version;
	const char *cursor; /* of every level */
	const char *want;   /* NULL: nothing to do */
} cases[] = {
    {"", "", NULL},
    {"0:1:a-c 0:2:a-c 0:3:a-c 5:4:a-c*1999 6:5:a-c*20000", "", NULL},

    /* level 0: the oldest and what overlaps it, directly or not */
    {"0:1:a-c 0:2:b-f 0:3:e-h 0:4:x-z", "", "0>6: 3 2 1"},
    {"0:1:a-c 0:2:x-z 0:3:m-o 0:4:a-a", "", "0>6: 4 1"},
    {"0:4:a-c 0:5:c-d 0:6:d-e 0:7:e-f", "", "0>6: 7 6 5 4"},
    {"0:7:a-c 0:6:c-d 0:5:d-e 0:4:e-f", "", "0>6: 7 6 5 4"},
    {"0:2:a-c 0:3:d-f 0:4:g-i 0:5:k-l 6:1:c-d", "", "0>6: 2 | 1"},
    {"0:4:c-e 0:5:c-e 0:6:c-e 0:7:c-e 6:1:a-b 6:2:b1-c 6:3:x-z", "",
	"0>6: 7 6 5 4 | 2"},
    /* into the base, or the first level with tables */
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 6:5:a-c*20000", "", "0>5: 4 3 2 1"},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 5:5:a-c*200 6:6:a-c*20000", "",
	"0>5: 4 3 2 1 | 5"},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 5:5:a-b*10 6:6:a-c*20000", "",
	"0>5: 4 3 2 1 | 5"},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 0:5:a-c 3:6:x-z*1 6:7:a-c*200", "",
	"0>3: 5 4 3 2 1"},

    /* level 0 waits for more, the more there is below, but not for ever */
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 6:9:a-c*399", "", "0>6: 4 3 2 1 | 9"},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 6:9:a-c*401", "", NULL},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 0:5:a-c 6:9:a-c*624", "",
	"0>6: 5 4 3 2 1 | 9"},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 0:5:a-c 6:9:a-c*626", "", NULL},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 0:5:a-c 0:6:a-c 0:7:a-c 6:9:a-c*9999", "",
	NULL},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 0:5:a-c 0:6:a-c 0:7:a-c 0:8:a-c"
     " 6:9:a-c*9999",
	"", "0>6: 8 7 6 5 4 3 2 1 | 9"},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 5:9:a-c*1999 6:5:a-c*20000", "", NULL},
    /* only what it would meet counts */
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 6:8:c-d*300 6:9:e-f*9000", "",
	"0>6: 4 3 2 1 | 8"},

    /* the worst level first; of equals the upper one */
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 5:5:a-c*3000 6:6:c-z*20000", "",
	"5>6: 5 | 6"},
    {"0:1:a-c*600 0:2:a-c*600 0:3:a-c*600 0:4:a-c*600 5:5:a-c*2000"
     " 6:6:c-z*20000",
	"", "0>5: 4 3 2 1 | 5"},
    {"6:1:a-c*99999999999", "", NULL},

    /* the least overlap for its size */
    {"5:1:a-c*1000 5:2:d-f*1200 6:3:a-c*100 6:4:d-e*300 6:9:z-z*20000", "",
	"5>6: 1 | 3"},
    {"5:1:a-c*1000 5:2:d-f*1200 6:3:a-c*100 6:4:d-e*100 6:9:z-z*20000", "",
	"5>6: 2 | 4"},
    {"5:1:a-m*1950 5:2:n-z*100 6:3:a-d 6:4:e-m*9990 6:5:m1-m2"
     " 6:6:m3-n*5 6:7:o-z*10000",
	"", "5>6: 1 | 3 4"},

    /* of equals the first behind the cursor, and round */
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*700 6:4:a-i*20000", "", "5>6: 1 2 3 | 4"},
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*700 6:4:a-b*7000 6:5:d-e*7000"
     " 6:6:g-h*7000",
	"", "5>6: 1 | 4"},
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*700 6:4:a-b*7000 6:5:d-e*7000"
     " 6:6:g-h*7000",
	"c", "5>6: 2 | 5"},
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*700 6:4:a-b*7000 6:5:d-e*7000"
     " 6:6:g-h*7000",
	"f", "5>6: 3 | 6"},
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*700 6:4:a-b*7000 6:5:d-e*7000"
     " 6:6:g-h*7000",
	"i", "5>6: 1 | 4"},

    /* neighbours that meet nothing else go along */
    {"5:1:a-b*700 5:2:c-d*700 5:3:e-f*700 6:4:b-c*14000 6:5:f-g*7000", "",
	"5>6: 3 | 5"},
    {"5:1:a-b*700 5:2:c-d*700 5:3:e-f*700 6:4:b-c*7000 6:5:f-g*14000", "",
	"5>6: 1 2 | 4"},
    {"5:1:a-b*70 5:2:c-d*70 5:3:e-f*2000 6:4:b-e*20000", "", "5>6: 1 2 3 | 4"},

    /* what overlaps nothing only moves, as deep as it can */
    {"0:1:a-c 0:2:d-f 0:3:g-i 0:4:k-l", "", "0>6: 1 2 3 4 move"},
    {"0:1:a-c 0:2:d-f 0:3:g-i 0:4:k-l 6:9:x-z*20000", "", "0>6: 1 2 3 4 move"},
    {"0:1:a-c 0:2:d-f 0:3:g-i 0:4:b-b 0:5:k-l 6:9:g-z*99", "", "0>6: 4 1"},
    {"0:1:d-f 0:2:a-c 0:3:g-i 0:4:b-b 0:5:k-l 6:9:g-i*99", "", "0>6: 1 5 move"},
    {"0:1:a-c 0:2:d-f 0:3:g-i 0:4:k-l 5:8:m-n 6:9:b-b*500 6:10:y-z*20000", "",
	"0>5: 1 2 3 4 move"},
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*700 6:4:x-z*20000", "", "5>6: 1 move"},
    /* not over what stands between two that overlap nothing */
    {"5:1:a-c*3000!1 5:2:g-i*3000!1 6:4:e-f*20000", "", "5>6: 1"},
    {"5:1:a-c*3000!1 5:2:g-i*3000!1 6:4:j-k*20000", "", "5>6: 1 2"},
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*2100 6:4:x-z*20000", "",
	"5>6: 1 2 3 move"},
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*2100 6:4:h-z*20000", "", "5>6: 1 2 move"},
    {"2:1:a-c 2:2:d-e 4:3:d-d", "", "2>6: 1 move"},
    {"2:1:a-c 2:2:d-e 4:3:d-d", "c", "2>3: 2 move"},

    /* no move to where the overlap below is too much */
    {"1:1:a-c*1000 3:2:a-c*1000", "", "1>2: 1 move"},
    {"1:1:a-c*1000 3:2:a-c*1001", "", "3>6: 2 move"},
    {"1:1:a-c*2000 3:2:a-c*1001", "", "1>2: 1"},
    {"1:1:a-c*2000 3:2:d-e*1001", "", "1>6: 1 move"},

    /* no move of deletes to where nothing older is */
    {"1:1:a-c*1000!1", "", "1>2: 1"},
    {"1:1:a-c*1000!1 4:2:a-a", "", "1>3: 1 move"},
    {"1:1:b-c*1000!1 4:2:a-a", "", "1>2: 1"},
    {"0:1:a-c 0:2:d-f!1 0:3:g-i 0:4:k-l", "", "0>6: 1 3 4 move"},

    /* what stands above the base goes down, but not before all else */
    {"4:1:a-c*10 6:2:a-c*20000", "", "4>5: 1"},
    {"4:1:a-c*10 5:2:a-b*10 6:3:c-c*20000", "", "4>5: 1 | 2"},
    {"0:4:a-c 0:5:a-c 0:6:a-c 0:7:a-c 0:8:a-c 4:1:a-c*10", "",
	"0>4: 8 7 6 5 4 | 1"},
};

static void
pick__next_takes_what_needs_it_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		printf("case %zu\n", i);
		picks_check_next(&picks_leveled, cases[i].version, "",
		    cases[i].cursor, cases[i].want);
	}
}

static const struct {
	const char *version;
	const char *running;
	const char *want;
} beside[] = {
    /* not what another has, nor anything between its keys */
    {"5:1:a-c*999 5:2:d-f*999 5:3:g-i*999 6:9:x-z*20000", "5>6:a-c",
	"5>6: 2 move"},
    {"5:1:a-c*999 5:2:d-f*999 5:3:g-i*999 6:9:x-z*20000", "5>6:a-f",
	"5>6: 3 move"},
    {"5:1:a-c*999 5:2:d-f*999 5:3:g-i*999 6:9:x-z*20000", "5>6:a-c 5>6:g-i",
	"5>6: 2 move"},
    {"5:1:a-c*999 5:2:d-f*999 5:3:g-i*999 6:9:x-z*20000", "5>6:a-i", NULL},
    {"5:1:a-c*999 5:2:d-f*999 5:3:g-i*999 6:9:x-z*20000", "5>6:a-d 5>6:f-i",
	NULL},
    /* what overlaps below counts, too */
    {"5:1:a-c*999 5:2:d-f*1500 6:3:b-e*20000", "5>6:f-z", "5>6: 1 | 3"},
    {"5:1:a-c*999 5:2:d-f*1500 6:3:b-e*20000", "5>6:e-z", NULL},
    {"4:1:a-c*999 4:2:d-f*500 5:3:c1-d 6:9:x-z*20000", "5>6:c1-d",
	"4>6: 1 move"},
    {"4:1:a-c*999 4:2:d-f*500 5:3:c-d 6:9:x-z*20000", "5>6:c-d", NULL},
    /* other levels do not matter, but a move may pass beside them */
    {"3:1:a-c*1500 6:9:x-z*20000", "4>5:a-c", NULL},
    {"3:1:a-c*1500 6:9:x-z*20000", "5>6:a-z 0>2:a-z", "3>4: 1 move"},
    {"4:1:a-c*15000 6:9:x-z*20000", "0>3:a-z", "4>6: 1 move"},
    {"4:1:a-c*15000 6:9:x-z*20000", "3>4:c-z", NULL},
    {"4:1:a-c*15000 6:9:x-z*20000", "0>5:c-z", NULL},
    /* nor what goes along with it */
    {"5:1:a-c*700 5:2:d-f*700 5:3:g-i*2100 6:4:x-z*20000", "5>6:g-i",
	"5>6: 1 2 move"},
    {"0:1:a-c 0:2:d-f 0:3:g-i 0:4:k-l", "0>6:d-f", "0>6: 1 move"},

    /* level 0: not through what is on its way */
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:d-e", "0>6:a-c", "0>6: 4 move"},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:c-e", "0>6:a-b", NULL},
    {"0:1:a-c 0:2:d-e 0:3:d-f 0:4:x-z", "0>6:a-b", "0>6: 3 2"},
    {"0:5:d-e 0:6:d-f 0:7:a-c 0:8:x-z 6:1:c-d", "0>6:a-c", "0>6: 8 move"},
    {"0:5:d-e 0:6:d-f 0:7:a-c 0:8:x-z 5:1:c-d 6:9:p-q*20000", "5>6:c-d",
	"0>6: 8 move"},

    /* who needs it most is not kept waiting by who needs it less */
    {"0:1:a-z 0:2:a-z 0:3:a-z 0:4:a-z 0:5:a-z 5:6:a-c*999 5:7:x-z*1100"
     " 6:9:a-z*20000",
	"5>6:d-d", NULL},
    {"0:1:a-z 0:2:a-z 0:3:a-z 0:4:a-z 5:6:a-c*999 5:7:x-z*1200"
     " 6:8:a-c*1000 6:9:x-z*20000",
	"5>6:d-d", "5>6: 6 | 8"},
    {"0:1:a-z 0:2:a-z 0:3:a-z 0:4:a-z 0:5:a-z 0:6:a-z 4:7:m-n*9"
     " 5:8:a-c*2000 6:9:a-z*20000",
	"4>5:m-n", NULL},
    {"0:1:a-z 0:2:a-z 0:3:a-z 0:4:a-z 0:5:a-z 3:7:m-n*9"
     " 5:8:a-c*2000 6:9:a-z*20000",
	"2>3:m-n", "5>6: 8 | 9"},
};

static void
pick__next_stays_away_from_those_that_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		printf("case %zu\n", i);
		picks_check_next(&picks_leveled, beside[i].version,
		    beside[i].running, "", beside[i].want);
	}
}

static const struct {
	const char *version;
	const char *want;
} idle[] = {
    {"", NULL},
    {"6:1:a-z*900", NULL},
    /* up to a seventh of the last level may stay above it */
    {"0:2:a-c 6:1:a-z*700", NULL},
    {"0:2:a-c 6:1:a-z*699", "0>6: 2 | 1"},
    {"0:4:a-c 0:3:b-d 6:1:a-z*999", "0>6: 4 3 | 1"},
    {"0:5:a-c*900 5:4:a-c*1000 5:3:d-f*1100 6:1:a-z*21010", NULL},
    {"0:5:a-c*902 5:4:a-c*1000 5:3:d-f*1100 6:1:a-z*21010", "0>5: 5 | 4"},
    {"0:2:a-c*100 6:1:x-z*90", "0>6: 2 move"},
    /* level 0 waits no longer */
    {"0:1:a-c 0:2:a-c 0:3:a-c 5:9:a-c*1900 6:5:a-c*20000", NULL},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 5:9:a-c*1900 6:5:a-c*20000",
	"0>5: 4 3 2 1 | 9"},
};

static void
pick__next_does_more_when_there_is_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		printf("case %zu\n", i);
		picks_check_idle(&picks_leveled, idle[i].version, idle[i].want);
	}
}

static const struct {
	const char *version;
	unsigned level;
	const char *want;
} whole[] = {
    {"", 0, NULL},
    {"0:1:a-c", 0, "0>6: 1"},
    {"0:1:a-c", 1, NULL},
    {"0:5:a-c 0:6:x-z 1:1:a-b 1:2:m-n 2:3:a-z", 0, "0>1: 6 5 | 1 2"},
    {"1:1:a-c 1:2:x-z 2:3:c-d 2:4:e-f 2:5:z-zz", 1, "1>2: 1 2 | 3 4 5"},
    {"1:1:b-c 2:2:a-a 2:3:c-d 2:4:e-f", 1, "1>2: 1 | 3"},
    /* over empty levels */
    {"0:5:a-c 3:1:b-d", 0, "0>3: 5 | 1"},
    {"2:5:a-c 6:1:b-d", 2, "2>6: 5 | 1"},
    /* the deepest: in place, if there are deletes */
    {"1:1:a-c", 1, NULL},
    {"1:1:a-c!2", 1, "1>1: 1"},
    {"1:1:a-c!2 2:2:x-z", 2, NULL},
    {"3:1:a-c 3:2:d-e!1 3:3:f-g 3:4:h-i!1 3:5:k-l", 3, "3>3: 2 3 4"},
    {"6:1:a-c!1 6:2:d-e", 6, "6>6: 1"},
    {"6:1:a-c 6:2:d-e!1", 6, "6>6: 2"},
    /* or what newer entries hide, whoever may see it */
    {"6:1:a-c 6:2:d-e^1,29 6:3:f-g 6:4:h-i!1 6:5:k-l", 6, "6>6: 2 3 4"},
    {"5:1:a-c^1,19 6:2:x-z", 6, NULL},
};

static void
pick__whole_level_goes_down_to_the_next_with_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		struct version *v = picture_version(whole[i].version);

		printf("case %zu\n", i);
		picks_check_whole(v, whole[i].level, 0, whole[i].want);
		version_unref(v);
	}
}

static void
pick__bytes_are_those_of_all_inputs(void **state)
{
	struct version *v = picture_version("1:1:a-c*70 2:2:a-b*30 2:3:x-y");
	struct pick p;

	(void)state;
	check_eq(pick_whole_level(v, 1, 0, &p), 1);
	check_eq(p.bytes, 100);
	pick_fini(&p);
	version_unref(v);
}

static void
pick__overlap_limit_does_not_overflow(void **state)
{
	struct lsm_options huge = {.table_bytes = SIZE_MAX};

	(void)state;
	check_eq(pick_overlap_limit(&picks_leveled), 1000);
	check_eq(pick_overlap_limit(&huge), UINT64_MAX);
}

/*
 * The promise of pick.h on random versions: what is left at the level has no
 * key in common with the inputs, nor has what is left at the output level, and
 * levels between are empty.
 */
static void
random_version(struct check_rand *r, char *line, size_t size)
{
	size_t n = 0;

	line[0] = '\0';
	for (unsigned level = 0, number = 100; level < LSM_LEVELS; level++) {
		unsigned key = 100;

		if (check_rand_one_in(r, 3))
			continue;
		for (uint64_t i = check_rand_below(r, 7); i > 0; i--) {
			unsigned first =
			    level ? key + (unsigned)check_rand_below(r, 40)
				  : 100 + (unsigned)check_rand_below(r, 200);
			unsigned last =
			    first + (unsigned)check_rand_below(r, 60);

			key = last + 1;
			n += (size_t)snprintf(line + n, size - n,
			    "%u:%u:%u-%u*%u!%u ", level, number--, first, last,
			    1 + (unsigned)check_rand_below(r, 900),
			    (unsigned)check_rand_below(r, 2) *
				(unsigned)check_rand_below(r, 101));
		}
	}
}

static bool
is_input(const struct pick *p, unsigned level, const struct version_file *f)
{
	for (size_t i = 0; i < p->inputs[level].count; i++)
		if (p->inputs[level].files[i] == f)
			return true;
	return false;
}

/* Inputs of this level and of those above. */
static bool
meets_inputs(const struct pick *p, unsigned level, const struct version_file *f)
{
	for (unsigned i = 0; i <= level; i++)
		for (size_t j = 0; j < p->inputs[i].count; j++) {
			struct span s = span_of(p->inputs[i].files[j]);

			if (span_meets(&s, f))
				return true;
		}
	return false;
}

/* An output may reach from the first key to the last. */
static void
check_room(const struct version *v, const struct pick *p)
{
	const struct version_level *l = &v->levels[p->output_level];

	for (size_t i = 0; i < l->count; i++)
		check_true(is_input(p, p->output_level, l->files[i]) ||
			   !span_meets(&p->span, l->files[i]));
}

static void
check_promise(const struct version *v, const struct pick *p)
{
	if (!p->trivial)
		check_room(v, p);
	check_le(1, p->inputs[p->level].count);
	for (unsigned i = p->level; i <= p->output_level; i++) {
		for (size_t j = 0; j < v->levels[i].count; j++) {
			const struct version_file *f = v->levels[i].files[j];

			check_true(is_input(p, i, f) || !meets_inputs(p, i, f));
		}
	}
}

static bool
are_apart(const struct pick *p, const struct pick *q)
{
	return p->output_level < q->level || q->output_level < p->level ||
	       !span_meet(&p->span, &q->span);
}

/* As many as can run at once; returns their number. */
static size_t
pick_all(const struct pick_scene *scene, struct pick_list *running)
{
	size_t n = 0;

	for (;; n++) {
		struct pick *p = malloc(sizeof(*p));
		struct pick *q;

		check_true(p != NULL);
		if (pick_next(scene, p) != 1) {
			free(p);
			return n;
		}
		check_promise(scene->version, p);
		TAILQ_FOREACH (q, running, link)
			check_true(are_apart(p, q));
		TAILQ_INSERT_TAIL(running, p, link);
	}
}

static void
free_all(struct pick_list *running)
{
	struct pick *p;

	while ((p = TAILQ_FIRST(running))) {
		TAILQ_REMOVE(running, p, link);
		pick_fini(p);
		free(p);
	}
}

static void
pick__inputs_leave_nothing_behind_that_they_share_keys_with(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct lsm_options any = picks_leveled;
	size_t picks = 0, beside_others = 0;
	char line[4096];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct pick_list running = TAILQ_HEAD_INITIALIZER(running);
		struct pick_scene scene = picks_scene(&any);
		struct version *v;
		struct pick p;
		size_t n;

		scene.running = &running;
		scene.oldest_seq = check_rand_below(&r, 1100);
		scene.idle = check_rand_one_in(&r, 2);
		any.compaction_style = check_rand_one_in(&r, 2)
					   ? LSM_COMPACTION_LAZY
					   : LSM_COMPACTION_LEVELED;
		random_version(&r, line, sizeof(line));
		v = picture_version(line);
		scene.version = v;
		n = pick_all(&scene, &running);
		picks += n > 0;
		beside_others += n > 1;
		free_all(&running);
		if (pick_whole_level(v, (unsigned)i % LSM_LEVELS, 0, &p) == 1) {
			check_promise(v, &p);
			pick_fini(&p);
		}
		version_unref(v);
	}
	check_le(500, picks);
	check_le(50, beside_others);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pick__next_takes_what_needs_it_most),
	    cmocka_unit_test(pick__next_stays_away_from_those_that_run),
	    cmocka_unit_test(pick__next_does_more_when_there_is_time),
	    cmocka_unit_test(
		pick__whole_level_goes_down_to_the_next_with_tables),
	    cmocka_unit_test(pick__bytes_are_those_of_all_inputs),
	    cmocka_unit_test(pick__overlap_limit_does_not_overflow),
	    cmocka_unit_test(
		pick__inputs_leave_nothing_behind_that_they_share_keys_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
