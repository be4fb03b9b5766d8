#include "tests/support/file.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>

int
file_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		check_fail("open %s: -%s", path, strerrorname_np(errno));
	return fd;
}

void
file_close(int fd)
{
	check_ok(call(close(fd)));
}

void
file_put(const char *path, const char *text)
{
	int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC);

	check_eq(call(write(fd, text, strlen(text))), strlen(text));
	file_close(fd);
}

void
file_fd_is(int fd, const char *text)
{
	size_t size = strlen(text) + 1;
	char *got = calloc(1, size + 1);
	ssize_t n;

	check_true(got != NULL);
	n = pread(fd, got, size, 0);
	check_eq(call(n), strlen(text));
	check_str(got, text);
	free(got);
}

void
file_is(const char *path, const char *text)
{
	int fd = file_open(path, O_RDONLY);

	file_fd_is(fd, text);
	file_close(fd);
}

static uint8_t
byte_at(uint64_t offset, unsigned tag)
{
	struct check_rand r = check_rand_of(offset / 8 + (uint64_t)tag * 77773);

	return (uint8_t)(check_rand(&r) >> (offset % 8 * 8));
}

void
file_fill(int fd, uint64_t offset, size_t size, unsigned tag)
{
	uint8_t *data = malloc(size + 1);

	check_true(data != NULL);
	for (size_t i = 0; i < size; i++)
		data[i] = byte_at(offset + i, tag);
	check_eq(call(pwrite(fd, data, size, (off_t)offset)), size);
	free(data);
}

static uint8_t *
read_all(int fd, uint64_t offset, size_t size)
{
	uint8_t *data = malloc(size + 1);
	size_t done = 0;

	check_true(data != NULL);
	while (done < size) {
		ssize_t n =
		    pread(fd, data + done, size - done, (off_t)(offset + done));

		if (n <= 0)
			check_fail("read at %llu of %zu bytes: %lld",
			    (unsigned long long)(offset + done), size - done,
			    (long long)call(n));
		done += (size_t)n;
	}
	return data;
}

void
file_holds(int fd, uint64_t offset, size_t size, unsigned tag)
{
	uint8_t *data = read_all(fd, offset, size);

	for (size_t i = 0; i < size; i++)
		if (data[i] != byte_at(offset + i, tag))
			check_fail("byte %llu is 0x%02x, not 0x%02x",
			    (unsigned long long)(offset + i), data[i],
			    byte_at(offset + i, tag));
	free(data);
}

void
file_is_zero(int fd, uint64_t offset, size_t size)
{
	uint8_t *data = read_all(fd, offset, size);

	for (size_t i = 0; i < size; i++)
		if (data[i] != 0)
			check_fail("byte %llu is 0x%02x, not 0",
			    (unsigned long long)(offset + i), data[i]);
	free(data);
}

struct stat
file_stat(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		check_fail("stat %s: -%s", path, strerrorname_np(errno));
	return st;
}

uint64_t
file_size(const char *path)
{
	return (uint64_t)file_stat(path).st_size;
}

struct stat
file_fstat(int fd)
{
	struct stat st;

	check_ok(call(fstat(fd, &st)));
	return st;
}

bool
file_exists(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return true;
	check_eq(errno, ENOENT);
	return false;
}

size_t
file_count(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	check_true(d != NULL);
	while (readdir(d))
		n++;
	check_ok(closedir(d));
	check_true(n >= 2);
	return n - 2;
}

void
file_nap(void)
{
	const struct timespec t = {.tv_nsec = 20000000};

	nanosleep(&t, NULL);
}
