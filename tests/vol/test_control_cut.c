/* The text that orders a power cut. */
#include "fs/vol/control_cut.h"

#include <errno.h>
#include <stdio.h>

#include "tests/check.h"

static const struct vol_cut none_named = {
    .after = 77, .seed = 5, .keep = VOL_CUT_RANDOM};

static void
control_cut__words_come_in_any_order(void **state)
{
	static const struct {
		const char *text;
		struct vol_cut how;
	} good[] = {
	    {"now", {0, 5, VOL_CUT_RANDOM}},
	    {" now\n", {0, 5, VOL_CUT_RANDOM}},
	    {"now keep=none", {0, 5, VOL_CUT_NONE}},
	    {"keep=prefix\tnow\r\n", {0, 5, VOL_CUT_PREFIX}},
	    {"keep=random  seed=9 now", {0, 9, VOL_CUT_RANDOM}},
	    {"after=1", {1, 5, VOL_CUT_RANDOM}},
	    {"seed=0 after=1000000000", {1000000000, 0, VOL_CUT_RANDOM}},
	    {"seed=18446744073709551615 now", {0, UINT64_MAX, VOL_CUT_RANDOM}},
	    {"after=007 keep=none seed=3", {7, 3, VOL_CUT_NONE}},
	};
	char why[CONTROL_CUT_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct vol_cut how = none_named;

		check_ok(control_cut_parse(bytes_str(good[i].text), &how, why));
		check_eq(how.after, good[i].how.after);
		check_eq(how.seed, good[i].how.seed);
		check_eq(how.keep, good[i].how.keep);
	}
}

static void
control_cut__nonsense_is_refused_and_says_what_is_allowed(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
	    {"", "it does not say when"},
	    {" \n", "it does not say when"},
	    {"seed=1", "it does not say when"},
	    {"keep=none", "it does not say when"},
	    {"seed=1 keep=none", "it does not say when"},
	    {"now after=1", "now and after=N exclude each other"},
	    {"after=1 now", "now and after=N exclude each other"},
	    {"now now", "'now' comes twice"},
	    {"after=1 after=2", "'after=2' comes twice"},
	    {"now keep=none keep=none", "'keep=none' comes twice"},
	    {"now seed=1 seed=1", "'seed=1' comes twice"},
	    {"after=0", "'after=0' is not allowed"},
	    {"after=-1", "'after=-1' is not allowed"},
	    {"after=+1", "'after=+1' is not allowed"},
	    {"after=", "'after=' is not allowed"},
	    {"after", "'after' is not allowed"},
	    {"after=1.5", "'after=1.5' is not allowed"},
	    {"after=0x10", "'after=0x10' is not allowed"},
	    {"after=1k", "'after=1k' is not allowed"},
	    {"after=1000000001", "'after=1000000001' is not allowed"},
	    {"after=18446744073709551617",
		"'after=18446744073709551617' is not allowed"},
	    {"now seed=18446744073709551616",
		"'seed=18446744073709551616' is not allowed"},
	    {"now seed=-1", "'seed=-1' is not allowed"},
	    {"now seed=", "'seed=' is not allowed"},
	    {"now keep=", "'keep=' is not allowed"},
	    {"now keep=all", "'keep=all' is not allowed"},
	    {"now keep=NONE", "'keep=NONE' is not allowed"},
	    {"Now", "'Now' is not allowed"},
	    {"now,keep=none", "'now,keep=none' is not allowed"},
	    {"now please", "'please' is not allowed"},
	    {"1", "'1' is not allowed"},
	    {"now \033[2J", "'?[2J' is not allowed"},
	    {"nooooooooooooooooooooooooooooooooooooooooooooooooow",
		"'noooooooooooooooooooooooooooooooooooooo' is not allowed"},
	};
	char why[CONTROL_CUT_ERROR_MAX], want[CONTROL_CUT_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vol_cut how = none_named;

		check_err(control_cut_parse(bytes_str(bad[i].text), &how, why),
		    -EINVAL);
		(void)snprintf(want, sizeof(want), "%s; allowed: %s",
		    bad[i].why, control_cut_allowed());
		check_str(why, want);
		check_eq(how.after, none_named.after);
		check_eq(how.seed, none_named.seed);
		check_eq(how.keep, none_named.keep);
	}
}

static void
control_cut__a_nul_is_no_word(void **state)
{
	struct vol_cut how = none_named;
	char why[CONTROL_CUT_ERROR_MAX];

	(void)state;
	check_err(control_cut_parse(bytes_of("now\0", 4), &how, why), -EINVAL);
	check_contains(why, "'now?' is not allowed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(control_cut__words_come_in_any_order),
	    cmocka_unit_test(
		control_cut__nonsense_is_refused_and_says_what_is_allowed),
	    cmocka_unit_test(control_cut__a_nul_is_no_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
