/* Edits as bytes: what is written is read, and what is damaged is refused. */
#include "engine/db/edit.h"

#include <stdlib.h>

#include "engine/db/file_name.h"
#include "tests/check.h"
#include "tests/support/edits.h"
#include "tests/support/picture.h"
#include "tests/support/spec.h"

static void
edit__is_encoded_as_specified(void **state)
{
	struct buf b = {0};
	struct edit e;

	(void)state;
	edits_example(&e);
	check_ok(edit_encode(&e, &b));
	check_true(spec_check("edit", b.data, b.size));
	edit_fini(&e);

	buf_clear(&b);
	edits_example_snapshot(&e);
	check_ok(edit_encode(&e, &b));
	check_true(spec_check("edit-snapshot", b.data, b.size));
	buf_fini(&b);
	edit_fini(&e);
}

static void
check_example(const char *name, uint8_t version, const struct edit *want)
{
	struct edit got;
	uint8_t *data;
	size_t size;

	data = spec_example(name, &size);
	check_true(data != NULL);
	data[0] = version;
	check_ok(edit_decode(bytes_of(data, size), &got));
	edits_check_same(&got, want);
	edit_fini(&got);
	free(data);
}

static void
edit__examples_are_decoded(void **state)
{
	struct edit e;

	(void)state;
	edits_example(&e);
	check_example("edit", 2, &e);
	check_example("edit", 1, &e);
	edit_fini(&e);
	edits_example_snapshot(&e);
	check_example("edit-snapshot", 2, &e);
	edit_fini(&e);
}

static void
random_names(struct check_rand *r, struct named_set *s, bool numbers)
{
	char name[NAMED_MAX + 1];

	for (uint64_t n = check_rand_below(r, 5); n > 0; n--) {
		size_t size = 1 + check_rand_below(r, NAMED_MAX);
		int err;

		for (size_t i = 0; i < size; i++)
			name[i] = (char)(1 + check_rand_below(r, 255));
		name[size] = '\0';
		err = named_add(s, name,
		    numbers ? check_rand_below(r, IKEY_SEQ_MAX + 1) : 0,
		    numbers ? check_rand(r) : 0);
		check_true(err == 0 || err == -EEXIST);
	}
}

/* The edit of one table, its only key "a" of this kind.  What begins as it does
 * is damage. */
static void
check_table(const char *name, enum ikey_kind kind, struct table_info *info)
{
	struct version_file *f;
	struct edit e = {0}, got;
	struct buf b = {0};

	check_ok(
	    ikey_append(&info->smallest, bytes_str("a"), info->seq_max, kind));
	check_ok(
	    ikey_append(&info->largest, bytes_str("a"), info->seq_min, kind));
	check_ok(version_file_new(NULL, info, &f));
	check_ok(edit_add_file(&e, 0, f));
	check_ok(edit_encode(&e, &b));
	check_true(spec_check(name, b.data, b.size));
	check_ok(edit_decode(buf_bytes(&b), &got));
	edits_check_same(&got, &e);
	check_true(vref_list_eq(&got.adds[0].file->value_refs, &info->refs));
	check_true(expiries_eq(&got.adds[0].file->expiries, &info->expiries));
	for (size_t size = 3; size < b.size; size++)
		check_err(
		    edit_decode(bytes_of(b.data, size), &got), ERR_DAMAGED);
	version_file_unref(f);
	table_info_fini(info);
	edit_fini(&got);
	edit_fini(&e);
	buf_fini(&b);
}

/* The one that refers to values in a log. */
static void
edit__with_values_is_as_specified(void **state)
{
	const struct vref r = {.file = 14, .offset = 100, .size = 4996};
	struct table_info info = {.file_no = 13,
	    .file_bytes = 243,
	    .entries = 1,
	    .seq_min = 42,
	    .seq_max = 42};

	(void)state;
	check_ok(vref_list_add(&info.refs, &r, 1));
	check_table("edit-values", IKEY_KIND_REF, &info);
}

/* The one with a value that expires. */
static void
edit__with_expiries_is_as_specified(void **state)
{
	struct table_info info = {.file_no = 13,
	    .file_bytes = 243,
	    .entries = 1,
	    .seq_min = 42,
	    .seq_max = 42,
	    .expiries = {1, 1700000000000, 1700000000000}};

	(void)state;
	check_table("edit-expiries", IKEY_KIND_UNTIL, &info);
}

/* The one of a key that was overwritten. */
static void
edit__with_hidden_entries_is_as_specified(void **state)
{
	struct table_info info = {.file_no = 13,
	    .file_bytes = 243,
	    .entries = 2,
	    .seq_min = 41,
	    .seq_max = 42,
	    .hidden = {1, 42}};

	(void)state;
	check_table("edit-hidden", IKEY_KIND_PUT, &info);
}

static void
random_edit(struct check_rand *r, struct edit *e)
{
	char line[128];

	*e = (struct edit){0};
	for (uint64_t n = check_rand_below(r, 20); n > 0; n--) {
		snprintf(line, sizeof(line), "%u:%u:k%u-m%u*%u!%u",
		    (unsigned)check_rand_below(r, LSM_LEVELS),
		    (unsigned)check_rand_below(r, 1u << 30) + 1,
		    (unsigned)check_rand_below(r, 1000),
		    (unsigned)check_rand_below(r, 1000),
		    (unsigned)check_rand_below(r, 1u << 31) + 1,
		    (unsigned)check_rand_below(r, 101));
		picture_edit(line, e);
	}
	for (uint64_t n = check_rand_below(r, 20); n > 0; n--)
		check_ok(edit_remove_file(e,
		    (unsigned)check_rand_below(r, LSM_LEVELS),
		    check_rand_below(r, FILE_NAME_NUMBER_MAX) + 1));
	if (check_rand_one_in(r, 2))
		e->log_number = check_rand_below(r, FILE_NAME_NUMBER_MAX) + 1;
	if (check_rand_one_in(r, 2))
		e->next_number = check_rand_below(r, FILE_NAME_NUMBER_MAX) + 1;
	if (check_rand_one_in(r, 2))
		e->last_seq = check_rand_below(r, IKEY_SEQ_MAX) + 1;
	random_names(r, &e->drops, false);
	random_names(r, &e->snapshots, true);
}

static void
edit__random_edits_come_back(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct buf b = {0};
		struct edit e, got;

		random_edit(&r, &e);
		check_ok(edit_encode(&e, &b));
		check_ok(edit_decode(buf_bytes(&b), &got));
		edits_check_same(&got, &e);
		edit_fini(&got);
		edit_fini(&e);
		buf_fini(&b);
	}
}

/* In memory of exactly this size, so that a sanitizer sees a read past it. */
static int
decode_copy(const uint8_t *data, size_t size, struct edit *out)
{
	uint8_t *copy = malloc(size ? size : 1);
	int err;

	check_true(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	err = edit_decode(bytes_of(copy, size), out);
	free(copy);
	return err;
}

/* A cut between two fields leaves a good, shorter edit; any other is damage. */
static void
check_truncation(const struct edit *e)
{
	struct buf b = {0}, again = {0};
	struct edit got;

	check_ok(edit_encode(e, &b));
	check_err(decode_copy(b.data, 0, &got), ERR_DAMAGED);
	for (size_t n = 1; n < b.size; n++) {
		int err = decode_copy(b.data, n, &got);

		if (err) {
			check_err(err, ERR_DAMAGED);
			continue;
		}
		buf_clear(&again);
		check_ok(edit_encode(&got, &again));
		check_bytes_eq(buf_bytes(&again), bytes_of(b.data, n));
		edit_fini(&got);
	}
	buf_fini(&again);
	buf_fini(&b);
}

static void
edit__truncation_is_damage_or_fewer_fields(void **state)
{
	struct edit e;

	(void)state;
	edits_example(&e);
	check_truncation(&e);
	edit_fini(&e);
	edits_example_snapshot(&e);
	check_truncation(&e);
	edit_fini(&e);
}

/* Whatever stands there: an error, or an edit that says the same when it is
 * written. */
static void
edit__changed_bytes_never_do_harm(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf b = {0}, again = {0};
	struct edit e, got, third;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		random_edit(&r, &e);
		buf_clear(&b);
		check_ok(edit_encode(&e, &b));
		edit_fini(&e);
		for (uint64_t n = 1 + check_rand_below(&r, 3); n > 0; n--)
			b.data[check_rand_below(&r, b.size)] =
			    (uint8_t)check_rand(&r);
		if (decode_copy(b.data, b.size, &got) != 0)
			continue;
		buf_clear(&again);
		check_ok(edit_encode(&got, &again));
		check_ok(edit_decode(buf_bytes(&again), &third));
		edits_check_same(&third, &got);
		edit_fini(&third);
		edit_fini(&got);
	}
	buf_fini(&b);
	buf_fini(&again);
}

/* The fields of one add, to be changed one by one. */
struct add_bytes {
	uint64_t v[7]; /* level, number, bytes, entries, deletes, seqs */
	const char *first;
	const char *last;
	size_t key_size; /* of the first key; 0: as it is */
};

static int
decode_add_bytes(const struct add_bytes *a)
{
	static const uint8_t big[LSM_KEY_MAX + 1];
	struct buf b = {0}, key = {0};
	struct edit e;
	int err;

	check_ok(buf_append_u8(&b, 1));
	check_ok(buf_append_u8(&b, 4));
	for (size_t i = 0; i < 7; i++)
		check_ok(buf_append_varint(&b, a->v[i]));
	check_ok(ikey_append(&key,
	    a->key_size ? bytes_of(big, a->key_size) : bytes_str(a->first), 5,
	    IKEY_KIND_PUT));
	check_ok(buf_append_sized(&b, buf_bytes(&key)));
	buf_clear(&key);
	check_ok(ikey_append(&key, bytes_str(a->last), 5, IKEY_KIND_PUT));
	check_ok(buf_append_sized(&b, buf_bytes(&key)));
	err = edit_decode(buf_bytes(&b), &e);
	if (err == 0)
		edit_fini(&e);
	buf_fini(&b);
	buf_fini(&key);
	return err;
}

static void
edit__absurd_tables_are_damage(void **state)
{
	const struct add_bytes good = {{1, 12, 300, 2, 1, 5, 6}, "a", "k", 0};
	static const struct {
		int field;
		uint64_t value;
	} bad[] = {
	    {0, LSM_LEVELS},
	    {0, UINT64_MAX},
	    {1, 0},
	    {1, FILE_NAME_NUMBER_MAX + 1},
	    {2, 0},
	    {3, 0},
	    {4, 3},
	    {5, 7},
	    {6, IKEY_SEQ_MAX + 1},
	};
	struct add_bytes a = good;

	(void)state;
	check_ok(decode_add_bytes(&a));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = good;
		a.v[bad[i].field] = bad[i].value;
		check_err(decode_add_bytes(&a), ERR_DAMAGED);
	}
	a = good;
	a.first = "z";
	check_err(decode_add_bytes(&a), ERR_DAMAGED);
	a = good;
	a.key_size = LSM_KEY_MAX;
	check_ok(decode_add_bytes(&a));
	a.key_size = LSM_KEY_MAX + 1;
	check_err(decode_add_bytes(&a), ERR_DAMAGED);
}

static void
edit__what_is_not_known_is_refused(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t size;
		int err;
	} cases[] = {
	    {{1}, 1, 0},
	    {{0}, 1, ERR_FORMAT},
	    {{2}, 1, 0},
	    {{3}, 1, ERR_FORMAT},
	    {{3, 99}, 2, ERR_FORMAT},
	    {{2, 99}, 2, ERR_FORMAT},
	    {{2, 0, 1}, 3, ERR_DAMAGED},
	    {{2, 8, 1, 'a'}, 4, 0},
	    {{1, 8, 1, 'a'}, 4, ERR_DAMAGED}, /* not in version 1 */
	    {{2, 8, 0}, 3, ERR_DAMAGED},      /* no name */
	    {{2, 8, 2, 'a', 0}, 5, ERR_DAMAGED},
	    {{2, 8, 1, 'a', 8, 1, 'a'}, 7, ERR_DAMAGED}, /* twice */
	    {{2, 7, 1, 'a', 0, 0}, 6, 0},
	    {{2, 7, 1, 'a', 0}, 5, ERR_DAMAGED},
	    {{1, 0, 1}, 3, ERR_DAMAGED},
	    {{1, 6, 1}, 3, ERR_DAMAGED},
	    {{1, 1, 0}, 3, ERR_DAMAGED},    /* a number that is 0 */
	    {{1, 5, 1, 0}, 4, ERR_DAMAGED}, /* a table that is 0 */
	    {{1, 5, LSM_LEVELS, 1}, 4, ERR_DAMAGED},
	};
	static const uint8_t twice[] = {1, 1, 7, 1, 8};
	/* A number beyond all: 2^56. */
	static const uint8_t beyond[] = {
	    2, 7, 1, 'a', 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0};
	struct edit e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = decode_copy(cases[i].bytes, cases[i].size, &e);

		check_eq(err, cases[i].err);
		edit_fini(&e);
	}
	check_err(decode_copy(beyond, sizeof(beyond), &e), ERR_DAMAGED);
	check_err(decode_copy(twice, sizeof(twice), &e), ERR_DAMAGED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(edit__is_encoded_as_specified),
	    cmocka_unit_test(edit__examples_are_decoded),
	    cmocka_unit_test(edit__with_values_is_as_specified),
	    cmocka_unit_test(edit__with_expiries_is_as_specified),
	    cmocka_unit_test(edit__with_hidden_entries_is_as_specified),
	    cmocka_unit_test(edit__random_edits_come_back),
	    cmocka_unit_test(edit__truncation_is_damage_or_fewer_fields),
	    cmocka_unit_test(edit__changed_bytes_never_do_harm),
	    cmocka_unit_test(edit__absurd_tables_are_damage),
	    cmocka_unit_test(edit__what_is_not_known_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
