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

static uint64_t
write_synced(int fd, size_t size, uint64_t i)
{
	uint8_t record[SHAPE_KEY_MAX + SHAPE_VALUE_MAX + RECORD_EXTRA];
	uint64_t at = i * size % (FILE_BYTES - size);

	memset(record, 'd', size);
	check(pwrite(fd, record, size, (off_t)at) == (ssize_t)size, "write");
	check(fdatasync(fd) == 0, "sync");
	return size;
}

void
device_sync(struct run *r, double seconds, struct tally *t)
{
	size_t size = shape_bytes(&r->shape, 0, 1) + RECORD_EXTRA;
	uint64_t begin, now, late;
	char path[PATH_MAX + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "%s.device", r->dir);
	fd = written_file(path);
	memset(t, 0, sizeof(*t));
	begin = now = measure_ns();
	late = begin + (uint64_t)(seconds * 1e9);
	while (now < late) {
		uint64_t then = now;

		t->given_bytes += write_synced(fd, size, t->ops++);
		now = measure_ns();
		hist_add(&t->hist, now - then);
	}
	t->seconds = (double)(now - begin) / 1e9;
	close(fd);
	(void)unlink(path);
}
