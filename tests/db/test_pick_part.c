#include "engine/db/pick_part.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/support/picks.h"
#include "tests/support/picture.h"

#define NOW_MS    200
#define PICKS_MAX 8

/* A level gone through, as if each compaction kept all that it read. */
static const struct {
	const char *version;
	unsigned level;
	const char *want[PICKS_MAX];
} walks[] = {
    {"", 6, {NULL}},
    {"5:1:a-c 6:2:d-f", 4, {NULL}},
    /* with what is below */
    {"4:1:a-c 4:2:d-f 4:3:x-z 6:4:b-e 6:5:f-g", 4,
	{"4>6: 1 | 4", "4>6: 2 | 4 5", "4>6: 3"}},
    /* the deepest level: what may become less */
    {"6:1:a-c", 6, {NULL}},
    {"6:1:a-c!1 6:2:d-f 6:3:g-i!1", 6, {"6>6: 1", "6>6: 3"}},
    {"6:1:a-c^1,19 6:2:d-f 6:3:g-i^50,31", 6, {"6>6: 1", "6>6: 3"}},
    {"6:1:a-c@1,200,300 6:2:d-f@1,201,300 6:3:g-i@1,100,300", 6,
	{"6>6: 1", "6>6: 3"}},
    /* where one ends that has not its last key, the next may begin */
    {"6:1:a-b~b-d 6:2:d-f!1 6:3:f1-g~g-k 6:4:~k-m 6:5:m-n!1", 6,
	{"6>6: 1", "6>6: 2", "6>6: 3", "6>6: 4", "6>6: 5"}},
    {"5:1:a-b~b-d 5:2:d-f 6:3:x-z", 5, {"5>6: 1", "5>6: 2"}},
    /* behind one without an end there is nothing */
    {"6:1:a-c!1 6:2:d-f~e-", 6, {"6>6: 1", "6>6: 2"}},
    {"6:1:a-c!1 6:2:~d-", 6, {"6>6: 1", "6>6: 2"}},
    {"5:1:a-c 5:2:~d- 6:3:x-z", 5, {"5>6: 1", "5>6: 2 | 3"}},
};

/* The span of the one table of the level, whose keys stay with the version. */
static struct span
span_of_input(const struct pick *p)
{
	check_eq(p->inputs[p->level].count, 1);
	return p->inputs[p->level].files[0]->span;
}

static void
check_walk(size_t at)
{
	struct version *v = picture_version(walks[at].version);
	struct span after;
	struct pick p;
	size_t n = 0;

	while (pick_part_next(
	    v, walks[at].level, n > 0 ? &after : NULL, NOW_MS, &p)) {
		check_le(n + 1, PICKS_MAX);
		check_true(walks[at].want[n] != NULL);
		check_str(picks_text(&p), walks[at].want[n++]);
		after = span_of_input(&p);
		pick_fini(&p);
	}
	check_true(walks[at].want[n] == NULL);
	version_unref(v);
}

static void
pick_part__each_table_has_its_turn_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		printf("case %zu\n", i);
		check_walk(i);
	}
}

/* Level 0, of which what is newest stays above all. */
static const struct {
	const char *version;
	const char *want;
} oldest[] = {
    {"", NULL},
    {"5:1:a-c 6:2:a-z!1", NULL},
    /* whatever its keys, with what is next below */
    {"0:8:a-c 0:9:a-z 0:7:d-f 5:1:a-d 5:2:e-h 6:3:a-z", "0>5: 7 | 1 2"},
    {"0:7:a-c 0:8:b-d 3:1:x-z 5:2:a-z", "0>3: 7"},
    {"0:7:a-c!1~c-k 0:8:b-d 4:1:c-d 4:2:j-k 4:3:k1-z", "0>4: 7 | 1 2"},
    {"0:7:~c- 5:1:a-b 5:2:d-e 5:3:y-z", "0>5: 7 | 2 3"},
    /* not beside those above it */
    {"0:7:a-c 0:8:b-d", "0>6: 7"},
    {"0:7:a-c!1", "0>6: 7"},
};

static void
pick_part__of_level_0_the_oldest_goes_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(oldest) / sizeof(oldest[0]); i++) {
		struct version *v = picture_version(oldest[i].version);
		struct pick p;

		printf("case %zu\n", i);
		check_eq(pick_part_oldest(v, &p), oldest[i].want != NULL);
		if (oldest[i].want) {
			check_str(picks_text(&p), oldest[i].want);
			pick_fini(&p);
		}
		version_unref(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pick_part__each_table_has_its_turn_once),
	    cmocka_unit_test(pick_part__of_level_0_the_oldest_goes_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
