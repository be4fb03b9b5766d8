/*
 * What the lab found, added up and shown: as a table, JSON and SVG.
 */
#include "tests/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/cli/lab_json.h"
#include "fs/cli/lab_repeat.h"
#include "fs/cli/lab_svg.h"
#include "fs/cli/lab_table.h"

#define MS UINT64_C(1000000)

static const struct lab_option option = {
    .cuts = 2,
    .writers = 3,
    .seed = 11,
    .seconds = 0.5,
    .script = "it's \"mine\" & <yours>",
    .durable = true,
};

static const struct lab_bound no_bound = {LAB_LOSS_ANY, LAB_LOSS_ANY};
static const struct lab_bound strict = {0, 0};

static const struct lab_cut calm = {
    .seed = 11,
    .keep = LAB_KEEP_NONE,
    .loss =
	{
	    .acked = 300,
	    .survived = 200,
	    .lost = 100,
	    .age_ns = 7 * MS,
	    .unsure_ns = MS,
	    .prefix = true,
	},
    .allowance = {2 * MS, 3 * MS},
    .run_ns = 100 * MS,
    .syncs = 4,
    .synced_steps = 200,
};

static const struct lab_cut bad = {
    .seed = 12,
    .keep = LAB_KEEP_RANDOM,
    .loss =
	{
	    .acked = 100,
	    .survived = 60,
	    .lost = 40,
	    .age_ns = 9 * MS,
	    .why = "b > a",
	},
    .run_ns = 300 * MS,
    .syncs = 1,
    .synced_steps = 100,
    .broken = LAB_LOSS_ORDER | LAB_LOSS_STEPS,
    .why = "not a prefix: b > a; \"40\" steps lost",
};

/* Two cells: one whose contract held, one of a script that broke it. */
static struct lab_result
some_result(void)
{
	struct durability batch = durability_of(DURABILITY_BATCH);
	struct durability sync = durability_of(DURABILITY_SYNC);
	struct lab_result r;
	struct lab_cell *c;

	check_ok(lab_result_init(&r, 2));
	c = lab_result_add(&r, "append", &batch, &no_bound);
	check_ok(lab_result_note(c, &calm));
	check_ok(lab_result_note(c, &calm));
	lab_latency_add(&c->latency, 5000);
	c = lab_result_add(&r, "script", &sync, &strict);
	c->is_script = true;
	check_ok(lab_result_note(c, &calm));
	check_ok(lab_result_note(c, &bad));
	return r;
}

static void
lab_result__cuts_add_up(void **state)
{
	struct lab_result r = some_result();
	struct lab_sum s;

	(void)state;
	lab_result_sum(&r.cells[1], &s);
	check_eq(s.acked, 400);
	check_eq(s.survived, 260);
	check_eq(s.lost, 140);
	check_eq(s.worst_lost, 100);
	check_eq(s.worst_age_ns, 9 * MS);
	check_eq(s.worst_allowance_ns, 0);
	check_eq(s.unsure_ns, MS);
	check_eq(s.prefixes, 1);
	check_eq(s.broken, 1);
	check_eq(s.syncs, 5);
	check_eq(s.steps_per_sync, 60);
	check_eq(s.steps_per_second, 1000);
	check_true(lab_result_is_broken(&r));
	r.cells[1].cut_count = 1;
	check_false(lab_result_is_broken(&r));
	lab_result_fini(&r);
}

static void
lab_result__of_no_cuts_is_all_0(void **state)
{
	struct durability d = durability_of(DURABILITY_SYNC);
	struct lab_result r;
	struct lab_sum s;

	(void)state;
	check_ok(lab_result_init(&r, 1));
	lab_result_sum(lab_result_add(&r, "pair", &d, &strict), &s);
	check_eq(s.acked, 0);
	check_eq(s.steps_per_second, 0);
	check_eq(s.steps_per_sync, 0);
	check_eq(s.p99_ns, 0);
	lab_result_fini(&r);
}

static void
lab_result__takes_many_cuts(void **state)
{
	struct lab_result r = some_result();
	struct lab_sum s;

	(void)state;
	for (int i = 0; i < 998; i++)
		check_ok(lab_result_note(&r.cells[0], &calm));
	lab_result_sum(&r.cells[0], &s);
	check_eq(s.acked, 300000);
	check_eq(s.prefixes, 1000);
	lab_result_fini(&r);
}

/* --- as text -----------------------------------------------------------------
 */

enum form { TABLE, JSON, SVG };

/* The caller frees it. */
static char *
shown(const struct lab_result *r, enum form form)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	check_true(f != NULL);
	if (form == TABLE) {
		lab_table_put(f, r);
		lab_table_put_broken(f, r, &option);
	} else if (form == JSON) {
		lab_json_put(f, r, &option);
	} else {
		lab_svg_put(f, r);
	}
	check_eq(fclose(f), 0);
	return text;
}

static void
lab_table__columns_are_in_line(void **state)
{
	struct lab_result r = some_result();
	char *text = shown(&r, TABLE);
	const char *lines[3], *heads = "contract";
	char *p = text;

	(void)state;
	for (int i = 0; i < 3; i++) {
		lines[i] = p;
		p = strchr(p, '\n');
		check_true(p != NULL);
		*p++ = '\0';
	}
	check_contains(lines[0], "workload");
	check_contains(lines[1], "100/any");
	check_contains(lines[1], "7.0/any");
	check_contains(lines[2], "100/0");
	check_contains(lines[2], "1/2");
	check_eq(strstr(lines[0], heads) - lines[0],
	    strstr(lines[1], "held") - lines[1]);
	check_eq(strstr(lines[0], heads) - lines[0],
	    strstr(lines[2], "BROKEN") - lines[2]);
	check_contains(p, "broken: script under sync: not a prefix");
	check_contains(p, "repeat: keyfs lab --script 'it'\\''s \"mine\" & "
			  "<yours>' --durable --policy 'sync' --cuts 1 "
			  "--seed 12 --keep random --writers 3 --seconds 0.5");
	free(text);
	lab_result_fini(&r);
}

/* --- JSON, read as RFC 8259 has it
 * -------------------------------------------- */

static bool json_value(const char **p);

static void
json_gap(const char **p)
{
	*p += strspn(*p, " \t\r\n");
}

static bool
json_string(const char **p)
{
	if (*(*p)++ != '"')
		return false;
	for (; **p != '"'; ++*p) {
		if ((unsigned char)**p < 0x20)
			return false;
		if (**p == '\\' && !strchr("\"\\/bfnrtu", *++*p))
			return false;
	}
	++*p;
	return true;
}

static bool
json_number(const char **p)
{
	const char *begin = *p;
	char *end;

	if (**p != '-' && !isdigit((unsigned char)**p))
		return false;
	strtod(*p, &end);
	*p = end;
	return end > begin &&
	       !(begin[0] == '0' && isdigit((unsigned char)begin[1]));
}

/* What stands between open and close, with names or without. */
static bool
json_list(const char **p, char close, bool named)
{
	++*p;
	json_gap(p);
	if (**p == close) {
		++*p;
		return true;
	}
	for (;; ++*p) {
		json_gap(p);
		if (named && !json_string(p))
			return false;
		if (named && *(*p)++ != ':')
			return false;
		if (!json_value(p))
			return false;
		json_gap(p);
		if (**p == ',')
			continue;
		return *(*p)++ == close;
	}
}

static bool
json_value(const char **p)
{
	static const char *const words[] = {"true", "false", "null"};

	json_gap(p);
	if (**p == '{')
		return json_list(p, '}', true);
	if (**p == '[')
		return json_list(p, ']', false);
	if (**p == '"')
		return json_string(p);
	for (size_t i = 0; i < 3; i++)
		if (strncmp(*p, words[i], strlen(words[i])) == 0) {
			*p += strlen(words[i]);
			return true;
		}
	return json_number(p);
}

static bool
is_json(const char *text)
{
	const char *p = text;

	return json_value(&p) && strcmp(p, "\n") == 0;
}

static void
lab_json__is_one_document(void **state)
{
	struct lab_result r = some_result(), none = {0};
	char *text = shown(&r, JSON);

	(void)state;
	check_true(is_json(text));
	check_contains(text, "\"bound\":null");
	check_contains(text, "\"bound\":0");
	check_contains(text, "\"worst_lost\":100");
	check_contains(text, "\"late_ms\":2.000");
	check_contains(text, "\"broken\":\"not a prefix: b > a; \\\"40\\\"");
	check_contains(text, "\"repeat\":\"keyfs lab --script ");
	text[strlen(text) / 2] = '\0';
	check_false(is_json(text));
	free(text);
	text = shown(&none, JSON);
	check_true(is_json(text));
	free(text);
	lab_result_fini(&r);
}

/* --- SVG
 * ----------------------------------------------------------------------- */

/* Every element is closed, in the right order, and & begins an entity. */
static bool
is_xml(const char *p)
{
	char open[16][16];
	int depth = 0;

	for (; *p; p++) {
		bool closes = p[0] && p[1] == '/';
		size_t name = strcspn(p + 1 + closes, " />\n");
		const char *end = strchr(p, '>');

		if (*p == '&' && !strchr(p, ';'))
			return false;
		if (*p != '<')
			continue;
		if (!end || name == 0 || name > 15 ||
		    memchr(p + 1, '<', (size_t)(end - p - 1)))
			return false;
		if (closes) {
			if (depth == 0 ||
			    strncmp(open[--depth], p + 2, name) != 0 ||
			    open[depth][name] != '\0')
				return false;
		} else if (end[-1] != '/') {
			if (depth == 16)
				return false;
			snprintf(open[depth++], 16, "%.*s", (int)name, p + 1);
		}
		p = end;
	}
	return depth == 0;
}

static size_t
count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

static void
lab_svg__is_well_formed(void **state)
{
	struct lab_result r = some_result(), none = {0};
	char *text = shown(&r, SVG);

	(void)state;
	check_true(is_xml(text));
	check_eq(count_of(text, "steps/s, at most"), 2);
	check_eq(count_of(text, "contract broken"), 1);
	check_contains(text, ">steps per second</text>");
	check_contains(text, ">largest loss by one cut, in steps</text>");
	check_contains(text, ">batch batch_ops=100 batch_ms=10</text>");
	check_contains(text, "prefers-color-scheme:dark");
	check_eq(count_of(text, "nan"), 0);
	check_eq(count_of(text, "inf"), 0);
	text[strlen(text) - 3] = '\0';
	check_false(is_xml(text));
	free(text);
	text = shown(&none, SVG);
	check_true(is_xml(text));
	check_eq(count_of(text, "nan"), 0);
	free(text);
	lab_result_fini(&r);
}

/* The y of a cell's mark. */
static double
y_of(const struct lab_result *r, const char *policy)
{
	char *text = shown(r, SVG);
	char *p = text, *path;
	double x = 0, y = 0;
	char title[64];

	snprintf(title, sizeof(title), "<title>append, %s:", policy);
	p = strstr(text, title);
	check_true(p != NULL);
	*p = '\0';
	for (path = text; strstr(path + 1, "d=\"M");)
		path = strstr(path + 1, "d=\"M");
	check_eq(sscanf(path, "d=\"M%lf %lf", &x, &y), 2);
	free(text);
	return y;
}

static void
lab_svg__no_loss_has_a_line_of_its_own(void **state)
{
	struct durability d[] = {durability_of(DURABILITY_SYNC),
	    durability_of(DURABILITY_ADAPTIVE), durability_of(DURABILITY_NONE)};
	struct lab_result r;
	double none, one, many;

	(void)state;
	check_ok(lab_result_init(&r, 3));
	for (uint64_t i = 0; i < 3; i++) {
		struct lab_cell *c =
		    lab_result_add(&r, "append", &d[i], &no_bound);
		struct lab_cut cut = calm;

		cut.loss.lost = i == 2 ? 1000 : i;
		check_ok(lab_result_note(c, &cut));
	}
	none = y_of(&r, "sync");
	one = y_of(&r, "adaptive adaptive_ms=10");
	many = y_of(&r, "none");
	check_true(none > one + 10);
	check_true(one > many + 10);
	lab_result_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lab_result__cuts_add_up),
	    cmocka_unit_test(lab_result__of_no_cuts_is_all_0),
	    cmocka_unit_test(lab_result__takes_many_cuts),
	    cmocka_unit_test(lab_table__columns_are_in_line),
	    cmocka_unit_test(lab_json__is_one_document),
	    cmocka_unit_test(lab_svg__is_well_formed),
	    cmocka_unit_test(lab_svg__no_loss_has_a_line_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
