#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

/* The dump as a string, valid until the next call. */
static const char *
dump(const char *path, int *rc)
{
	static char *text;
	size_t size;
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &size);
	check_true(f != NULL);
	*rc = lsm_dump_file(path, f);
	check_ok(fclose(f));
	return text;
}

static void
dump__shows_a_log(void **state)
{
	struct lsm_store s;
	const char *text;
	int rc;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a\x01\xff\"", "one");
	lsm_store_delete(&s, "b");
	/* The store is open: the dump needs no lock. */
	text = dump(lsm_store_file(&s, ".log"), &rc);
	check_ok(rc);
	check_contains(text, "1 put \"a\\x01\\xff\\\"\" \"one\"\n");
	check_contains(text, "2 delete \"b\"\n");
	check_contains(text, "end at");
	lsm_store_fini(&s);
}

static void
dump__shows_a_table(void **state)
{
	struct lsm_store s;
	const char *text;
	int rc;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "b", "what is deleted");
	check_ok(lsm_flush(s.db));
	lsm_store_put(&s, "a", "one");
	lsm_store_delete(&s, "b");
	check_ok(lsm_flush(s.db));
	text = dump(lsm_store_file(&s, ".sst"), &rc);
	check_ok(rc);
	check_contains(text, "entries 2, deletes 1, numbers 2 to 3");
	check_contains(text, "2 put \"a\" \"one\"\n3 delete \"b\"\n");
	lsm_store_fini(&s);
}

static int
find_manifest(void *ctx, const char *path)
{
	char *found = ctx;

	if (strstr(path, "MANIFEST"))
		(void)snprintf(found, 512, "%s", path);
	return 0;
}

static void
dump__shows_a_manifest(void **state)
{
	struct lsm_store s;
	const char *text;
	char path[512];
	int rc;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "first", "1");
	lsm_store_put(&s, "last", "1");
	check_ok(lsm_flush(s.db));
	check_ok(lsm_list_files(s.dir, find_manifest, path));
	text = dump(path, &rc);
	check_ok(rc);
	check_contains(text, "add level 0 table");
	check_contains(text, "keys \"first\" to \"last\"");
	check_contains(text, "last seq 2");
	lsm_store_fini(&s);
}

static void
dump__tells_where_damage_is(void **state)
{
	struct lsm_store s;
	const char *text, *table;
	int rc;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 20, 100, 'a');
	check_ok(lsm_flush(s.db));
	table = lsm_store_file(&s, ".sst");
	lsm_store_damage(table, 900);
	text = dump(table, &rc);
	check_err(rc, -EUCLEAN);
	check_contains(text, "# ");
	check_contains(text, table);
	check_contains(text, "KEY000000"); /* what stands before is shown */
	lsm_store_fini(&s);
}

static void
dump__of_something_else_is_refused(void **state)
{
	int rc;

	(void)state;
	check_contains(dump("/etc/passwd", &rc), "not that of a log");
	check_err(rc, -EINVAL);
	(void)dump("/nonexistent/000001.log", &rc);
	check_err(rc, -ENOENT);
}

static int
append_name(void *ctx, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *names = ctx;

	(void)snprintf(
	    names + strlen(names), 512 - strlen(names), "%s ", slash + 1);
	return 0;
}

static int
stop_at_once(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
	return 7;
}

static void
dump__lists_the_files_in_order(void **state)
{
	struct lsm_store s;
	char names[512] = "";

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	check_ok(lsm_flush(s.db));
	check_ok(lsm_list_files(s.dir, append_name, names));
	check_str(names, "MANIFEST-000001 000003.log 000004.sst ");
	check_eq(lsm_list_files(s.dir, stop_at_once, NULL), 7);
	check_err(lsm_list_files("/nonexistent", append_name, names), -ENOENT);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dump__shows_a_log),
	    cmocka_unit_test(dump__shows_a_table),
	    cmocka_unit_test(dump__shows_a_manifest),
	    cmocka_unit_test(dump__tells_where_damage_is),
	    cmocka_unit_test(dump__of_something_else_is_refused),
	    cmocka_unit_test(dump__lists_the_files_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
