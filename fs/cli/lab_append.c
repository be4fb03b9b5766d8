/*
 * append, append-fsync: one line to the end of one file.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/lab_workload.h"

#define NAME "log"

static int
begin(int dir, uint64_t seed)
{
	(void)seed;
	return lab_file_put(dir, NAME, bytes_of(NULL, 0), O_EXCL, false);
}

static int
open_log(struct lab_hand *h)
{
	h->files[1] = -1;
	h->files[0] = openat(h->dir, NAME, O_WRONLY | O_APPEND | O_CLOEXEC);
	return h->files[0] < 0 ? -errno : 0;
}

static int
append(struct lab_hand *h, uint64_t step)
{
	char line[LAB_LINE_SIZE];
	ssize_t n;

	lab_line_format(h->seed, step, line);
	n = write(h->files[0], line, sizeof(line));
	if (n < 0)
		return -errno;
	return n == LAB_LINE_SIZE ? 0 : -EIO;
}

static int
append_fsync(struct lab_hand *h, uint64_t step)
{
	int err = append(h, step);

	if (err)
		return err;
	return fsync(h->files[0]) == 0 ? 0 : -errno;
}

static void
check_lines(struct bytes log, uint64_t seed, struct lab_found *out)
{
	uint64_t lines = log.size / LAB_LINE_SIZE;
	uint64_t step;

	for (uint64_t i = 0; i < lines; i++) {
		const uint8_t *line = log.data + i * LAB_LINE_SIZE;

		if (!lab_line_parse((const char *)line, seed, &step)) {
			lab_workload_is_not(out,
			    "line %" PRIu64 " of %" PRIu64 " is not what was "
			    "written",
			    i + 1, lines);
			return;
		}
		if (step != i + 1) {
			lab_workload_is_not(out,
			    "line %" PRIu64 " is that of step %" PRIu64, i + 1,
			    step);
			return;
		}
	}
	if (log.size % LAB_LINE_SIZE != 0)
		lab_workload_is_not(out, "the last line has %zu of %d bytes",
		    log.size % LAB_LINE_SIZE, LAB_LINE_SIZE);
	else
		lab_workload_is(out, lines, false);
}

static void
check(int dir, uint64_t seed, struct lab_found *out)
{
	struct buf log = {0};
	int err = lab_file_get(dir, NAME, &log);

	if (err)
		lab_workload_is_not(out, NAME ": %s", err_text(err));
	else
		check_lines(buf_bytes(&log), seed, out);
	buf_fini(&log);
}

const struct lab_workload lab_append = {
    .name = "append",
    .summary = "appends a line to a log",
    .changes = 1,
    .begin = begin,
    .open = open_log,
    .step = append,
    .close = lab_workload_close,
    .check = check,
};

const struct lab_workload lab_append_fsync = {
    .name = "append-fsync",
    .summary = "appends a line and syncs the log",
    .durable = true,
    .changes = 1,
    .begin = begin,
    .open = open_log,
    .step = append_fsync,
    .close = lab_workload_close,
    .check = check,
};
