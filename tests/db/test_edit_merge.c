/* What edits do together. */
#include "engine/db/edit.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/support/picture.h"

static const char *
merged(const char *const *lines, size_t count, int *err)
{
	static char text[1024];
	struct edit sum = {0};
	struct version *v;

	*err = 0;
	for (size_t i = 0; *err == 0 && i < count; i++) {
		struct edit e = {0};

		picture_edit(lines[i], &e);
		*err = edit_merge(&sum, &e);
		edit_fini(&e);
	}
	if (*err == 0) {
		check_ok(version_build(NULL, &sum, NULL, &v));
		snprintf(text, sizeof(text), "%s", picture_of(v));
		version_unref(v);
	}
	edit_fini(&sum);
	return text;
}

static void
edit_merge__sums_up(void **state)
{
	static const char *const lines[] = {
	    "0:1:a-c 0:2:d-f",
	    "0:3:a-z 1:4:a-b",
	    "-0:1 -1:4 1:5:a-c",
	    "-1:5 2:5:a-c", /* moves */
	    "1:6:x-y 1:7:q-r 1:8:s-t 1:9:u-v",
	    "-1:7",
	};
	static const char *const missing[] = {"0:1:a-c", "-1:1"};
	int err;

	(void)state;
	check_str(merged(lines, 6, &err),
	    "0:3:a-z 0:2:d-f 1:8:s-t 1:9:u-v 1:6:x-y 2:5:a-c");
	check_ok(err);
	merged(missing, 2, &err);
	check_err(err, ERR_DAMAGED);
}

static void
edit_merge__keeps_the_last_numbers(void **state)
{
	struct edit sum = {0};
	const struct edit a = {.log_number = 1, .next_number = 2};
	const struct edit b = {.next_number = 3, .last_seq = 4};

	(void)state;
	check_ok(edit_merge(&sum, &a));
	check_ok(edit_merge(&sum, &b));
	check_eq(sum.log_number, 1);
	check_eq(sum.next_number, 3);
	check_eq(sum.last_seq, 4);
	edit_fini(&sum);
}

static void
merge_named(struct edit *sum, const char *drop, const char *make, uint64_t seq,
    int want)
{
	struct edit e = {0};

	if (drop)
		check_ok(named_add(&e.drops, drop, 0, 0));
	if (make)
		check_ok(named_add(&e.snapshots, make, seq, 7));
	check_eq(edit_merge(sum, &e), want);
	edit_fini(&e);
}

static void
edit_merge__keeps_the_snapshots_not_dropped(void **state)
{
	struct edit sum = {0};

	(void)state;
	merge_named(&sum, NULL, "a", 1, 0);
	merge_named(&sum, NULL, "b", 2, 0);
	merge_named(&sum, "a", "c", 3, 0);
	merge_named(&sum, "b", "b", 4, 0); /* drops come first */
	check_eq(sum.snapshots.count, 2);
	check_eq(named_find(&sum.snapshots, "b")->seq, 4);
	check_eq(named_find(&sum.snapshots, "c")->seq, 3);
	check_eq(named_find(&sum.snapshots, "c")->created_ms, 7);
	check_eq(sum.drops.count, 0);
	merge_named(&sum, "a", NULL, 0, ERR_DAMAGED);
	merge_named(&sum, NULL, "c", 5, ERR_DAMAGED);
	edit_fini(&sum);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(edit_merge__sums_up),
	    cmocka_unit_test(edit_merge__keeps_the_last_numbers),
	    cmocka_unit_test(edit_merge__keeps_the_snapshots_not_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
