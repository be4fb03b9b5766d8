#include "engine/db/compact_ranges.h"

#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tests/support/picture.h"

/*
 * Tombstones as "a-f@5" (keys a to before f, number 5) or "a-@5" (no end).
 * Entries as "c7", in order; what is not hidden goes to the output, and "|"
 * before an entry ends a table.  The output: entries; fragments as
 * "[a-f 5 3]", with a "!" before the numbers if something newer is in them;
 * "|" between tables.
 */
static const struct {
	const char *tombstones;
	const char *entries;
	uint64_t snapshots[4]; /* up to the first 0 */
	const char *deeper;    /* of level 2; NULL: nobody knows */
	const char *want;
} cases[] = {
    {"", "a1 b2", {9}, NULL, "a1 b2"},
    {"a-c@5", "", {9}, NULL, "[a-c 5]"},
    {"a-@5", "", {9}, NULL, "[a- 5]"},

    /* what everybody sees deleted goes; what is newer stays */
    {"b-d@5", "a1 b1 c4 d4", {9}, NULL, "a1 [b-d 5] d4"},
    {"b-d@5", "b6 b4 c5 c4", {9}, NULL, "b6 c5 [b-d ! 5]"},
    {"b-@5", "b4 z4", {9}, NULL, "[b- 5]"},
    /* a snapshot before it keeps them */
    {"b-d@5", "b4 b3 c2", {4, 9}, NULL, "b4 b3 c2 [b-d 5]"},
    {"b-d@5", "b4 b3 c2", {3, 9}, NULL, "b3 c2 [b-d 5]"},
    /* above the last one others may come */
    {"b-d@5 b-d@4", "b4 b3", {2}, NULL, "b4 b3 [b-d 5 4]"},
    {"b-d@5", "b4", {0}, NULL, "b4 [b-d 5]"},

    /* of each stripe the newest stays */
    {"a-d@5 b-f@3", "", {9}, NULL, "[a-d 5] [d-f 3]"},
    {"a-d@5 b-f@3", "", {4, 9}, NULL, "[a-b 5] [b-d 5 3] [d-f 3]"},
    {"a-d@5 b-f@3", "b4 b2 e2", {4, 9}, NULL, "[a-b 5] b4 [b-d 5 3] [d-f 3]"},
    {"a-c@5 a-c@4 a-c@3", "", {3, 4, 9}, NULL, "[a-c 5 4 3]"},

    /* none reaches into the next table */
    {"a-z@5", "b6 |d6 |f6", {9}, NULL,
	"b6 [a-d ! 5] | d6 [d-f ! 5] | f6 [f-z ! 5]"},
    {"a-z@5", "b6 |d4 |f3", {9}, NULL, "b6 [a-z ! 5]"},
    {"a-c@5 d-g@5", "b6 |d6", {9}, NULL, "b6 [a-c ! 5] | d6 [d-g ! 5]"},
    {"a-c@5", "b6 |c6", {9}, NULL, "b6 [a-c ! 5] | c6"},
    {"c-e@5", "b6 |f6", {9}, NULL, "b6 [c-e 5] | f6"},
    {"c-e@5", "b6 |d6", {9}, NULL, "b6 [c-d 5] | d6 [d-e ! 5]"},
    {"a-@5", "b6 |d6", {9}, NULL, "b6 [a-d ! 5] | d6 [d- ! 5]"},

    /* gone when nothing is deeper, and everybody sees it */
    {"a-c@5", "", {9}, "", ""},
    {"a-c@5", "b4 d4", {9}, "", "d4"},
    {"a-c@5", "", {9}, "3:1:b-b", "[a-c 5]"},
    {"a-c@5", "", {9}, "3:1:c-d", ""},
    {"a-c@5", "", {9}, "3:1:~b-x", "[a-c 5]"},
    {"a-c@5 e-g@5", "", {9}, "3:1:f-f", "[e-g 5]"},
    {"a-c@5", "", {4, 9}, "", "[a-c 5]"},
    {"a-c@5 a-c@3", "", {4, 9}, "", "[a-c 5]"},
    {"a-c@5 a-c@3", "", {4, 9}, "3:1:b-b", "[a-c 5 3]"},
    {"a-z@5", "b6 |d6", {9}, "3:1:x-x", "b6 | d6 [d-z ! 5]"},
};

struct run {
	struct compact_ranges r;
	char begins[16][2], ends[16][2]; /* keys of the tombstones */
	struct buf out;
};

static void
say(struct run *run, const char *text)
{
	if (run->out.size > 0)
		check_ok(buf_append_u8(&run->out, ' '));
	check_ok(buf_append_bytes(&run->out, bytes_str(text)));
}

static struct bytes
key_of(const char *s)
{
	return s[0] ? bytes_of(s, 1) : (struct bytes){NULL, 0};
}

static void
begin(struct run *run, const char *line)
{
	struct ranges_build b = {0};
	char token[16];
	int n, i = 0;

	for (; sscanf(line, " %15s%n", token, &n) == 1; line += n, i++) {
		const char *number = strchr(token, '@') + 1;

		run->begins[i][0] = token[0];
		run->ends[i][0] = token[2] == '@' ? '\0' : token[2];
		check_ok(ranges_build_add(&b, key_of(run->begins[i]),
		    key_of(run->ends[i]), (uint64_t)(*number - '0'), 0));
	}
	check_ok(compact_ranges_begin(&run->r, &b));
	ranges_build_fini(&b);
}

static void
take(struct run *run, struct bytes until, enum compact_ranges_end end)
{
	struct ranges_fragment f;
	int rc;

	while ((rc = compact_ranges_next(&run->r, until, end, &f)) > 0) {
		char text[64];
		int n = snprintf(text, sizeof(text), "[%.*s-%.*s%s",
		    (int)f.begin.size, (const char *)f.begin.data,
		    (int)f.end.size, f.end.size ? (const char *)f.end.data : "",
		    f.clean ? "" : " !");

		for (size_t i = 0; i < f.seq_count; i++)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " %u",
			    (unsigned)f.seqs[i]);
		snprintf(text + n, sizeof(text) - (size_t)n, "]");
		say(run, text);
	}
	check_eq(rc, 0);
}

static void
entries(struct run *run, const char *line)
{
	char token[16];
	bool cut = false;
	int n;

	for (; sscanf(line, " %15s%n", token, &n) == 1; line += n) {
		const char *s = token + (token[0] == '|');
		const struct ikey key = {
		    bytes_of(s, 1), (uint64_t)(s[1] - '0'), IKEY_KIND_PUT};

		cut |= s > token;
		if (compact_ranges_hides(&run->r, &key))
			continue;
		take(run, key.user, COMPACT_RANGES_WHOLE);
		if (cut) {
			take(run, key.user, COMPACT_RANGES_CUT);
			say(run, "|");
		}
		cut = false;
		say(run, s);
		compact_ranges_note(&run->r, &key);
	}
	take(run, (struct bytes){NULL, 0}, COMPACT_RANGES_WHOLE);
}

static void
check_case(size_t i)
{
	struct version *v =
	    picture_version(cases[i].deeper ? cases[i].deeper : "");
	struct run run = {
	    .r = {.snapshots = cases[i].snapshots,
		.version = cases[i].deeper ? v : NULL,
		.below = 3},
	};

	printf("case %zu: %s, %s\n", i, cases[i].tombstones, cases[i].entries);
	while (cases[i].snapshots[run.r.snapshot_count])
		run.r.snapshot_count++;
	begin(&run, cases[i].tombstones);
	entries(&run, cases[i].entries);
	check_bytes_eq(buf_bytes(&run.out), bytes_str(cases[i].want));
	compact_ranges_fini(&run.r);
	buf_fini(&run.out);
	version_unref(v);
}

static void
compact_ranges__hide_and_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compact_ranges__hide_and_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
