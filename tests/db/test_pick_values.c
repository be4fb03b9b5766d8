/*
 * Which files of values are emptied, and which tables are compacted for it.
 */
#include "engine/db/pick_values.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/db/collect_plan.h"
#include "engine/db/edit.h"
#include "engine/db/values.h"
#include "tests/check.h"
#include "tests/support/picks.h"

#define KB 1000u

struct fixture {
	struct env posix;
	struct values set;
	struct version_place place;
	struct lsm_options options;
	struct edit edit;
	struct value_file *files[10]; /* held, by number */
	struct version *version;
};

static void
init(struct fixture *f)
{
	*f = (struct fixture){.edit = {.log_number = 0}};
	env_posix_init(&f->posix, (struct err_sink){.write = NULL});
	values_init(&f->set, &f->posix, "/nowhere", NULL);
	f->place = (struct version_place){
	    .env = &f->posix, .dir = "/nowhere", .values = &f->set};
	lsm_options_init(&f->options);
	/* As much garbage is always allowed: 4 times this. */
	f->options.memtable_bytes = 10 * KB;
	f->options.level_base_bytes = 1000 * KB;
}

static void
fini(struct fixture *f)
{
	version_unref(f->version);
	edit_fini(&f->edit);
	for (unsigned n = 0; n < 10; n++)
		values_unref(f->files[n]);
	values_fini(&f->set);
}

/* File `number` has so many bytes. */
static void
add_file(struct fixture *f, uint64_t number, uint64_t bytes)
{
	check_ok(values_hold(
	    &f->set, vref_file(number, VREF_KIND_VALUES), &f->files[number]));
	values_set_bytes(f->files[number], bytes);
}

struct table {
	unsigned level;
	uint64_t number;
	const char *first, *last;
	uint64_t deletes;
	struct {
		uint64_t file;
		uint64_t bytes;
	} refs[4];
	const char *ranges; /* from here to "y" */
};

static void
add_table(struct fixture *f, const struct table *t)
{
	struct table_info info = {.file_no = t->number,
	    .file_bytes = t->level == 6 ? 20000 : 1000,
	    .entries = 100,
	    .deletes = t->deletes,
	    .seq_min = 10 * t->number,
	    .seq_max = 10 * t->number + 9};
	struct version_file *file;

	check_ok(ikey_append(
	    &info.smallest, bytes_str(t->first), info.seq_max, IKEY_KIND_PUT));
	check_ok(ikey_append(
	    &info.largest, bytes_str(t->last), info.seq_min, IKEY_KIND_PUT));
	for (size_t i = 0; i < 4 && t->refs[i].file > 0; i++) {
		const struct vref r = {
		    .file = vref_file(t->refs[i].file, VREF_KIND_VALUES),
		    .offset = 48,
		    .size = t->refs[i].bytes - 3,
		};

		check_ok(vref_list_add(&info.refs, &r, 0));
	}
	if (t->ranges) {
		info.ranges = 1;
		check_ok(buf_assign(&info.ranges_begin, bytes_str(t->ranges)));
		check_ok(buf_assign(&info.ranges_end, bytes_str("y")));
	}
	check_ok(version_file_new(&f->place, &info, &file));
	check_ok(edit_add_file(&f->edit, t->level, file));
	version_file_unref(file);
	table_info_fini(&info);
}

static void
build(struct fixture *f)
{
	check_ok(version_build(NULL, &f->edit, &f->posix.sink, &f->version));
}

/* --- plans ---------------------------------------------------------------- */

/* The numbers of the plan's files with blanks between; valid until the next
 * call. */
static const char *
plan_of(struct fixture *f, bool eager)
{
	static char text[100];
	struct vref_list plan;
	int at = 0;

	check_ok(collect_plan_make(f->version, &f->options, eager, &plan));
	text[0] = '\0';
	for (size_t i = 0; i < plan.count; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%u",
		    i ? " " : "", (unsigned)vref_number(plan.uses[i].file));
	vref_list_fini(&plan);
	return text;
}

/* One table that refers to files of 100 KB each. */
static const struct {
	uint64_t live[4]; /* KB of file 1 to 4 */
	const char *plan, *eager;
} plans[] = {
    {{100, 100, 100, 100}, "", ""},
    {{95, 99, 91, 100}, "", ""},
    {{95, 90, 80, 100}, "", "2 3"},
    /* half of 240 and 40 is just not too much */
    {{60, 60, 60, 60}, "", "1 2 3 4"},
    {{60, 60, 59, 60}, "3", "1 2 3 4"},
    /* until half of that is left */
    {{1, 20, 80, 80}, "1 2", "1 2 3 4"},
    {{10, 10, 90, 90}, "1 2", "1 2 3 4"},
    {{80, 10, 50, 60}, "2 3", "1 2 3 4"},
    /* copies take little room, unless there is far too much */
    {{50, 50, 50, 50}, "1", "1 2 3 4"},
    {{10, 10, 10, 10}, "1 2 3 4", "1 2 3 4"},
};

static void
collect_plan__takes_what_pays_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct table t = {6, 20, "a", "z", 0, {{0, 0}}, NULL};
		struct fixture f;

		init(&f);
		for (unsigned n = 0; n < 4; n++) {
			add_file(&f, n + 1, 100 * KB);
			if (plans[i].live[n] == 0)
				continue;
			t.refs[n].file = n + 1;
			t.refs[n].bytes = plans[i].live[n] * KB;
		}
		add_table(&f, &t);
		build(&f);
		check_str(plan_of(&f, false), plans[i].plan);
		check_str(plan_of(&f, true), plans[i].eager);
		fini(&f);
	}
}

static void
collect_plan__file_that_is_being_written_is_no_garbage(void **state)
{
	const struct table t = {6, 20, "a", "z", 0, {{1, 100}, {2, 100}}, NULL};
	struct collect_plan_figures figures;
	struct fixture f;

	(void)state;
	init(&f);
	add_file(&f, 1, 0);
	add_file(&f, 2, 1000 * KB);
	add_table(&f, &t);
	build(&f);
	collect_plan_figures(f.version, &f.options, &figures);
	check_eq(figures.live, 200);
	check_eq(figures.garbage, 1000 * KB - 100);
	check_eq(figures.max, 100 + 40 * KB);
	check_str(plan_of(&f, false), "2");
	fini(&f);
}

/* Large keys, small values: a copy would be no smaller. */
static void
collect_plan__what_a_copy_has_beside_values_is_no_garbage(void **state)
{
	const struct table t = {
	    6, 20, "a", "z", 0, {{1, 100 * KB}, {2, 80 * KB}}, NULL};
	struct collect_plan_figures figures;
	struct fixture f;

	(void)state;
	init(&f);
	add_file(&f, 1, 1000 * KB);
	add_file(&f, 2, 1000 * KB);
	values_set_overhead(f.files[1], 900 * KB);
	values_set_overhead(f.files[2], 850 * KB);
	add_table(&f, &t);
	build(&f);
	collect_plan_figures(f.version, &f.options, &figures);
	check_eq(figures.garbage, 70 * KB);
	check_str(plan_of(&f, false), "");
	check_str(plan_of(&f, true), "2");
	values_set_overhead(f.files[1], 0);
	check_str(plan_of(&f, false), "1 2");
	fini(&f);
}

/* --- picks ---------------------------------------------------------------- */

/* "REASON LEVEL>OUTPUT: NUMBERS" or "" of what is picked, while `running` is
 * compacted (NULL: nothing). */
static const char *
pick_of(struct fixture *f, struct pick *running)
{
	static char text[100];
	struct pick_list list = TAILQ_HEAD_INITIALIZER(list);
	struct pick_scene scene = picks_scene(&f->options);
	struct pick p;
	int rc, at;

	scene.version = f->version;
	scene.running = &list;
	if (running)
		TAILQ_INSERT_TAIL(&list, running, link);
	rc = pick_next(&scene, &p);
	check_le(0, rc);
	if (rc == 0)
		return "";
	at = snprintf(
	    text, sizeof(text), "%s %u>%u:", p.reason, p.level, p.output_level);
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; j < p.inputs[i].count; j++)
			at += snprintf(text + at, sizeof(text) - (size_t)at,
			    " %u", (unsigned)p.inputs[i].files[j]->number);
	pick_fini(&p);
	return text;
}

static void
pick_values__rewrites_the_table_with_most_of_it(void **state)
{
	const struct table tables[] = {
	    {5, 20, "a", "c", 0, {{1, 4 * KB}, {2, 9 * KB}}, NULL},
	    {6, 21, "a", "f", 0, {{1, 5 * KB}, {2, 30 * KB}}, NULL},
	    {6, 22, "g", "m", 0, {{1, 7 * KB}}, NULL},
	    {6, 23, "n", "z", 0, {{2, 30 * KB}}, NULL},
	};
	struct pick running = {.level = 6, .output_level = 6};
	struct fixture f;

	(void)state;
	init(&f);
	add_file(&f, 1, 200 * KB);
	add_file(&f, 2, 80 * KB);
	for (size_t i = 0; i < 4; i++)
		add_table(&f, &tables[i]);
	build(&f);
	check_str(plan_of(&f, false), "1");
	check_str(pick_of(&f, NULL), "garbage 6>6: 22");
	/* What others have is left to them. */
	running.span = span_of(f.version->levels[6].files[1]);
	check_str(pick_of(&f, &running), "garbage 6>6: 21");
	fini(&f);
}

static void
pick_values__leaves_level_0_alone(void **state)
{
	const struct table t = {0, 20, "a", "c", 0, {{1, 4 * KB}}, NULL};
	struct fixture f;

	(void)state;
	init(&f);
	add_file(&f, 1, 500 * KB);
	add_table(&f, &t);
	build(&f);
	check_str(plan_of(&f, false), "1");
	check_str(pick_of(&f, NULL), "");
	fini(&f);
}

/* Level 5 over the last one, which refers to 1 MB. */
static const struct {
	struct table t;
	const char *pick;
} hidden[] = {
    {{5, 20, "a", "c", 0, {{1, 200 * KB}}, NULL}, ""},
    {{5, 20, "a", "c", 0, {{1, 300 * KB}}, NULL}, "hidden 5>6: 20 21"},
    /* each may hide as much as an entry refers to on average: 10 KB, 5 KB */
    {{5, 20, "a", "c", 20, {{0, 0}}, NULL}, ""},
    {{5, 20, "g", "h", 90, {{0, 0}}, NULL}, "hidden 5>6: 20 22"},
    {{5, 20, "a", "c", 0, {{0, 0}}, "d"}, "hidden 5>6: 20 21 22"},
    {{5, 20, "a", "c", 0, {{0, 0}}, "h"}, ""},
};

static void
pick_values__brings_down_what_may_hide_much(void **state)
{
	const struct table last[] = {
	    {6, 21, "a", "f", 0, {{1, 500 * KB}}, NULL},
	    {6, 22, "g", "x", 0, {{1, 500 * KB}}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		struct fixture f;

		init(&f);
		/* Not to be the reason here. */
		f.options.level_base_bytes = 1000;
		add_file(&f, 1, 1300 * KB);
		add_table(&f, &hidden[i].t);
		add_table(&f, &last[0]);
		add_table(&f, &last[1]);
		build(&f);
		check_str(pick_of(&f, NULL), hidden[i].pick);
		fini(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(collect_plan__takes_what_pays_most),
	    cmocka_unit_test(
		collect_plan__file_that_is_being_written_is_no_garbage),
	    cmocka_unit_test(
		collect_plan__what_a_copy_has_beside_values_is_no_garbage),
	    cmocka_unit_test(pick_values__rewrites_the_table_with_most_of_it),
	    cmocka_unit_test(pick_values__leaves_level_0_alone),
	    cmocka_unit_test(pick_values__brings_down_what_may_hide_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
