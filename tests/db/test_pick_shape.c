#include "engine/db/pick_shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/check.h"
#include "tests/support/picture.h"

/* "5 4=300 5=2000": where level 0 goes, and the targets from the base down. */
static const char *
text_of(const struct pick_shape *s)
{
	static char text[256];
	size_t n = (size_t)snprintf(text, sizeof(text), "%u", s->level0_output);

	for (unsigned i = 1; i < PICK_SHAPE_LAST; i++)
		if (s->targets[i] > 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    " %u=%" PRIu64, i, s->targets[i]);
	check_eq(s->targets[PICK_SHAPE_LAST], UINT64_MAX);
	return text;
}

static const struct {
	const char *version;
	const char *want;
} cases[] = {
    {"", "6"},
    {"0:1:a-c*999999", "6"},
    {"6:1:a-c*1", "6"},
    /* a level that would hold less than a compaction of level 0 is none */
    {"6:1:a-c*10009", "6"},
    {"6:1:a-c*10010", "5 5=1001"},
    {"6:1:a-c*59999", "5 5=5999"},
    {"6:1:a-c*200000", "4 4=4451 5=20000"},
    {"6:1:a-c*10000000", "2 2=5549 3=31344 4=177043 5=1000000"},
    /* there are not more levels than there are */
    {"6:1:a-c*999999999999999999", NULL},
    /* what is above the base has to be passed */
    {"4:1:a-c*5 6:2:a-c*20000", "4 5=2000"},
    {"1:1:a-c*5 6:2:a-c*20000", "1 5=2000"},
    {"5:1:a-c*5 6:2:a-c*10", "5"},
    /* the largest counts, wherever it is */
    {"2:1:a-c*20000", "2 5=2000"},
    {"5:1:a-c*30000 6:2:a-c*20000", "5 5=3000"},
};

static void
pick_shape__follows_from_the_largest_level(void **state)
{
	const struct lsm_options o = {.level_base_bytes = 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct version *v = picture_version(cases[i].version);
		struct pick_shape s = pick_shape_of(v, &o);

		printf("case %zu: %s\n", i, text_of(&s));
		if (cases[i].want)
			check_str(text_of(&s), cases[i].want);
		version_unref(v);
	}
}

/* From a tenth of the last level up to the base each is smaller by the same
 * factor, none smaller than the base's bytes. */
static void
pick_shape__levels_grow_evenly(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct lsm_options o = {0};
	char line[64];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint64_t last = 1 + (check_rand_below(&r, 1u << 30)
					<< check_rand_below(&r, 30));
		struct pick_shape s;
		struct version *v;

		o.level_base_bytes = check_rand_below(&r, 1u << 30);
		snprintf(line, sizeof(line), "6:1:a-c*%" PRIu64, last);
		v = picture_version(line);
		s = pick_shape_of(v, &o);
		version_unref(v);
		for (unsigned j = s.level0_output; j < PICK_SHAPE_LAST; j++) {
			check_le(o.level_base_bytes, s.targets[j]);
			if (j + 1 < PICK_SHAPE_LAST)
				check_le(s.targets[j], s.targets[j + 1]);
			else
				check_eq(s.targets[j], last / 10);
		}
		check_le(1, s.level0_output);
		check_true(s.level0_output == PICK_SHAPE_LAST ||
			   last / 10 > o.level_base_bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pick_shape__follows_from_the_largest_level),
	    cmocka_unit_test(pick_shape__levels_grow_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
