#include "tests/check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/cli/list.h"

static void
add(struct list *l, const char *name, mode_t type)
{
	check_ok(list_add(l, bytes_str(name), type));
}

static void
list__directories_sort_with_their_slash(void **state)
{
	static const char *const want[] = {
	    "\x01", "a", "a-b", "a", "a0", "aa", "b", "\xff"};
	struct list l = {0};

	(void)state;
	add(&l, "b", S_IFLNK);
	add(&l, "aa", S_IFREG);
	add(&l, "a0", S_IFDIR);
	add(&l, "\xff", S_IFREG);
	add(&l, "a", S_IFDIR); /* "a/" */
	add(&l, "a-b", S_IFREG);
	add(&l, "\x01", S_IFIFO);
	add(&l, "a", S_IFREG);
	list_sort(&l);
	check_eq(l.count, 8);
	for (size_t i = 0; i < l.count; i++)
		check_bytes_eq(list_name(&l, i), bytes_str(want[i]));
	check_eq(list_type(&l, 0), S_IFIFO);
	check_eq(list_type(&l, 1), S_IFREG);
	check_eq(list_type(&l, 3), S_IFDIR);
	check_eq(list_type(&l, 6), S_IFLNK);
	list_fini(&l);
	check_eq(l.count, 0);
}

/* Bytewise order of full paths is what the order is for. */
static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
text_of(const struct list *l, size_t i)
{
	struct bytes name = list_name(l, i);
	char *text = calloc(1, name.size + 2);

	check_true(text != NULL);
	memcpy(text, name.data, name.size);
	if (S_ISDIR(list_type(l, i)))
		text[name.size] = '/';
	return text;
}

static void
list__many_names_in_order(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct list l = {0};
	char *sorted[500];

	(void)state;
	for (int i = 0; i < 500; i++) {
		char name[8] = {0};
		size_t n = 1 + check_rand_below(&r, 6);

		for (size_t k = 0; k < n; k++)
			name[k] = "-.0az"[check_rand_below(&r, 5)];
		add(&l, name, check_rand_one_in(&r, 2) ? S_IFDIR : S_IFREG);
	}
	for (size_t i = 0; i < l.count; i++)
		sorted[i] = text_of(&l, i);
	qsort(sorted, l.count, sizeof(*sorted), compare_texts);
	list_sort(&l);
	for (size_t i = 0; i < l.count; i++) {
		char *text = text_of(&l, i);

		check_str(text, sorted[i]);
		free(text);
		free(sorted[i]);
	}
	list_fini(&l);
}

static void
list__a_name_that_is_too_long(void **state)
{
	static const uint8_t name[UINT16_MAX + 1];
	struct list l = {0};

	(void)state;
	check_err(list_add(&l, bytes_of(name, sizeof(name)), S_IFREG), -EINVAL);
	check_eq(l.count, 0);
	check_ok(list_add(&l, bytes_of(name, UINT16_MAX), S_IFREG));
	check_eq(list_name(&l, 0).size, UINT16_MAX);
	list_fini(&l);
}

static void
list__an_empty_one_may_be_sorted(void **state)
{
	struct list l = {0};

	(void)state;
	list_sort(&l);
	check_eq(l.count, 0);
	list_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(list__directories_sort_with_their_slash),
	    cmocka_unit_test(list__many_names_in_order),
	    cmocka_unit_test(list__a_name_that_is_too_long),
	    cmocka_unit_test(list__an_empty_one_may_be_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
