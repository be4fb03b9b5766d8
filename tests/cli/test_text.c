#include "tests/check.h"

#include <stdlib.h>

#include "fs/cli/text.h"

#define B(literal) bytes_of(literal, sizeof(literal) - 1)
/* The same in a table. */
#define T(literal)                                              \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

struct row {
	struct bytes in;
	const char *escaped;
	const char *json; /* of the member "k" */
};

static const struct row rows[] = {
    {T(""), "", "\"k\":\"\""},
    {T("abc ~!"), "abc ~!", "\"k\":\"abc ~!\""},
    {T("a\tb\nc\\"), "a\\tb\\nc\\\\", "\"k\":\"a\\tb\\nc\\\\\""},
    {T("\"'/"), "\"'/", "\"k\":\"\\\"'/\""},
    {T("\0\x01\x1b\x7f"), "\\x00\\x01\\x1b\\x7f",
	"\"k\":\"\\u0000\\u0001\\u001b\\u007f\""},
    {T("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
	"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	"\"k\":\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
    {T("\xff"), "\\xff", "\"k_base64\":\"/w==\""},
    {T("a\xff"), "a\\xff", "\"k_base64\":\"Yf8=\""},
    {T("ab\xff"), "ab\\xff", "\"k_base64\":\"YWL/\""},
    {T("\xc3"), "\\xc3", "\"k_base64\":\"ww==\""},
    {T("\xc3("), "\\xc3(", "\"k_base64\":\"wyg=\""},
};

#define ROWS (sizeof(rows) / sizeof(*rows))

struct memory {
	FILE *out;
	char *text;
	size_t size;
};

static FILE *
open_memory(struct memory *m)
{
	m->out = open_memstream(&m->text, &m->size);
	check_true(m->out != NULL);
	return m->out;
}

static void
check_memory(struct memory *m, const char *want)
{
	check_eq(fclose(m->out), 0);
	check_bytes_eq(bytes_of(m->text, m->size), bytes_str(want));
	free(m->text);
}

static void
text__escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct memory m;

		text_put_escaped(open_memory(&m), rows[i].in);
		check_memory(&m, rows[i].escaped);
	}
}

static void
text__json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct memory m;

		text_put_json(open_memory(&m), "k", rows[i].in);
		check_memory(&m, rows[i].json);
	}
}

/* What no escape stands for cannot be read as one. */
static void
text__a_file_gets_names_as_they_are(void **state)
{
	const struct bytes name = B("a\nb\xff\\");
	FILE *f = tmpfile();
	char got[16];

	(void)state;
	check_true(f != NULL);
	text_put_name(f, name);
	rewind(f);
	check_bytes_eq(bytes_of(got, fread(got, 1, sizeof(got), f)), name);
	fclose(f);
}

static void
text__utf8(void **state)
{
	static const struct {
		struct bytes in;
		size_t length;
	} utf8[] = {
	    {T(""), 0},
	    {T("a"), 1},
	    {T("\x7f"), 1},
	    {T("\x80"), 0},
	    {T("\xc0\x80"), 0}, /* overlong */
	    {T("\xc1\xbf"), 0},
	    {T("\xc2\x80"), 2},
	    {T("\xdf\xbf"), 2},
	    {T("\xe0\x9f\xbf"), 0},
	    {T("\xe0\xa0\x80"), 3},
	    {T("\xed\x9f\xbf"), 3},
	    {T("\xed\xa0\x80"), 0}, /* a surrogate */
	    {T("\xef\xbf\xbf"), 3},
	    {T("\xe2\x82"), 0},
	    {T("\xe2\x82\x28"), 0},
	    {T("\xf0\x8f\xbf\xbf"), 0},
	    {T("\xf0\x90\x80\x80"), 4},
	    {T("\xf4\x8f\xbf\xbf"), 4},
	    {T("\xf4\x90\x80\x80"), 0}, /* beyond U+10FFFF */
	    {T("\xf5\x80\x80\x80"), 0},
	    {T("\xf0\x90\x80"), 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(utf8) / sizeof(*utf8); i++)
		check_eq(text_utf8_length(utf8[i].in), utf8[i].length);
	check_true(text_is_utf8(B("a\xc3\xa9\0b")));
	check_false(text_is_utf8(B("a\xc3\xa9\xc3")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text__escaped),
	    cmocka_unit_test(text__json),
	    cmocka_unit_test(text__a_file_gets_names_as_they_are),
	    cmocka_unit_test(text__utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
