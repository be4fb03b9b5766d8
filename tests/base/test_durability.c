#include "engine/base/durability.h"

#include <errno.h>
#include <stdio.h>

#include "tests/check.h"

static int
parse(const char *text, struct durability *d, char *why)
{
	return durability_parse(bytes_str(text), d, why);
}

static void
durability__every_policy_comes_back_from_its_text(void **state)
{
	(void)state;
	for (int p = DURABILITY_NONE; p <= DURABILITY_SYNC; p++) {
		struct durability d = durability_of((enum durability_policy)p);
		struct durability back = durability_of(DURABILITY_NONE);
		char text[DURABILITY_TEXT_MAX];

		d.batch_ops = 7;
		d.batch_ms = 8;
		d.adaptive_ms = 9;
		durability_format(&d, text);
		check_ok(parse(text, &back, NULL));
		check_eq(back.policy, p);
		if (p == DURABILITY_BATCH) {
			check_str(text, "batch batch_ops=7 batch_ms=8");
			check_eq(back.batch_ops, 7);
			check_eq(back.batch_ms, 8);
		}
		if (p == DURABILITY_ADAPTIVE) {
			check_str(text, "adaptive adaptive_ms=9");
			check_eq(back.adaptive_ms, 9);
		}
	}
}

static void
durability__what_is_not_named_stays(void **state)
{
	struct durability d = durability_of(DURABILITY_BATCH);

	(void)state;
	check_ok(parse("batch_ops=5\n", &d, NULL));
	check_eq(d.policy, DURABILITY_BATCH);
	check_eq(d.batch_ops, 5);
	check_eq(d.batch_ms, 10);
	check_ok(parse(" durability=sync,adaptive_ms=60000 ", &d, NULL));
	check_eq(d.policy, DURABILITY_SYNC);
	check_eq(d.batch_ops, 5);
	check_eq(d.adaptive_ms, 60000);
}

static void
durability__nonsense_changes_nothing_and_says_what_is_allowed(void **state)
{
	static const char *const wrong[] = {"", "\n", "snyc", "Sync",
	    "sync twice", "batch batch_ops=0", "batch batch_ops=-1",
	    "batch batch_ops=", "batch_ops=1000001", "batch_ms=0",
	    "batch_ms=60001", "adaptive_ms=1e3",
	    "adaptive adaptive_ms=99999999999999999999999", "batch_ms=+5",
	    "durability=", "batch_opss=1", "\x1b[2J"};
	char why[DURABILITY_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct durability d = durability_of(DURABILITY_ADAPTIVE);

		why[0] = '\0';
		check_err(parse(wrong[i], &d, why), -EINVAL);
		check_eq(d.policy, DURABILITY_ADAPTIVE);
		check_eq(d.batch_ops, 100);
		check_eq(d.batch_ms, 10);
		check_eq(d.adaptive_ms, 10);
		check_contains(why, "allowed: ");
		check_true(strchr(why, '\x1b') == NULL);
	}
	check_contains(why, durability_allowed());
	check_str(durability_allowed(),
	    "sync, batch, adaptive or none, batch_ops=1..1000000, "
	    "batch_ms=1..60000, adaptive_ms=1..60000");
}

static void
durability__a_good_word_before_a_wrong_one_changes_nothing(void **state)
{
	struct durability d = durability_of(DURABILITY_NONE);
	char why[DURABILITY_ERROR_MAX];

	(void)state;
	check_err(parse("sync batch_ms=0", &d, why), -EINVAL);
	check_eq(d.policy, DURABILITY_NONE);
	check_contains(why, "batch_ms=1..60000");
}

static void
durability__a_word_without_end_fits_the_message(void **state)
{
	struct durability d = durability_of(DURABILITY_NONE);
	char word[5000], why[DURABILITY_ERROR_MAX];

	(void)state;
	memset(word, 'x', sizeof(word));
	check_err(
	    durability_parse(bytes_of(word, sizeof(word)), &d, why), -EINVAL);
	check_contains(why, "allowed: ");
	check_contains(why, "adaptive_ms=1..60000");
}

static void
durability__valid_knows_the_limits(void **state)
{
	struct durability d = durability_of(DURABILITY_SYNC);

	(void)state;
	check_true(durability_valid(&d));
	d.batch_ops = 0;
	check_false(durability_valid(&d));
	d = durability_of(DURABILITY_SYNC);
	d.adaptive_ms = DURABILITY_MS_MAX + 1;
	check_false(durability_valid(&d));
	d = durability_of((enum durability_policy)4);
	check_false(durability_valid(&d));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(durability__every_policy_comes_back_from_its_text),
	    cmocka_unit_test(durability__what_is_not_named_stays),
	    cmocka_unit_test(
		durability__nonsense_changes_nothing_and_says_what_is_allowed),
	    cmocka_unit_test(
		durability__a_good_word_before_a_wrong_one_changes_nothing),
	    cmocka_unit_test(durability__a_word_without_end_fits_the_message),
	    cmocka_unit_test(durability__valid_knows_the_limits),
	};

	return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
