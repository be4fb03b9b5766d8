/*
 * write_files: files with content that follows from their numbers.
 *
 *   write_files DIRECTORY SIZE COUNT
 *	writes 0, 1, 2 ... until all are there or one fails; what was not
 *	written as a whole is removed again.  Prints how many there are.
 *   write_files --check DIRECTORY SIZE COUNT
 *	are they that, and nothing else?
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
	unsigned long size, count, done = 0;
	char path[4096];
	uint8_t *data;
	int status = 0;

	if (argc != 4 + is_check) {
		fprintf(stderr, "usage: write_files [--check] DIRECTORY SIZE "
				"COUNT\n");
		return 2;
	}
	argv += is_check;
	size = strtoul(argv[2], NULL, 10);
	count = strtoul(argv[3], NULL, 10);
	data = malloc(size + 1);
	if (!data)
		return failed(argv[1], "no memory");
	while (status == 0 && done < count) {
		fill(data, size, done);
		snprintf(path, sizeof(path), "%s/%lu", argv[1], done);
		status = is_check ? check(path, data, size)
				  : create(path, data, size);
		done += status == 0;
	}
	free(data);
	printf("%lu\n", done);
	return status;
}
