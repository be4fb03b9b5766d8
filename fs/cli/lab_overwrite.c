/*
 * overwrite: records of a fixed size in one file, any of them, in place.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/lab_workload.h"

#define NAME    "records"
#define RECORDS 256
#define SIZE    ((size_t)RECORDS * LAB_LINE_SIZE)

static uint64_t
record_of(uint64_t seed, uint64_t step)
{
	return lab_line_mix(~seed, step) % RECORDS;
}

static int
begin(int dir, uint64_t seed)
{
	char content[SIZE];

	for (size_t i = 0; i < RECORDS; i++)
		lab_line_format(seed, 0, content + i * LAB_LINE_SIZE);
	return lab_file_put(
	    dir, NAME, bytes_of(content, sizeof(content)), O_EXCL, false);
}

static int
open_records(struct lab_hand *h)
{
	h->files[1] = -1;
	h->files[0] = openat(h->dir, NAME, O_WRONLY | O_CLOEXEC);
	return h->files[0] < 0 ? -errno : 0;
}

static int
overwrite(struct lab_hand *h, uint64_t step)
{
	uint64_t at = record_of(h->seed, step) * LAB_LINE_SIZE;
	char line[LAB_LINE_SIZE];
	ssize_t n;

	lab_line_format(h->seed, step, line);
	n = pwrite(h->files[0], line, sizeof(line), (off_t)at);
	if (n < 0)
		return -errno;
	return n == LAB_LINE_SIZE ? 0 : -EIO;
}

/* The step each record is of; false: one is of none. */
static bool
read_records(
    struct bytes content, uint64_t seed, uint64_t *steps, struct lab_found *out)
{
	if (content.size != SIZE) {
		lab_workload_is_not(
		    out, NAME " has %zu bytes, not %zu", content.size, SIZE);
		return false;
	}
	for (size_t i = 0; i < RECORDS; i++) {
		const uint8_t *line = content.data + i * LAB_LINE_SIZE;

		if (!lab_line_parse((const char *)line, seed, &steps[i])) {
			lab_workload_is_not(
			    out, "record %zu is what no step wrote", i);
			return false;
		}
	}
	return true;
}

/* The last step is the highest that is there: nothing overwrites it. */
static void
check_records(const uint64_t *steps, uint64_t seed, struct lab_found *out)
{
	uint64_t want[RECORDS] = {0};
	uint64_t last = 0;

	for (size_t i = 0; i < RECORDS; i++)
		last = steps[i] > last ? steps[i] : last;
	for (uint64_t step = 1; step <= last; step++)
		want[record_of(seed, step)] = step;
	for (size_t i = 0; i < RECORDS; i++) {
		if (steps[i] == want[i])
			continue;
		lab_workload_is_not(out,
		    "record %zu is of step %" PRIu64 ", after step %" PRIu64
		    " it was of step %" PRIu64,
		    i, steps[i], last, want[i]);
		return;
	}
	lab_workload_is(out, last, false);
}

static void
check(int dir, uint64_t seed, struct lab_found *out)
{
	uint64_t steps[RECORDS];
	struct buf b = {0};
	int err = lab_file_get(dir, NAME, &b);

	if (err)
		lab_workload_is_not(out, NAME ": %s", err_text(err));
	else if (read_records(buf_bytes(&b), seed, steps, out))
		check_records(steps, seed, out);
	buf_fini(&b);
}

const struct lab_workload lab_overwrite = {
    .name = "overwrite",
    .summary = "overwrites records of one file in place",
    .changes = 1,
    .begin = begin,
    .open = open_records,
    .step = overwrite,
    .close = lab_workload_close,
    .check = check,
};
