/*
 * Every workload on a directory of the ordinary kind: what check says after
 * steps, after parts of steps, and of trees that no steps make.
 */
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/cli/lab_file.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/lab_workload.h"

#define SEED 77

struct place {
	char path[512];
	int dir;
};

static struct place
place_of(const struct lab_workload *w)
{
	static unsigned count;
	struct place p;

	snprintf(p.path, sizeof(p.path), "%s/%u", check_tmpdir(), count++);
	check_eq(mkdir(p.path, 0755), 0);
	p.dir = open(p.path, O_RDONLY | O_DIRECTORY);
	check_true(p.dir >= 0);
	check_ok(w->begin(p.dir, SEED));
	return p;
}

static void
do_steps(const struct lab_workload *w, const struct place *p, uint64_t from,
    uint64_t to)
{
	struct lab_hand h = {.dir = p->dir, .seed = SEED};

	check_ok(w->open(&h));
	for (uint64_t step = from; step <= to; step++)
		check_ok(w->step(&h, step));
	w->close(&h);
}

static struct lab_found
found_at(const struct lab_workload *w, const struct place *p)
{
	struct lab_found f;

	memset(&f, 0x55, sizeof(f));
	w->check(p->dir, SEED, &f);
	return f;
}

static void
expect(const struct lab_workload *w, const struct place *p, uint64_t steps,
    bool partial)
{
	struct lab_found f = found_at(w, p);

	if (!f.prefix)
		check_fail("%s: %s", w->name, f.why);
	check_eq(f.steps, steps);
	check_eq(f.partial, partial);
}

static void
expect_not(const struct lab_workload *w, const struct place *p, const char *why)
{
	struct lab_found f = found_at(w, p);

	check_false(f.prefix);
	check_contains(f.why, why);
}

/* Bytes of a file from an offset on. */
static void
scribble(
    const struct place *p, const char *name, off_t at, struct bytes content)
{
	int fd = openat(p->dir, name, O_WRONLY | O_CREAT, 0644);

	check_true(fd >= 0);
	check_eq(pwrite(fd, content.data, content.size, at), content.size);
	check_eq(close(fd), 0);
}

static struct bytes
line_of(uint64_t seed, uint64_t step)
{
	static char line[LAB_LINE_SIZE];

	lab_line_format(seed, step, line);
	return bytes_of(line, sizeof(line));
}

static void
cut_short(const struct place *p, const char *name, off_t size)
{
	int fd = openat(p->dir, name, O_WRONLY);

	check_true(fd >= 0);
	check_eq(ftruncate(fd, size), 0);
	check_eq(close(fd), 0);
}

/* --- all of them ------------------------------------------------------------
 */

static void
lab_workload__each_finds_the_steps_it_made(void **state)
{
	static const uint64_t counts[6] = {0, 1, 2, 3, 50, 700};

	(void)state;
	for (size_t i = 0; lab_workload_table[i]; i++) {
		const struct lab_workload *w = lab_workload_table[i];
		struct place p = place_of(w);
		uint64_t done = 0;

		check_true(lab_workload_find(w->name) == w);
		/* What syncs is the same, only slower. */
		for (size_t k = 0; k < (w->durable ? 4 : 6); k++) {
			do_steps(w, &p, done + 1, counts[k]);
			done = counts[k];
			expect(w, &p, done, false);
		}
		close(p.dir);
	}
	check_true(lab_workload_find("appen") == NULL);
}

static void
lab_workload__each_refuses_what_another_seed_wrote(void **state)
{
	(void)state;
	for (size_t i = 0; lab_workload_table[i]; i++) {
		const struct lab_workload *w = lab_workload_table[i];
		struct place p = place_of(w);
		struct lab_found f;

		do_steps(w, &p, 1, 5);
		w->check(p.dir, SEED + 1, &f);
		check_false(f.prefix);
		check_true(f.why[0] != '\0');
		close(p.dir);
	}
}

static void
lab_workload__a_step_left_out_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; lab_workload_table[i]; i++) {
		const struct lab_workload *w = lab_workload_table[i];
		struct place p = place_of(w);
		struct lab_found f;

		do_steps(w, &p, 1, 5);
		do_steps(w, &p, 7, 7);
		f = found_at(w, &p);
		/* Of those that keep the last step only, nothing tells. */
		if (w == &lab_replace || w == &lab_replace_fsync ||
		    w == &lab_pair)
			check_eq(f.steps, 7);
		else
			check_false(f.prefix);
		close(p.dir);
	}
}

/* --- one by one
 * --------------------------------------------------------------- */

static void
lab_append__a_torn_or_foreign_line_is_no_prefix(void **state)
{
	const struct lab_workload *w = &lab_append;
	struct place p = place_of(w);

	(void)state;
	do_steps(w, &p, 1, 3);
	scribble(&p, "log", 3 * LAB_LINE_SIZE, line_of(SEED, 5));
	expect_not(w, &p, "line 4 is that of step 5");
	cut_short(&p, "log", 3 * LAB_LINE_SIZE - 1);
	expect_not(w, &p, "the last line has 63 of 64 bytes");
	cut_short(&p, "log", 2 * LAB_LINE_SIZE);
	expect(w, &p, 2, false);
	scribble(&p, "log", 70, bytes_str("?"));
	expect_not(w, &p, "line 2 of 2 is not what was written");
	check_eq(unlinkat(p.dir, "log", 0), 0);
	expect_not(w, &p, "log: ");
	close(p.dir);
}

static void
lab_replace__may_end_between_its_operations(void **state)
{
	const struct lab_workload *w = &lab_replace;
	struct place p = place_of(w);

	(void)state;
	do_steps(w, &p, 1, 3);
	scribble(&p, "state.tmp", 0, bytes_str(""));
	expect(w, &p, 3, true);
	for (int i = 0; i < 8; i++)
		scribble(&p, "state.tmp", i * LAB_LINE_SIZE, line_of(SEED, 4));
	expect(w, &p, 3, true);
	scribble(&p, "state.tmp", 7 * LAB_LINE_SIZE, line_of(SEED, 3));
	expect_not(w, &p, "state.tmp: these 512 bytes");
	for (int i = 0; i < 8; i++)
		scribble(&p, "state.tmp", i * LAB_LINE_SIZE, line_of(SEED, 5));
	expect_not(w, &p, "state.tmp is of step 5, state of step 3");
	check_eq(unlinkat(p.dir, "state.tmp", 0), 0);
	cut_short(&p, "state", 64);
	expect_not(w, &p, "state: these 64 bytes");
	cut_short(&p, "state", 0);
	expect_not(w, &p, "state: these 0 bytes");
	close(p.dir);
}

static void
lab_create__has_no_gaps_and_one_empty_file_at_most(void **state)
{
	const struct lab_workload *w = &lab_create;
	struct place p = place_of(w);

	(void)state;
	do_steps(w, &p, 1, 3);
	scribble(&p, "f0000000004", 0, bytes_str(""));
	expect(w, &p, 3, true);
	scribble(&p, "f0000000005", 0, line_of(SEED, 5));
	expect_not(w, &p, "file 4 is empty, but file 5 is there");
	check_eq(unlinkat(p.dir, "f0000000004", 0), 0);
	expect_not(w, &p, "4 files, but file 5 is there");
	scribble(&p, "f0000000004", 0, line_of(SEED, 5));
	expect_not(w, &p, "f0000000004: these 64 bytes");
	scribble(&p, "f04", 0, bytes_str(""));
	expect_not(w, &p, "\"f04\" of no step");
	close(p.dir);
}

static void
lab_overwrite__every_record_is_of_the_same_moment(void **state)
{
	const struct lab_workload *w = &lab_overwrite;
	struct place p = place_of(w), old = place_of(w);
	struct buf before = {0}, after = {0};
	size_t changed = 0;

	(void)state;
	/* A record that a late step wrote gets back what it was. */
	do_steps(w, &p, 1, 400);
	do_steps(w, &old, 1, 300);
	check_ok(lab_file_get(p.dir, "records", &after));
	check_ok(lab_file_get(old.dir, "records", &before));
	for (size_t i = 0; i < after.size && changed == 0; i += LAB_LINE_SIZE) {
		uint64_t step;

		check_true(
		    lab_line_parse((const char *)after.data + i, SEED, &step));
		if (step > 300 && step < 400) {
			changed = i + 1;
			scribble(&p, "records", (off_t)i,
			    bytes_of(before.data + i, LAB_LINE_SIZE));
		}
	}
	check_true(changed > 0);
	expect_not(w, &p, "after step 400 it was of step");
	cut_short(&p, "records", 100);
	expect_not(w, &p, "100 bytes, not 16384");
	buf_fini(&before);
	buf_fini(&after);
	close(p.dir);
	close(old.dir);
}

static void
lab_pair__is_equal_or_one_apart(void **state)
{
	const struct lab_workload *w = &lab_pair;
	struct place p = place_of(w);

	(void)state;
	do_steps(w, &p, 1, 3);
	scribble(&p, "a", 0, line_of(SEED, 4));
	expect(w, &p, 3, true);
	scribble(&p, "a", 0, line_of(SEED, 5));
	expect_not(w, &p, "a is 5 and b 3");
	scribble(&p, "a", 0, line_of(SEED, 2));
	expect_not(w, &p, "a is 2 and b 3");
	check_eq(unlinkat(p.dir, "b", 0), 0);
	expect_not(w, &p, "b: ");
	close(p.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lab_workload__each_finds_the_steps_it_made),
	    cmocka_unit_test(
		lab_workload__each_refuses_what_another_seed_wrote),
	    cmocka_unit_test(lab_workload__a_step_left_out_is_found),
	    cmocka_unit_test(lab_append__a_torn_or_foreign_line_is_no_prefix),
	    cmocka_unit_test(lab_replace__may_end_between_its_operations),
	    cmocka_unit_test(
		lab_create__has_no_gaps_and_one_empty_file_at_most),
	    cmocka_unit_test(lab_overwrite__every_record_is_of_the_same_moment),
	    cmocka_unit_test(lab_pair__is_equal_or_one_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
