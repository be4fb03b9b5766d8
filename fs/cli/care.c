#include "fs/cli/care.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/cli/mount_table.h"
#include "fs/cli/report.h"

#define CARE_CHUNK 65536

int
care_open(const char *path, const struct local_options *o, struct care *out)
{
	struct local_holder holder = {0};
	int status = COMMAND_DONE;

	*out = (struct care){.path = path};
	/* realpath fails on the mount of a daemon that has died. */
	if (!realpath(path, out->mountpoint))
		snprintf(out->mountpoint, sizeof(out->mountpoint), "%s", path);
	if (mount_table_find(out->mountpoint, NULL, 0))
		return COMMAND_DONE;
	out->mountpoint[0] = '\0';
	status = local_open_wait(path, o, &out->local, &holder);
	if (status == COMMAND_DONE && !out->local.store)
		snprintf(out->mountpoint, sizeof(out->mountpoint), "%s",
		    holder.mountpoint);
	return status;
}

int
care_close(struct care *c)
{
	return c->local.store ? local_close(&c->local, c->path) : COMMAND_DONE;
}

/* --- control files -------------------------------------------------------- */

static int
care_control_open(const struct care *c, const char *file, int flags, int *fd)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/.keyfs/%s", c->mountpoint, file);
	*fd = open(path, flags | O_CLOEXEC);
	if (*fd >= 0)
		return COMMAND_DONE;
	report(path, "cannot be opened: %s", err_text(-errno));
	return COMMAND_UNUSABLE;
}

int
care_order(const struct care *c, const char *file)
{
	int fd;
	int status = care_control_open(c, file, O_WRONLY, &fd);

	if (status != COMMAND_DONE)
		return status;
	if (write(fd, "1\n", 2) < 0)
		status = report_errno(c->path, file, -errno);
	close(fd);
	return status;
}

static int
care_read_all(int fd, struct buf *out)
{
	for (;;) {
		int err = buf_reserve(out, CARE_CHUNK);
		ssize_t n;

		if (err)
			return err;
		n = read(fd, out->data + out->size, CARE_CHUNK);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		out->size += (size_t)n;
	}
}

int
care_read(const struct care *c, const char *file, struct buf *out)
{
	int fd;
	int status = care_control_open(c, file, O_RDONLY, &fd);
	int err;

	if (status != COMMAND_DONE)
		return status;
	err = care_read_all(fd, out);
	close(fd);
	return err ? report_errno(c->path, file, err) : COMMAND_DONE;
}

/* --- commands ------------------------------------------------------------- */

int
care_run(const struct command *command, int argc, char **argv,
    const struct local_options *o, int (*here)(const struct care *c))
{
	struct care care;
	int status, closed;

	if (argc != 2 || argv[1][0] == '-')
		return command_usage(command);
	status = care_open(argv[1], o, &care);
	if (status != COMMAND_DONE)
		return status;
	status = care_is_mounted(&care) ? care_order(&care, command->name)
					: here(&care);
	closed = care_close(&care);
	return status == COMMAND_DONE ? closed : status;
}
