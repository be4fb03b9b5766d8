#include "tests/support/control.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/program.h"

static void
cut_path(const char *mnt, char path[600])
{
	(void)snprintf(path, 600, "%s/.keyfs/power-cut", mnt);
}

static bool
read_cuts(const char *path, unsigned *n)
{
	FILE *f = fopen(path, "r");
	bool found = false;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		found |= sscanf(line, "cuts %u", n) == 1;
	if (f)
		fclose(f);
	return found;
}

/* The file itself is of before the cut, if that comes between opening and
 * reading it: then it is read again. */
unsigned
control_cuts(const char *mnt)
{
	char path[600];
	unsigned n = 0;
	bool found = false;

	cut_path(mnt, path);
	for (int i = 0; i < 100 && !found; i++) {
		found = read_cuts(path, &n);
		if (!found)
			program_pause_us(10000);
	}
	check_true(found);
	return n;
}

int
control_order_cut(const char *mnt, const char *text)
{
	size_t size = strlen(text);
	char path[600];
	int fd, rc;

	cut_path(mnt, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check_true(fd >= 0);
	rc = write(fd, text, size) == (ssize_t)size ? 0 : -1;
	if (close(fd) != 0)
		rc = -1;
	return rc;
}
