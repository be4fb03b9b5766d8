#include "engine/base/err.h"

#include <stdio.h>
#include <string.h>

#include "tests/check.h"

struct lines {
	int count;
	enum err_level level;
	char last[2048];
};

static void
lines_write(void *ctx, enum err_level level, const char *text)
{
	struct lines *l = ctx;

	l->count++;
	l->level = level;
	snprintf(l->last, sizeof(l->last), "%s", text);
	errno = EBADF;
}

static void
err__log_hands_one_line_to_the_sink(void **state)
{
	struct lines l = {0};
	struct err_sink sink = {lines_write, &l};

	(void)state;
	err_log(&sink, ERR_LEVEL_WARNING, "%s: odd name at %d", "a\nb\x1b", 5);
	check_eq(l.count, 1);
	check_eq(l.level, ERR_LEVEL_WARNING);
	check_str(l.last, "a?b?: odd name at 5");
}

static void
err__log_cuts_long_lines(void **state)
{
	struct lines l = {0};
	struct err_sink sink = {lines_write, &l};

	(void)state;
	err_log(&sink, ERR_LEVEL_INFO, "%01500d", 7);
	check_eq(strlen(l.last), 1023);
}

static void
err__log_without_a_sink_is_dropped(void **state)
{
	const struct err_sink none = {0};

	(void)state;
	err_log(NULL, ERR_LEVEL_ERROR, "dropped");
	err_log(&none, ERR_LEVEL_ERROR, "dropped");
}

static void
err__log_keeps_errno(void **state)
{
	struct lines l = {0};
	struct err_sink sink = {lines_write, &l};

	(void)state;
	errno = ENOSPC;
	err_log(&sink, ERR_LEVEL_INFO, "x");
	check_eq(errno, ENOSPC);
}

static void
err__text_names_what_people_can_read(void **state)
{
	(void)state;
	check_str(err_text(-ENOENT), "No such file or directory");
	check_str(err_text(0), "Success");
	check_contains(err_text(ERR_DAMAGED), "damaged");
	check_contains(err_text(ERR_FORMAT), "format");
	check_str(err_text(-99999), "unknown error");
	check_str(err_text(5), "unknown error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(err__log_hands_one_line_to_the_sink),
	    cmocka_unit_test(err__log_cuts_long_lines),
	    cmocka_unit_test(err__log_without_a_sink_is_dropped),
	    cmocka_unit_test(err__log_keeps_errno),
	    cmocka_unit_test(err__text_names_what_people_can_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
