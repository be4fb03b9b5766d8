/*
 * pair: a counter in two files, always first in the one, then in the other.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/lab_workload.h"

static const char *const names[2] = {"a", "b"};

static int
begin(int dir, uint64_t seed)
{
	char line[LAB_LINE_SIZE];
	int err = 0;

	lab_line_format(seed, 0, line);
	for (int i = 0; err == 0 && i < 2; i++)
		err = lab_file_put(
		    dir, names[i], bytes_of(line, sizeof(line)), O_EXCL, false);
	return err;
}

static int
open_both(struct lab_hand *h)
{
	h->files[0] = openat(h->dir, names[0], O_WRONLY | O_CLOEXEC);
	h->files[1] = openat(h->dir, names[1], O_WRONLY | O_CLOEXEC);
	return h->files[0] < 0 || h->files[1] < 0 ? -errno : 0;
}

static int
count(struct lab_hand *h, uint64_t step)
{
	char line[LAB_LINE_SIZE];

	lab_line_format(h->seed, step, line);
	for (int i = 0; i < 2; i++) {
		ssize_t n = pwrite(h->files[i], line, sizeof(line), 0);

		if (n != LAB_LINE_SIZE)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static bool
read_counter(int dir, const char *name, uint64_t seed, uint64_t *n,
    struct lab_found *out)
{
	struct buf b = {0};
	int err = lab_file_get(dir, name, &b);
	bool ok = err == 0 && b.size == LAB_LINE_SIZE &&
		  lab_line_parse((const char *)b.data, seed, n);

	if (err)
		lab_workload_is_not(out, "%s: %s", name, err_text(err));
	else if (!ok)
		lab_workload_is_not(out,
		    "%s: these %zu bytes are what no step wrote", name, b.size);
	buf_fini(&b);
	return ok;
}

static void
check(int dir, uint64_t seed, struct lab_found *out)
{
	uint64_t a, b;

	if (!read_counter(dir, names[0], seed, &a, out) ||
	    !read_counter(dir, names[1], seed, &b, out))
		return;
	if (a < b || a - b > 1)
		lab_workload_is_not(out,
		    "a is %" PRIu64 " and b %" PRIu64
		    "; b <= a <= b + 1 at any moment",
		    a, b);
	else
		lab_workload_is(out, b, a != b);
}

const struct lab_workload lab_pair = {
    .name = "pair",
    .summary = "writes a counter to one file, then to another",
    .changes = 2,
    .begin = begin,
    .open = open_both,
    .step = count,
    .close = lab_workload_close,
    .check = check,
};
