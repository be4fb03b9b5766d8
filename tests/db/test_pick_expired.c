#include "engine/db/pick.h"

#include "tests/check.h"
#include "tests/support/picks.h"
#include "tests/support/picture.h"

/* Tables have 100 entries: 25 are enough. */
static const struct lsm_options options = {
    .level0_tables = 4,
    .level_base_bytes = 1000,
    .table_bytes = 100,
};

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
check_next(struct pick_scene *scene, const char *want)
{
	struct pick p;
	int rc = pick_next(scene, &p);

	check_eq(rc, want != NULL);
	if (rc == 1) {
		check_str(picks_text(&p), want);
		pick_fini(&p);
	}
}

static void
pick_expired__rewrites_tables_that_are_due(void **state)
{
	struct pick_list none = TAILQ_HEAD_INITIALIZER(none);
	struct buf cursors[LSM_LEVELS] = {0};
	struct pick_scene scene = {
	    .options = &options, .running = &none, .cursors = cursors};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct version *v = picture_version(cases[i].version);

		scene.version = v;
		scene.now_ms = cases[i].now_ms;
		check_next(&scene, cases[i].want);
		version_unref(v);
	}
}

static void
pick_expired__leaves_alone_what_others_have(void **state)
{
	struct version *v =
	    picture_version("6:1:a-c@100,1,1 6:2:d-f@100,1,1 6:3:g-i@100,1,1");
	struct pick_list running = TAILQ_HEAD_INITIALIZER(running);
	struct buf cursors[LSM_LEVELS] = {0};
	struct pick_scene scene = {.version = v,
	    .options = &options,
	    .running = &running,
	    .cursors = cursors,
	    .now_ms = 200};
	struct pick first, second;

	(void)state;
	check_eq(pick_next(&scene, &first), 1);
	check_str(picks_text(&first), "6>6: 1");
	TAILQ_INSERT_TAIL(&running, &first, link);
	check_eq(pick_next(&scene, &second), 1);
	check_str(picks_text(&second), "6>6: 2");
	TAILQ_INSERT_TAIL(&running, &second, link);
	check_next(&scene, "6>6: 3");
	TAILQ_REMOVE(&running, &first, link);
	TAILQ_REMOVE(&running, &second, link);
	pick_fini(&first);
	pick_fini(&second);
	version_unref(v);
}

static void
pick_expired__whole_level_takes_whatever_has_expired(void **state)
{
	struct version *v = picture_version(
	    "6:1:a-c 6:2:d-f@1,100,100 6:3:g-i 6:4:k-l@3,200,300 6:5:x-z");
	struct pick p;

	(void)state;
	check_eq(pick_whole_level(v, 6, 99, &p), 0);
	check_eq(pick_whole_level(v, 6, 199, &p), 1);
	check_str(picks_text(&p), "6>6: 2");
	pick_fini(&p);
	check_eq(pick_whole_level(v, 6, 200, &p), 1);
	check_str(picks_text(&p), "6>6: 2 3 4");
	pick_fini(&p);
	version_unref(v);
}

/* A table that only moves keeps what has expired. */
static void
pick_expired__what_is_due_does_not_just_move(void **state)
{
	struct pick_list none = TAILQ_HEAD_INITIALIZER(none);
	struct buf cursors[LSM_LEVELS] = {0};
	struct version *v = picture_version(
	    "0:4:a-c@50,100,100 0:3:d-f 0:2:g-i 0:1:k-l 6:5:x-z*5000");
	struct pick_scene scene = {.version = v,
	    .options = &options,
	    .running = &none,
	    .cursors = cursors,
	    .now_ms = 99};

	(void)state;
	check_next(&scene, "0>6: 1 2 3 4 move");
	scene.now_ms = 100;
	check_next(&scene, "0>6: 1 2 3 move");
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
