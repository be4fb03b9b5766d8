#include "engine/db/pick.h"

#include "tests/check.h"
#include "tests/support/picks.h"
#include "tests/support/picture.h"

/* Tables have 100 entries: 25 are enough. */
static const struct {
	const char *version;
	uint64_t now_ms;
	const char *want; /* NULL: nothing to do */
} cases[] = {
    {"6:1:a-c 6:2:d-f", 500, NULL},
    {"6:1:a-c 6:2:d-f@25,100,200", 199, NULL},
    {"6:1:a-c 6:2:d-f@25,100,200", 200, "6>6: 2"},
    {"6:1:a-c 6:2:d-f@24,100,200", 200, NULL},
    {"6:1:a-c@100,1,1 6:2:d-f@100,1,1", 200, "6>6: 1"},
    /* in any level but 0, and after what is more urgent */
    {"5:1:a-c@100,1,1 6:2:x-z*20000", 200, "5>5: 1"},
    {"0:1:a-c@100,1,1", 200, NULL},
    {"0:1:a-c 0:2:a-c 0:3:a-c 0:4:a-c 0:5:a-c 6:6:a-c@100,1,1", 200,
	"0>6: 5 4 3 2 1 | 6"},
    {"5:1:a-c*1000 5:2:d-f*999 6:3:x-z@100,1,1*20000", 200, "6>6: 3"},
    {"5:1:a-c*1000 5:2:d-f*1001 6:3:x-z@100,1,1*20000", 200, "5>6: 1 move"},
};

static void
pick_expired__rewrites_tables_that_are_due(void **state)
{
	struct pick_scene scene = picks_scene(&picks_leveled);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct version *v = picture_version(cases[i].version);

		scene.version = v;
		scene.now_ms = cases[i].now_ms;
		picks_check(&scene, cases[i].want);
		version_unref(v);
	}
}

static void
pick_expired__leaves_alone_what_others_have(void **state)
{
	struct version *v =
	    picture_version("6:1:a-c@100,1,1 6:2:d-f@100,1,1 6:3:g-i@100,1,1");
	static const char *const want[] = {"6>6: 1", "6>6: 2", "6>6: 3", NULL};
	struct pick_scene scene = picks_scene(&picks_leveled);

	(void)state;
	scene.version = v;
	scene.now_ms = 200;
	picks_check_beside(&scene, want);
	version_unref(v);
}

static void
pick_expired__whole_level_takes_whatever_has_expired(void **state)
{
	struct version *v = picture_version(
	    "6:1:a-c 6:2:d-f@1,100,100 6:3:g-i 6:4:k-l@3,200,300 6:5:x-z");

	(void)state;
	picks_check_whole(v, 6, 99, NULL);
	picks_check_whole(v, 6, 199, "6>6: 2");
	picks_check_whole(v, 6, 200, "6>6: 2 3 4");
	version_unref(v);
}

/* A table that only moves keeps what has expired. */
static void
pick_expired__what_is_due_does_not_just_move(void **state)
{
	struct version *v = picture_version(
	    "0:4:a-c@50,100,100 0:3:d-f 0:2:g-i 0:1:k-l 6:5:x-z*5000");
	struct pick_scene scene = picks_scene(&picks_leveled);

	(void)state;
	scene.version = v;
	scene.now_ms = 99;
	picks_check(&scene, "0>6: 1 2 3 4 move");
	scene.now_ms = 100;
	picks_check(&scene, "0>6: 1 2 3 move");
	version_unref(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pick_expired__rewrites_tables_that_are_due),
	    cmocka_unit_test(pick_expired__leaves_alone_what_others_have),
	    cmocka_unit_test(
		pick_expired__whole_level_takes_whatever_has_expired),
	    cmocka_unit_test(pick_expired__what_is_due_does_not_just_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
