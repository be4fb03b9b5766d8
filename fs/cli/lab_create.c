/*
 * create: one small file after the other.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/lab_workload.h"

#define NAME_SIZE 32

static void
name_of(uint64_t step, char *name)
{
	snprintf(name, NAME_SIZE, "f%010" PRIu64, step);
}

static int
begin(int dir, uint64_t seed)
{
	(void)dir;
	(void)seed;
	return 0;
}

static int
create(struct lab_hand *h, uint64_t step)
{
	char name[NAME_SIZE], line[LAB_LINE_SIZE];

	name_of(step, name);
	lab_line_format(h->seed, step, line);
	return lab_file_put(
	    h->dir, name, bytes_of(line, sizeof(line)), O_EXCL, false);
}

/* The step of the file with this name, or 0. */
static uint64_t
step_of(const char *name)
{
	char again[NAME_SIZE];
	uint64_t step;

	if (name[0] != 'f')
		return 0;
	step = strtoull(name + 1, NULL, 10);
	name_of(step, again);
	return strcmp(name, again) == 0 ? step : 0;
}

/* How many files there are, and the highest step; all names are ours. */
static bool
count_files(DIR *dir, uint64_t *count, uint64_t *last, struct lab_found *out)
{
	struct dirent *e;

	*count = *last = 0;
	while (errno = 0, (e = readdir(dir))) {
		uint64_t step = step_of(e->d_name);

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (step == 0) {
			lab_workload_is_not(
			    out, "a file \"%s\" of no step", e->d_name);
			return false;
		}
		++*count;
		*last = step > *last ? step : *last;
	}
	if (errno != 0)
		lab_workload_is_not(
		    out, "reading the directory: %s", err_text(-errno));
	return errno == 0;
}

/* 1: it has its line; 0: it is empty; else *out says what is wrong. */
static int
check_file(int dir, uint64_t seed, uint64_t step, struct lab_found *out)
{
	char name[NAME_SIZE], line[LAB_LINE_SIZE];
	struct buf b = {0};
	int rc;

	name_of(step, name);
	lab_line_format(seed, step, line);
	rc = lab_file_get(dir, name, &b);
	if (rc)
		lab_workload_is_not(out, "%s: %s", name, err_text(rc));
	else if (b.size == 0 ||
		 bytes_eq(buf_bytes(&b), bytes_of(line, sizeof(line))))
		rc = b.size > 0;
	else {
		lab_workload_is_not(
		    out, "%s: these %zu bytes were not written", name, b.size);
		rc = -EINVAL;
	}
	buf_fini(&b);
	return rc;
}

static void
check_files(int dir, uint64_t seed, uint64_t last, struct lab_found *out)
{
	int full = 1;

	for (uint64_t step = 1; step <= last; step++) {
		full = check_file(dir, seed, step, out);
		if (full < 0)
			return;
		if (full == 0 && step < last) {
			lab_workload_is_not(out,
			    "file %" PRIu64 " is empty, but file %" PRIu64
			    " is there",
			    step, last);
			return;
		}
	}
	lab_workload_is(out, full ? last : last - 1, !full);
}

static void
check(int dir, uint64_t seed, struct lab_found *out)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint64_t count, last;

	if (!d) {
		lab_workload_is_not(
		    out, "reading the directory: %s", err_text(-errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	if (count_files(d, &count, &last, out)) {
		if (count == last)
			check_files(dir, seed, last, out);
		else
			lab_workload_is_not(out,
			    "%" PRIu64 " files, but file %" PRIu64 " is there",
			    count, last);
	}
	closedir(d);
}

const struct lab_workload lab_create = {
    .name = "create",
    .summary = "makes many small files",
    .changes = 2, /* made, written */
    .begin = begin,
    .open = lab_workload_open,
    .step = create,
    .close = lab_workload_close,
    .check = check,
};
