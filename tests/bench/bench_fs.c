/*
 * bench_fs: what a mounted directory gives to one program after another.
 *
 * Usage: bench_fs DIR [FILES]
 * Makes FILES (default 20000) files of 128 bytes in DIR/bench, looks at them,
 * reads, appends, overwrites, replaces, lists and removes them, and prints
 * operations per second for each.  Exit 1 if anything fails.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES 128

static int dir_fd;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
open_file(long i, int flags)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "f%07ld", i);
	fd = openat(dir_fd, name, flags, 0644);
	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

static void
put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		err(1, "write");
}

static const char content[FILE_BYTES];

static void
do_create(long i)
{
	int fd = open_file(i, O_WRONLY | O_CREAT | O_EXCL);

	put(fd, content, sizeof(content));
	close(fd);
}

static void
do_create_fsync(long i)
{
	int fd = open_file(i + 10000000 / 2, O_WRONLY | O_CREAT | O_EXCL);

	put(fd, content, sizeof(content));
	if (fsync(fd) != 0)
		err(1, "fsync");
	close(fd);
}

static void
do_stat(long i)
{
	char name[32];
	struct stat st;

	snprintf(name, sizeof(name), "f%07ld", i);
	if (fstatat(dir_fd, name, &st, 0) != 0 || st.st_size != FILE_BYTES)
		err(1, "stat %s", name);
}

static void
do_miss(long i)
{
	char name[32];
	struct stat st;

	snprintf(name, sizeof(name), "none%07ld", i);
	if (fstatat(dir_fd, name, &st, 0) == 0)
		errx(1, "%s is there", name);
}

static void
do_read(long i)
{
	char data[FILE_BYTES + 1];
	int fd = open_file(i, O_RDONLY);

	if (read(fd, data, sizeof(data)) != FILE_BYTES)
		err(1, "read");
	close(fd);
}

static void
do_overwrite(long i)
{
	int fd = open_file(i, O_WRONLY | O_TRUNC);

	put(fd, content, sizeof(content));
	close(fd);
}

static void
do_append(long i)
{
	static int fd = -1;

	if (fd < 0)
		fd = open_file(9999999, O_WRONLY | O_CREAT | O_APPEND);
	(void)i;
	put(fd, content, 64);
}

static void
do_replace(long i)
{
	char from[32], to[32];
	int fd = open_file(9999998, O_WRONLY | O_CREAT | O_EXCL);

	put(fd, content, sizeof(content));
	close(fd);
	snprintf(from, sizeof(from), "f%07d", 9999998);
	snprintf(to, sizeof(to), "f%07ld", i);
	if (renameat(dir_fd, from, dir_fd, to) != 0)
		err(1, "rename");
}

static void
do_unlink(long i)
{
	char name[32];

	snprintf(name, sizeof(name), "f%07ld", i);
	if (unlinkat(dir_fd, name, 0) != 0)
		err(1, "unlink %s", name);
}

static void
do_list(long i)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);

	(void)i;
	if (!d)
		err(1, "opendir");
	while (readdir(d))
		;
	closedir(d);
}

static void
measure(const char *name, void (*op)(long), long count, long unit)
{
	double begin = now();

	for (long i = 0; i < count; i++)
		op(i);
	printf("%-14s %10.0f /s\n", name,
	    (double)(count * unit) / (now() - begin));
	fflush(stdout);
}

static void
measure_stream(long mib)
{
	size_t size = 1u << 20;
	char *data = calloc(1, size);
	int fd = open_file(9999997, O_RDWR | O_CREAT);
	double begin = now();

	if (!data)
		err(1, "calloc");
	memset(data, 'x', size);
	for (long i = 0; i < mib; i++)
		put(fd, data, size);
	printf(
	    "%-14s %10.0f MB/s\n", "seqwrite", (double)mib / (now() - begin));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	begin = now();
	for (long i = 0; i < mib; i++)
		if (pread(fd, data, size, i << 20) != (ssize_t)size)
			err(1, "pread");
	printf("%-14s %10.0f MB/s\n", "seqread", (double)mib / (now() - begin));
	begin = now();
	for (long i = 0; i < 5000; i++)
		if (pwrite(fd, data, 4096, (i * 7919 % (mib * 256)) * 4096) !=
		    4096)
			err(1, "pwrite");
	printf("%-14s %10.0f /s\n", "randwrite4k", 5000 / (now() - begin));
	close(fd);
	do_unlink(9999997);
	free(data);
}

int
main(int argc, char **argv)
{
	long files = argc > 2 ? atol(argv[2]) : 20000;
	char path[4096];

	if (argc < 2 || files < 1 || files > 1000000)
		errx(2, "usage: bench_fs DIR [FILES]");
	snprintf(path, sizeof(path), "%s/bench", argv[1]);
	if (mkdir(path, 0755) != 0)
		err(1, "%s", path);
	dir_fd = open(path, O_RDONLY | O_DIRECTORY);
	if (dir_fd < 0)
		err(1, "%s", path);
	measure("create", do_create, files, 1);
	measure("stat", do_stat, files, 1);
	measure("miss", do_miss, files, 1);
	measure("read", do_read, files, 1);
	measure("read again", do_read, files, 1);
	measure("overwrite", do_overwrite, files, 1);
	measure("append64", do_append, files, 1);
	measure("replace", do_replace, files, 1);
	measure("list", do_list, 5, files);
	measure("unlink", do_unlink, files, 1);
	measure("create+fsync", do_create_fsync, files / 20 + 1, 1);
	for (long i = 0; i < files / 20 + 1; i++)
		do_unlink(i + 10000000 / 2);
	do_unlink(9999999);
	measure_stream(64);
	if (rmdir(path) != 0)
		err(1, "%s", path);
	return 0;
}
