#include "engine/table/table_writer.h"

#include "engine/table/value.h"
#include "tests/support/place.h"

static void
table_writer__refuses_disorder(void **state)
{
	struct sorted s = {0};
	struct table_writer *w;
	struct table_info info;
	struct place p;

	(void)state;
	place_init(&p);
	sorted_add(&s, bytes_str("b"), 2, IKEY_KIND_PUT, bytes_str(""));
	sorted_add(&s, bytes_str("a"), 1, IKEY_KIND_PUT, bytes_str(""));
	check_err(place_write(&p, &s, &place_options, &info), ERR_DAMAGED);
	check_contains(p.message, "out of order");
	check_false(place_has_file(&p));
	check_ok(table_writer_open(
	    &p.fault.env, p.path, PLACE_FILE_NO, &place_options, &w));
	check_err(table_writer_add(w, bytes_str("short"), bytes_str("")),
	    ERR_DAMAGED);
	/* The first error sticks. */
	check_err(
	    table_writer_add(w, s.entries[0].key, bytes_str("")), ERR_DAMAGED);
	check_err(table_writer_finish(w, &info), ERR_DAMAGED);
	check_false(place_has_file(&p));
	sorted_fini(&s);
	env_fault_fini(&p.fault);
}

static void
table_writer__of_nothing_leaves_nothing(void **state)
{
	struct table_writer *w;
	struct table_info info;
	struct place p;

	(void)state;
	place_init(&p);
	check_ok(table_writer_open(
	    &p.fault.env, p.path, PLACE_FILE_NO, &place_options, &w));
	check_true(table_writer_size(w) > 0);
	check_err(table_writer_finish(w, &info), -EINVAL);
	check_false(place_has_file(&p));
	check_ok(table_writer_open(
	    &p.fault.env, p.path, PLACE_FILE_NO, &place_options, &w));
	table_writer_abandon(w);
	check_false(place_has_file(&p));
	env_fault_fini(&p.fault);
}

static void
table_writer__never_writes_over(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	struct table_writer *w;
	struct place p;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 10, &place_options);
	check_err(table_writer_open(
		      &p.fault.env, p.path, PLACE_FILE_NO, &place_options, &w),
	    -EEXIST);
	check_true(place_has_file(&p));
	sorted_fini(&s);
	place_fini(&p);
}

/* The n-th create, write, sync fails, for every n, also half way. */
static void
table_writer__errors_leave_nothing(void **state)
{
	static const enum env_fault_kind kinds[] = {
	    ENV_FAULT_ERROR, ENV_FAULT_SHORT};
	const struct table_writer_options plain = {.block_bytes = 4096};
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	struct place p;

	(void)state;
	place_init(&p);
	sorted_random(&s, &r, 40000);
	for (size_t k = 0; k < 2; k++) {
		uint64_t n = 0;
		int err = -1;

		while (err) {
			struct table_info info = {0};

			env_fault_arm(&p.fault, kinds[k], ENOSPC, ++n);
			err = place_write(&p, &s, &plain, &info);
			env_fault_disarm(&p.fault);
			if (err) {
				check_err(err, -ENOSPC);
				check_false(place_has_file(&p));
			}
			table_info_fini(&info);
		}
		/* create, several writes, sync: each failed once */
		check_true(n > 5);
		check_ok(env_unlink(&p.posix, p.path));
	}
	sorted_fini(&s);
	env_fault_fini(&p.fault);
}

/* References to two files, one of them with an expiry in front. */
static void
add_references(struct sorted *s)
{
	const uint64_t files[] = {vref_file(7, VREF_KIND_LOG),
	    vref_file(7, VREF_KIND_LOG), vref_file(5, VREF_KIND_VALUES)};
	uint8_t raw[8 + 64];
	char key[2] = "a";

	wire_put_le64(raw, 1700000000000);
	for (unsigned i = 0; i < 3; i++, key[0]++) {
		size_t size = vref_encode(
		    raw + 8, files[i], 50 + 100 * i, bytes_str("apple"));

		if (i == 1)
			sorted_add(s, bytes_str(key), 9, IKEY_KIND_REF_UNTIL,
			    bytes_of(raw, 8 + size));
		else
			sorted_add(s, bytes_str(key), 9, IKEY_KIND_REF,
			    bytes_of(raw + 8, size));
	}
}

static void
table_writer__says_what_it_refers_to(void **state)
{
	struct sorted s = {0};
	struct table_info info;
	struct vref_list said;
	struct table *t;
	struct place p;

	(void)state;
	place_init(&p);
	add_references(&s);
	sorted_add(&s, bytes_str("x"), 9, IKEY_KIND_PUT, bytes_str("plain"));
	check_ok(place_write(&p, &s, &place_options, &info));
	check_eq(info.refs.count, 2);
	check_eq(info.refs.uses[0].bytes, 5 + 4);
	check_eq(info.refs.uses[1].bytes, 2 * (5 + 4));
	check_eq(info.refs.uses[1].end, 155);
	t = place_open(&p, NULL);
	check_ok(vref_list_decode(table_properties(t)->refs, &said));
	check_true(vref_list_eq(&said, &info.refs));
	check_eq(table_check(t, place_finding, &p), 0);
	table_close(t);
	vref_list_fini(&said);
	table_info_fini(&info);
	sorted_fini(&s);
	place_fini(&p);
}

static void
table_writer__refuses_references_that_are_none(void **state)
{
	struct sorted s = {0};
	struct table_info info;
	struct place p;

	(void)state;
	place_init(&p);
	sorted_add(&s, bytes_str("a"), 9, IKEY_KIND_REF, bytes_str("apple"));
	check_err(place_write(&p, &s, &place_options, &info), ERR_DAMAGED);
	check_contains(p.message, "a reference is malformed");
	sorted_fini(&s);
	env_fault_fini(&p.fault);
}

static void
table_writer__syncs_and_estimates(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	struct table_writer *w;
	struct table_info info;
	struct place p;
	uint64_t guess;

	(void)state;
	place_init(&p);
	sorted_random(&s, &r, 5000);
	check_ok(table_writer_open(
	    &p.fault.env, p.path, PLACE_FILE_NO, &place_options, &w));
	for (size_t i = 0; i < s.count; i++)
		check_ok(
		    table_writer_add(w, s.entries[i].key, s.entries[i].value));
	guess = table_writer_size(w);
	check_ok(table_writer_finish(w, &info));
	check_eq(p.fault.syncs, 1);
	check_le(info.file_bytes * 9 / 10, guess);
	check_le(guess, info.file_bytes * 3 / 2);
	table_info_fini(&info);
	sorted_fini(&s);
	place_fini(&p);
}

static void
table_writer__refuses_a_value_that_does_not_fit_its_kind(void **state)
{
	struct sorted s = {0};
	struct table_info info;
	struct place p;

	(void)state;
	place_init(&p);
	sorted_add(&s, bytes_str("k"), 1, IKEY_KIND_UNTIL, bytes_str("short"));
	check_err(place_write(&p, &s, &place_options, &info), ERR_DAMAGED);
	check_contains(p.message, "does not fit its kind");
	check_false(place_has_file(&p));
	sorted_fini(&s);
	place_fini(&p);
}

static void
table_writer__tells_when_values_expire(void **state)
{
	static const uint64_t moments[] = {700, 300, 900, 500};
	const struct expiries want = {4, 300, 500};
	struct sorted s = {0};
	struct table_info info;
	struct place p;
	struct table *t;
	uint8_t raw[VALUE_EXPIRY + 3] = "........val";
	char key[2] = "a";

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < 4; i++, key[0]++) {
		wire_put_le64(raw, moments[i]);
		sorted_add(&s, bytes_str(key), i + 1, IKEY_KIND_UNTIL,
		    bytes_of(raw, sizeof(raw)));
	}
	sorted_add(&s, bytes_str("z"), 9, IKEY_KIND_PUT, bytes_str("stays"));
	check_ok(place_write(&p, &s, &place_options, &info));
	check_true(expiries_eq(&info.expiries, &want));
	table_info_fini(&info);
	t = place_open(&p, NULL);
	check_true(expiries_eq(&table_properties(t)->expiries, &want));
	check_eq(table_check(t, place_finding, &p), 0);
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

static void
table_writer__tells_what_newer_entries_hide(void **state)
{
	static const struct {
		const char *key;
		uint64_t seq;
		enum ikey_kind kind;
	} entries[] = {{"a", 9, IKEY_KIND_PUT}, {"a", 5, IKEY_KIND_PUT},
	    {"a", 3, IKEY_KIND_DELETE}, {"a", 1, IKEY_KIND_PUT},
	    {"b", 12, IKEY_KIND_DELETE}, {"b", 6, IKEY_KIND_PUT},
	    {"b1", 20, IKEY_KIND_PUT}};
	/* a of 5 and 1, b of 6. */
	const struct hidden want = {3, 12};
	struct sorted s = {0};
	struct table_info info;
	struct place p;
	struct table *t;

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		sorted_add(&s, bytes_str(entries[i].key), entries[i].seq,
		    entries[i].kind, bytes_str(""));
	check_ok(place_write(&p, &s, &place_options, &info));
	check_true(hidden_eq(&info.hidden, &want));
	table_info_fini(&info);
	t = place_open(&p, NULL);
	check_true(hidden_eq(&table_properties(t)->hidden, &want));
	check_eq(table_check(t, place_finding, &p), 0);
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table_writer__tells_when_values_expire),
	    cmocka_unit_test(table_writer__tells_what_newer_entries_hide),
	    cmocka_unit_test(
		table_writer__refuses_a_value_that_does_not_fit_its_kind),
	    cmocka_unit_test(table_writer__refuses_disorder),
	    cmocka_unit_test(table_writer__of_nothing_leaves_nothing),
	    cmocka_unit_test(table_writer__never_writes_over),
	    cmocka_unit_test(table_writer__errors_leave_nothing),
	    cmocka_unit_test(table_writer__says_what_it_refers_to),
	    cmocka_unit_test(table_writer__refuses_references_that_are_none),
	    cmocka_unit_test(table_writer__syncs_and_estimates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
