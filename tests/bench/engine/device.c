#include "tests/bench/engine/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_BYTES   (16u << 20)
#define RECORD_EXTRA 16 /* lengths, checksum */

static void
check(bool right, const char *what)
{
	if (!right)
		peer_die("device", what, strerror(errno));
}

static int
written_file(const char *path)
{
	static const uint8_t zeros[1u << 16];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0, path);
	for (size_t at = 0; at < FILE_BYTES; at += sizeof(zeros))
		check(pwrite(fd, zeros, sizeof(zeros), (off_t)at) ==
			  (ssize_t)sizeof(zeros),
		    path);
	check(fsync(fd) == 0, path);
	return fd;
}

void
device_open(struct device *d, const struct run *r)
{
	*d = (struct device){.writes = 0};
	d->record_bytes = shape_bytes(&r->shape, 0, 1) + RECORD_EXTRA;
	(void)snprintf(d->path, sizeof(d->path), "%s.device", r->dir);
	d->fd = written_file(d->path);
}

void
device_write(struct device *d)
{
	uint8_t record[SHAPE_KEY_MAX + SHAPE_VALUE_MAX + RECORD_EXTRA];
	size_t size = d->record_bytes;
	uint64_t at = d->writes++ * size % (FILE_BYTES - size);

	memset(record, 'd', size);
	check(pwrite(d->fd, record, size, (off_t)at) == (ssize_t)size, "write");
	check(fdatasync(d->fd) == 0, "sync");
}

void
device_close(struct device *d)
{
	close(d->fd);
	(void)unlink(d->path);
}
