#include "engine/db/edit_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/db/edit.h"
#include "engine/db/span.h"
#include "tests/check.h"
#include "tests/support/edits.h"
#include "tests/support/picture.h"
#include "tests/support/spec.h"

/* The edit of docs/SPEC.md. */
static void
edit_file__is_as_specified(void **state)
{
	struct table_info info = {.file_no = 13,
	    .file_bytes = 243,
	    .seq_min = 43,
	    .seq_max = 43,
	    .ranges = 1};
	struct edit e = {0}, got;
	struct version_file *f;
	struct buf b = {0};
	uint8_t *data;
	size_t size;

	(void)state;
	check_ok(buf_assign(&info.ranges_begin, bytes_str("b")));
	check_ok(version_file_new(NULL, &info, &f));
	check_ok(edit_add_file(&e, 0, f));
	check_ok(edit_encode(&e, &b));
	check_true(spec_check("edit-ranges", b.data, b.size));
	data = spec_example("edit-ranges", &size);
	check_true(data != NULL);
	check_ok(edit_decode(bytes_of(data, size), &got));
	check_eq(got.add_count, 1);
	edits_check_file(got.adds[0].file, f);
	edit_fini(&got);
	/* Not in version 1. */
	data[0] = 1;
	check_err(edit_decode(bytes_of(data, size), &got), ERR_DAMAGED);
	free(data);
	version_file_unref(f);
	table_info_fini(&info);
	edit_fini(&e);
	buf_fini(&b);
}

static const char *const pictures[] = {
    "0:1:a-c",
    "0:1:a-c!7*99",
    "0:1:a-c~b-f",
    "0:1:a-c~b-",
    "0:1:~b-f",
    "0:1:~b-",
    "0:1:a-c^1,15",
    "0:1:a-c~b-f^99,19",
};

#define PICTURES (sizeof(pictures) / sizeof(pictures[0]))

static void
encode(const char *picture, struct buf *b, struct edit *e)
{
	*e = (struct edit){0};
	picture_edit(picture, e);
	buf_clear(b);
	check_ok(edit_file_encode(b, e->adds[0].file));
}

static void
edit_file__comes_back(void **state)
{
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < PICTURES; i++) {
		struct version_file *got;
		struct wire_in in;
		struct edit e;

		encode(pictures[i], &b, &e);
		in = wire_in_of(buf_bytes(&b));
		check_eq(edit_file_has_more(e.adds[0].file),
		    strpbrk(pictures[i], "~^") != NULL);
		check_ok(edit_file_decode(
		    &in, edit_file_has_more(e.adds[0].file), &got));
		check_eq(wire_in_left(&in), 0);
		edits_check_file(got, e.adds[0].file);
		version_file_unref(got);
		edit_fini(&e);
	}
	buf_fini(&b);
}

/* Every beginning of it, and every byte changed: refused, or good. */
static void
edit_file__damage_does_no_harm(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct version_file *got;
		struct wire_in in;
		struct edit e;
		bool more;

		encode(pictures[check_rand_below(&r, PICTURES)], &b, &e);
		more = edit_file_has_more(e.adds[0].file);
		edit_fini(&e);
		if (check_rand_one_in(&r, 2))
			b.data[check_rand_below(&r, b.size)] =
			    (uint8_t)check_rand(&r);
		else
			b.size = check_rand_below(&r, b.size);
		in = wire_in_of(buf_bytes(&b));
		if (edit_file_decode(&in, more, &got))
			continue;
		check_true(got->entries > 0 || got->ranges > 0);
		check_true(got->span.end == SPAN_OPEN ||
			   bytes_cmp(got->span.first, got->span.last) <= 0);
		version_file_unref(got);
	}
	buf_fini(&b);
}

/* What stands behind the table without entries of the edit above. */
static const struct {
	const char *bytes;
	size_t size;
	int err;
} ends[] = {
#define END(bytes, err)                       \
	{                                     \
		bytes, sizeof(bytes) - 1, err \
	}
    END("\1\1\4\1\1b\0", 0), END("\1\1\5\1\1b\1c", 0),
    END("\0", ERR_DAMAGED),                       /* no entries, no ranges */
    END("\2\1\4\1\1b\0", ERR_DAMAGED),            /* cut short */
    END("\2\1\4\1\1b\0\1\4\1\1b\0", ERR_DAMAGED), /* twice */
    END("\2\1\4\1\1b\0\177\0", ERR_FORMAT),
    END("\1\1\4\0\1b\0", ERR_DAMAGED),  /* no fragments */
    END("\1\1\5\1\1b\1a", ERR_DAMAGED), /* begin behind end */
    END("\1\1\5\1\1b\1b", ERR_DAMAGED),
    END("\1\1\6\1\1b\1cx", ERR_DAMAGED),        /* more than that */
    END("\2\1\4\1\1b\0\4\2\1\53", ERR_DAMAGED), /* hides what is not there */
#undef END
};

static void
edit_file__what_is_not_known_is_refused(void **state)
{
	static const char head[] = "\15\x63\0\0\5\6\0\0";

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct version_file *got;
		struct buf b = {0};
		struct wire_in in;
		int err;

		printf("case %zu\n", i);
		check_ok(buf_append(&b, head, sizeof(head) - 1));
		check_ok(buf_append(&b, ends[i].bytes, ends[i].size));
		in = wire_in_of(buf_bytes(&b));
		err = edit_file_decode(&in, true, &got);
		check_err(err, ends[i].err);
		if (!err)
			version_file_unref(got);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(edit_file__is_as_specified),
	    cmocka_unit_test(edit_file__comes_back),
	    cmocka_unit_test(edit_file__damage_does_no_harm),
	    cmocka_unit_test(edit_file__what_is_not_known_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
