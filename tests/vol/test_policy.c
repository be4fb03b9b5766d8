/* Durability policies as words, and as lists of xattrs. */
#include "fs/vol/policy.h"

#include "fs/record/entry.h"
#include "tests/check.h"
#include "tests/support/policies.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
policy__comes_back_from_a_word(void **state)
{
	const char *texts[] = {POLICIES_SYNC, POLICIES_NONE, POLICIES_BATCH,
	    POLICIES_ADAPTIVE, "batch batch_ops=1000000 batch_ms=60000",
	    "batch batch_ops=1 batch_ms=1", "adaptive adaptive_ms=60000"};
	struct durability d;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct durability want = policies_of(texts[i]);

		check_ne(policy_pack(&want), POLICY_STORE);
		check_true(policy_unpack(policy_pack(&want), &d));
		policies_check(&d, texts[i]);
		check_true(durability_valid(&d));
	}
	check_false(policy_unpack(POLICY_STORE, &d));
}

static void
policy__strictest_holds_both_bounds(void **state)
{
	const struct {
		const char *a, *b, *want;
	} rows[] = {
	    {POLICIES_NONE, POLICIES_NONE, POLICIES_NONE},
	    {POLICIES_NONE, POLICIES_SYNC, POLICIES_SYNC},
	    {POLICIES_SYNC, POLICIES_SYNC, POLICIES_SYNC},
	    {POLICIES_NONE, POLICIES_BATCH, POLICIES_BATCH},
	    {POLICIES_NONE, POLICIES_ADAPTIVE, POLICIES_ADAPTIVE},
	    {POLICIES_SYNC, POLICIES_BATCH, POLICIES_SYNC},
	    {POLICIES_SYNC, POLICIES_ADAPTIVE, POLICIES_SYNC},
	    {"batch batch_ops=5 batch_ms=20", "batch batch_ops=9 batch_ms=2",
		"batch batch_ops=5 batch_ms=2"},
	    {"adaptive adaptive_ms=9", "adaptive adaptive_ms=3",
		"adaptive adaptive_ms=3"},
	    {"batch batch_ops=5 batch_ms=20", "adaptive adaptive_ms=7",
		"batch batch_ops=5 batch_ms=7"},
	    {"batch batch_ops=500 batch_ms=2", "adaptive adaptive_ms=7",
		"batch batch_ops=500 batch_ms=2"},
	    /* What a policy does not use says nothing. */
	    {"batch batch_ms=20 adaptive_ms=1",
		"adaptive batch_ops=1 batch_ms=1 adaptive_ms=30",
		"batch batch_ops=100 batch_ms=20"},
	    {"none batch_ms=1 adaptive_ms=1", "batch batch_ms=50",
		"batch batch_ops=100 batch_ms=50"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct durability a = policies_of(rows[i].a);
		struct durability b = policies_of(rows[i].b);
		struct durability d = policy_strictest(&a, &b);

		print_message("row %zu\n", i);
		policies_check(&d, rows[i].want);
		check_true(durability_valid(&d));
		d = policy_strictest(&b, &a);
		policies_check(&d, rows[i].want);
	}
}

static void
policy__has_to_be_named(void **state)
{
	const char *wrong[] = {"", " ", "often", "batch_ops=5",
	    "batch_ms=1 adaptive_ms=1", "sync batch_ms=0", "\x01\xff"};
	char why[DURABILITY_ERROR_MAX];
	struct durability d = durability_of(DURABILITY_BATCH);

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		check_err(policy_parse(bytes_str(wrong[i]), &d, why), -EINVAL);
		check_contains(why, "allowed: ");
		check_eq(d.policy, DURABILITY_BATCH);
	}
	check_ok(policy_parse(bytes_str("batch_ops=5,none\n"), &d, why));
	policies_check(&d, POLICIES_NONE);
}

static void
make_list(struct buf *list, const char *text)
{
	const struct bytes value = bytes_str(text);
	struct buf one = {0};

	check_ok(entry_xattr_set(
	    &one, bytes_of(NULL, 0), bytes_str("user.a"), &value));
	check_ok(entry_xattr_set(
	    list, buf_bytes(&one), bytes_str(POLICY_XATTR), &value));
	buf_fini(&one);
}

static void
policy__of_a_list_and_what_is_inherited_of_it(void **state)
{
	struct buf list = {0}, made = {0};
	struct durability d = policies_of(POLICIES_BATCH);
	size_t pos = 0;
	struct entry_xattr x;

	(void)state;
	check_eq(policy_of_list(bytes_of(NULL, 0)), POLICY_STORE);
	check_ok(policy_inherit(&made, bytes_of(NULL, 0)));
	check_eq(made.size, 0);

	make_list(&list, POLICIES_BATCH);
	check_eq(policy_of_list(buf_bytes(&list)), policy_pack(&d));
	check_ok(policy_inherit(&made, buf_bytes(&list)));
	check_eq(policy_of_list(buf_bytes(&made)), policy_pack(&d));
	check_eq(entry_xattr_next(buf_bytes(&made), &pos, &x), 1);
	check_eq(pos, made.size);

	/* A later version's. */
	make_list(&list, "quorum replicas=3");
	d = policies_of(POLICIES_SYNC);
	check_eq(policy_of_list(buf_bytes(&list)), policy_pack(&d));
	buf_fini(&made);
	buf_fini(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(policy__comes_back_from_a_word),
	    cmocka_unit_test(policy__strictest_holds_both_bounds),
	    cmocka_unit_test(policy__has_to_be_named),
	    cmocka_unit_test(policy__of_a_list_and_what_is_inherited_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
