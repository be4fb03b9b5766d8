#include <stdlib.h>

#include "engine/db/file_name.h"
#include "tests/check.h"

static const struct {
	const char *name;
	enum file_name_kind kind;
	uint64_t number;
} good[] = {
    {"LOCK", FILE_NAME_LOCK, 0},
    {"CURRENT", FILE_NAME_CURRENT, 0},
    {"RESERVE", FILE_NAME_RESERVE, 0},
    {"MANIFEST-000001", FILE_NAME_MANIFEST, 1},
    {"000002.log", FILE_NAME_LOG, 2},
    {"123456.sst", FILE_NAME_TABLE, 123456},
    {"1234567.sst", FILE_NAME_TABLE, 1234567},
    {"4611686018427387904.log", FILE_NAME_LOG, FILE_NAME_NUMBER_MAX},
    {"MANIFEST-4611686018427387904", FILE_NAME_MANIFEST, FILE_NAME_NUMBER_MAX},
};

static const char *const temporary[] = {
    "CURRENT.tmp",
    "LOCK.tmp",
    "MANIFEST-000001.tmp",
    "000003.sst.tmp",
    "000003.log.tmp",
    ".forgotten-1",
    ".forgotten-18446744073709551615",
};

/* What somebody else may have put there; it must not be removed. */
static const char *const foreign[] = {
    "",
    "current",
    "CURRENT ",
    "CURRENT~",
    ".tmp",
    "notes.tmp",
    "CURRENT.tmp.tmp",
    "MANIFEST-",
    ".forgotten-",
    ".forgotten-1x",
    "MANIFEST-1",
    "MANIFEST-0000001",
    "MANIFEST-000000",
    "MANIFEST-000001.bak",
    "MANIFEST-00001x",
    "1.log",
    "000001",
    "000001.",
    "000000.sst",
    "0000001.sst",
    "+00001.sst",
    " 000001.sst",
    "-00001.sst",
    "000001.sst ",
    "000001.SST",
    "4611686018427387905.sst",
    "18446744073709551615.sst",
    "18446744073709551617.sst",
    "99999999999999999999999999999999999999999999999999999999.sst",
    "99999999999999999999999999999999999999999999999999999999.sst.tmp",
};

static void
file_name__names_are_written_and_parsed(void **state)
{
	char name[FILE_NAME_SIZE];
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		file_name_format(name, good[i].kind, good[i].number);
		check_str(name, good[i].name);
		check_eq(file_name_parse(name, &number), good[i].kind);
		check_eq(number, good[i].number);
	}
}

static void
file_name__temporary_names_are_ours_with_tmp(void **state)
{
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(temporary) / sizeof(temporary[0]); i++)
		check_eq(file_name_parse(temporary[i], &number),
		    FILE_NAME_TEMPORARY);
}

static void
file_name__other_names_are_not_ours(void **state)
{
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		number = 1;
		if (file_name_parse(foreign[i], &number) != FILE_NAME_OTHER)
			check_fail("taken for ours: '%s'", foreign[i]);
		check_eq(number, 0);
	}
}

static void
file_name__path_is_in_the_directory(void **state)
{
	char *path = file_name_path("a/b", FILE_NAME_TABLE, 7);

	(void)state;
	check_true(path != NULL);
	check_str(path, "a/b/000007.sst");
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(file_name__names_are_written_and_parsed),
	    cmocka_unit_test(file_name__temporary_names_are_ours_with_tmp),
	    cmocka_unit_test(file_name__other_names_are_not_ours),
	    cmocka_unit_test(file_name__path_is_in_the_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
