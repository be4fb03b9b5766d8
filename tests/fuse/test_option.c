/* Mount options. */
#include "fs/fuse/option.h"

#include <errno.h>

#include "tests/check.h"

static struct option o;
static struct buf why;

static int
parse(const char *text)
{
	int err;

	option_fini(&o);
	buf_clear(&why);
	err = option_parse(&o, text, &why);
	return err ? err : option_check(&o, &why);
}

static const char *
reason(void)
{
	check_ok(buf_append_u8(&why, 0));
	return (const char *)why.data;
}

static int
teardown(void **state)
{
	(void)state;
	option_fini(&o);
	buf_fini(&why);
	return 0;
}

static void
option__a_lab_is_asked_for(void **state)
{
	(void)state;
	check_ok(parse("durability=sync"));
	check_false(o.lab);
	check_ok(parse("lab"));
	check_true(o.lab);
	check_false(o.fsync_ignored);
	check_eq(o.sync_delay_ms, 0);
	check_ok(parse("sync_delay=60000,noatime,fsync=ignore,lab"));
	check_true(o.lab);
	check_true(o.fsync_ignored);
	check_eq(o.sync_delay_ms, 60000);
	check_str((const char *)o.kernel.data, "noatime");
}

static void
option__experiments_need_the_lab(void **state)
{
	(void)state;
	check_err(parse("fsync=ignore"), -EINVAL);
	check_str(reason(),
	    "mount option \"fsync=ignore\": for experiments only; it needs "
	    "the option lab beside it");
	check_err(parse("ro,sync_delay=5"), -EINVAL);
	check_contains(reason(), "\"sync_delay\": for experiments only");
	/* In two texts, as with two -o. */
	check_ok(option_parse(&o, "lab", &why));
	check_ok(option_check(&o, &why));
}

static void
option__nonsense_is_refused_and_says_what_is_allowed(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
	    {"lab=1", "unknown"},
	    {"lab,fsync=", "only fsync=ignore"},
	    {"lab,fsync=always", "only fsync=ignore"},
	    {"lab,sync_delay=", "milliseconds from 1 to 60000"},
	    {"lab,sync_delay=0", "milliseconds from 1 to 60000"},
	    {"lab,sync_delay=-1", "milliseconds from 1 to 60000"},
	    {"lab,sync_delay=+1", "milliseconds from 1 to 60000"},
	    {"lab,sync_delay=60001", "milliseconds from 1 to 60000"},
	    {"lab,sync_delay=1s", "milliseconds from 1 to 60000"},
	    {"lab,sync_delay=99999999999999999999",
		"milliseconds from 1 to 60000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check_err(parse(bad[i].text), -EINVAL);
		check_contains(reason(), bad[i].why);
	}
}

static void
option__sync_is_a_policy(void **state)
{
	static const char *const texts[] = {"sync", "dirsync", "ro,sync",
	    "sync,dirsync", "sync,durability=sync", "durability=sync,dirsync",
	    "sync,async,dirsync"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		check_ok(parse(texts[i]));
		check_true(durability_valid(&o.durability));
		check_eq(o.durability.policy, DURABILITY_SYNC);
	}
	/* mount(8) takes the last of these. */
	check_ok(parse("sync,noatime,async"));
	check_false(durability_valid(&o.durability));
	check_ok(parse("sync,async,durability=batch"));
	check_eq(o.durability.policy, DURABILITY_BATCH);
}

static void
option__sync_goes_with_no_other_policy(void **state)
{
	static const char *const texts[] = {
	    "sync,durability=none", "durability=batch,sync", "batch_ms=5,sync"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		check_err(parse(texts[i]), -EINVAL);
		check_str(reason(),
		    "mount option \"sync\": it means durability=sync; leave "
		    "out one of them");
	}
	check_err(parse("dirsync,durability=adaptive"), -EINVAL);
	check_contains(reason(), "\"dirsync\": it means durability=sync");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(option__a_lab_is_asked_for, teardown),
	    cmocka_unit_test_teardown(
		option__experiments_need_the_lab, teardown),
	    cmocka_unit_test_teardown(
		option__nonsense_is_refused_and_says_what_is_allowed, teardown),
	    cmocka_unit_test_teardown(option__sync_is_a_policy, teardown),
	    cmocka_unit_test_teardown(
		option__sync_goes_with_no_other_policy, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
