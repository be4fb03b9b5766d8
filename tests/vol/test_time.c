/* Times of files at the ends of what can be kept. */
#include "fs/vol/vol_time.h"
#include "tests/check.h"

static const struct {
	struct timespec t;
	int64_t ns;
} exact[] = {
    {{0, 0}, 0},
    {{1, 5}, 1000000005},
    {{0, 999999999}, 999999999},
    {{-1, 999999999}, -1},
    {{-1, 0}, -1000000000},
    {{-5, 250000000}, -4750000000},
    {{9223372036, 854775807}, INT64_MAX},
    {{-9223372037, 145224193}, INT64_MIN + 1},
    {{-9223372037, 145224192}, INT64_MIN},
};

static void
time__comes_back_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(exact) / sizeof(*exact); i++) {
		struct timespec t = vol_time_spec(exact[i].ns);

		check_eq(vol_time_of(exact[i].t), exact[i].ns);
		check_eq(t.tv_sec, exact[i].t.tv_sec);
		check_eq(t.tv_nsec, exact[i].t.tv_nsec);
	}
}

static void
time__beyond_the_range_is_its_end(void **state)
{
	(void)state;
	check_eq(
	    vol_time_of((struct timespec){9223372036, 854775808}), INT64_MAX);
	check_eq(
	    vol_time_of((struct timespec){INT64_C(1) << 34, 0}), INT64_MAX);
	check_eq(
	    vol_time_of((struct timespec){INT64_MAX, 999999999}), INT64_MAX);
	check_eq(
	    vol_time_of((struct timespec){-9223372037, 145224191}), INT64_MIN);
	check_eq(
	    vol_time_of((struct timespec){-(INT64_C(1) << 34), 0}), INT64_MIN);
	check_eq(vol_time_of((struct timespec){INT64_MIN, 0}), INT64_MIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(time__comes_back_as_it_was),
	    cmocka_unit_test(time__beyond_the_range_is_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
