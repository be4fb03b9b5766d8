#include "tests/check.h"

#include <errno.h>
#include <string.h>

#include "fs/cli/lab_option.h"
#include "fs/cli/words.h"

/* Parses the words of a line as the command line is; they live until the next
 * line. */
static int
parse(const char *line, struct lab_option *o, char *why)
{
	static struct words w;

	words_fini(&w);
	check_ok(words_split(line, &w));
	return lab_option_parse(w.argc, w.argv, o, why);
}

static void
lab_option__without_words_everything_is_tried(void **state)
{
	char why[LAB_OPTION_ERROR_MAX];
	struct lab_option o;

	(void)state;
	check_ok(parse("lab", &o, why));
	check_eq(o.workload_count, 7);
	check_eq(o.policy_count, 4);
	check_eq(o.cuts, 5);
	check_eq(o.writers, 1);
	check_true(o.seconds > 0.49 && o.seconds < 0.51);
	for (unsigned i = 0; i < 6; i++)
		check_eq(lab_option_keep(&o, i), i % 3);
}

static void
lab_option__words_are_taken(void **state)
{
	char why[LAB_OPTION_ERROR_MAX];
	struct lab_option o;

	(void)state;
	check_ok(parse("lab --workload append,pair --workload pair --cuts 9 "
		       "--keep random --seed 18446744073709551615 "
		       "--seconds 1.5 --writers 4 --cut-after 77 "
		       "--sync-delay 3 --json --keep-store -v",
	    &o, why));
	check_eq(o.workload_count, 2);
	check_true(o.workloads[0] == &lab_append);
	check_true(o.workloads[1] == &lab_pair);
	check_eq(o.cuts, 9);
	check_eq(lab_option_keep(&o, 5), LAB_KEEP_RANDOM);
	check_eq(o.seed, UINT64_MAX);
	check_true(o.seconds > 1.49 && o.seconds < 1.51);
	check_eq(o.writers, 4);
	check_eq(o.cut_after, 77);
	check_eq(o.sync_delay_ms, 3);
	check_true(o.json && o.keep_store && o.verbose && !o.durable);
}

static void
lab_option__policies_take_colons_or_blanks(void **state)
{
	char why[LAB_OPTION_ERROR_MAX];
	struct lab_option o;

	(void)state;
	check_ok(parse("lab --policy sync,batch:batch_ops=7:batch_ms=3 "
		       "--policy 'adaptive adaptive_ms=20'",
	    &o, why));
	check_eq(o.policy_count, 3);
	check_eq(o.policies[0].policy, DURABILITY_SYNC);
	check_eq(o.policies[1].policy, DURABILITY_BATCH);
	check_eq(o.policies[1].batch_ops, 7);
	check_eq(o.policies[1].batch_ms, 3);
	check_eq(o.policies[2].adaptive_ms, 20);
}

static void
lab_option__a_script_is_alone_unless_workloads_are_named(void **state)
{
	char why[LAB_OPTION_ERROR_MAX];
	struct lab_option o;

	(void)state;
	check_ok(parse("lab --script /bin/true --durable", &o, why));
	check_eq(o.workload_count, 0);
	check_true(o.durable);
	check_ok(parse("lab --script x --workload create", &o, why));
	check_eq(o.workload_count, 1);
	check_str(o.script, "x");
}

static const struct {
	const char *line;
	const char *why; /* a part of the reason */
} wrong[] = {
    {"lab --cuts 0", "1 to 100000"},
    {"lab --cuts -1", "1 to 100000"},
    {"lab --cuts 1x", "--cuts 1x"},
    {"lab --cuts 100001", "1 to 100000"},
    {"lab --cuts ''", "1 to 100000"},
    {"lab --writers 65", "1 to 64"},
    {"lab --seed 18446744073709551616", "a number"},
    {"lab --seconds 0", "0.001"},
    {"lab --seconds nan", "0.001"},
    {"lab --seconds 1e9", "3600"},
    {"lab --cut-after 0", "1 to"},
    {"lab --sync-delay 10001", "10000"},
    {"lab --keep all", "none, random, prefix"},
    {"lab --workload foo", "append-fsync"},
    {"lab --workload ''", "no such workload"},
    {"lab --policy quick", "sync, batch, adaptive or none"},
    {"lab --policy batch:batch_ops=0", "batch_ops=1"},
    {"lab --policy ''", "sync, batch, adaptive or none"},
    {"lab --policy sync,sync,sync,sync,sync,sync,sync,sync,sync", "eight"},
    {"lab append", "no option"},
    {"lab --durable", "--script"},
};

static void
lab_option__wrong_words_are_refused_with_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char why[LAB_OPTION_ERROR_MAX];
		struct lab_option o = {.cuts = 77};

		check_err(parse(wrong[i].line, &o, why), -EINVAL);
		check_contains(why, wrong[i].why);
		check_eq(o.cuts, 77);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lab_option__without_words_everything_is_tried),
	    cmocka_unit_test(lab_option__words_are_taken),
	    cmocka_unit_test(lab_option__policies_take_colons_or_blanks),
	    cmocka_unit_test(
		lab_option__a_script_is_alone_unless_workloads_are_named),
	    cmocka_unit_test(lab_option__wrong_words_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
