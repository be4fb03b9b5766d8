#include "engine/db/compact_cut.h"

#include <stdio.h>

#include "engine/db/pick_inputs.h"
#include "tests/check.h"
#include "tests/support/picture.h"

static const struct {
	const char *inputs;
	size_t count;
	const char *want; /* first keys of the pieces but the first */
} cases[] = {
    {"6:1:a-b 6:2:c-d 6:3:e-f 6:4:g-h", 1, ""},
    {"6:1:a-b 6:2:c-d 6:3:e-f 6:4:g-h", 2, "e"},
    {"6:1:a-b 6:2:c-d 6:3:e-f 6:4:g-h", 3, "c g"},
    {"6:1:a-b 6:2:c-d 6:3:e-f 6:4:g-h", 4, "c e g"},
    {"6:1:a-b 6:2:c-d 6:3:e-f 6:4:g-h", 9, "c e g"},
    /* by their size */
    {"6:1:a-b*500 6:2:c-d 6:3:e-f 6:4:g-h", 2, "c"},
    {"6:1:a-b 6:2:c-d 6:3:e-f 6:4:g-h*900", 2, "g"},
    /* of the level that has most; level 0 and single tables are no help */
    {"5:1:a-b 5:2:c-d 6:3:b-e*300 6:4:f-h*300", 2, "f"},
    {"5:1:a-b*400 5:2:c-d*400 6:3:b-e*300 6:4:f-h*300", 2, "c"},
    {"0:1:a-b 0:2:c-d 6:3:e-f*999", 2, ""},
    {"0:1:a-b 0:2:c-d", 2, ""},
    {"0:9:a-z*9999 5:1:k-l*999 6:3:e-f 6:4:f1-z", 2, "f1"},
};

static const char *
cuts_of(const struct pick *p, size_t count)
{
	struct bytes cuts[COMPACT_CUT_MAX];
	size_t n = compact_cut(p, count, cuts), size = 0;
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size,
		    "%s%.*s", i ? " " : "", (int)cuts[i].size,
		    (const char *)cuts[i].data);
	return text;
}

static void
compact_cut__makes_pieces_of_the_same_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct version *v = picture_version(cases[i].inputs);
		struct pick p = {.output_level = LSM_LEVELS - 1};

		printf("case %zu\n", i);
		for (unsigned level = 0; level < LSM_LEVELS; level++)
			check_ok(pick_inputs_add(&p, level,
			    v->levels[level].files, v->levels[level].count));
		check_str(cuts_of(&p, cases[i].count), cases[i].want);
		pick_fini(&p);
		version_unref(v);
	}
}

static void
compact_cut__makes_not_more_than_there_is_room_for(void **state)
{
	struct pick p = {.output_level = LSM_LEVELS - 1};
	struct bytes cuts[COMPACT_CUT_MAX];
	struct version *v;
	char line[4096];
	size_t n = 0;

	(void)state;
	for (unsigned i = 100; i < 300; i++)
		n += (size_t)snprintf(
		    line + n, sizeof(line) - n, "6:%u:%u-%ua ", i, i, i);
	v = picture_version(line);
	check_ok(
	    pick_inputs_add(&p, 6, v->levels[6].files, v->levels[6].count));
	check_eq(compact_cut(&p, 1000, cuts), COMPACT_CUT_MAX);
	pick_fini(&p);
	version_unref(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compact_cut__makes_pieces_of_the_same_size),
	    cmocka_unit_test(
		compact_cut__makes_not_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
