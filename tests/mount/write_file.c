/*
 * write_file: one file with content that follows from a number.
 *
 *   write_file PATH SIZE NUMBER            creates it; fails as write(2) does
 *   write_file --check PATH SIZE NUMBER    is it that, and nothing else?
 *
 * What could not be written as a whole is removed again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
failed(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	return 1;
}

/* splitmix64 */
static void
fill(uint8_t *data, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size; i++) {
		uint64_t z = (number << 32) + (i + 1) * 0x9e3779b97f4a7c15;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		data[i] = (uint8_t)(z >> 27);
	}
}

static int
create(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n;
	int err;

	if (fd < 0)
		return failed(path, strerror(errno));
	n = write(fd, data, size);
	err = n < 0 ? errno : (size_t)n < size ? ENOSPC : 0;
	if (close(fd) != 0 && err == 0)
		err = errno;
	if (err == 0)
		return 0;
	unlink(path);
	return failed(path, strerror(err));
}

static int
check(const char *path, const uint8_t *data, size_t size)
{
	uint8_t *got = malloc(size + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t n = 0;

	if (!got || fd < 0)
		return failed(path, strerror(errno));
	while (done <= size && (n = read(fd, got + done, size + 1 - done)) > 0)
		done += (size_t)n;
	close(fd);
	if (n < 0)
		return failed(path, strerror(errno));
	if (done != size || memcmp(got, data, size) != 0)
		return failed(path, "has other content");
	free(got);
	return 0;
}

int
main(int argc, char **argv)
{
	int is_check = argc == 5 && strcmp(argv[1], "--check") == 0;
	uint8_t *data;
	size_t size;
	int status;

	if (argc != 4 + is_check) {
		fprintf(
		    stderr, "usage: write_file [--check] PATH SIZE NUMBER\n");
		return 2;
	}
	argv += is_check;
	size = strtoul(argv[2], NULL, 10);
	data = malloc(size + 1);
	if (!data)
		return failed(argv[1], "no memory");
	fill(data, size, strtoul(argv[3], NULL, 10));
	status =
	    is_check ? check(argv[1], data, size) : create(argv[1], data, size);
	free(data);
	return status;
}
