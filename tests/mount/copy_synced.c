/*
 * copy_synced: copies a tree, file by file, each one durable before the next.
 *
 *   copy_synced FROM TO LIST
 *
 * Directories, files (with mode and mtime) and links.  A file is written,
 * fsynced and closed; then its path, relative to FROM, is a line in LIST.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t from_size;
static const char *to_dir;
static FILE *list;

static int
failed(const char *path)
{
	fprintf(stderr, "copy_synced: %s: %s\n", path, strerror(errno));
	return 1;
}

static int
copy_bytes(int from, int to)
{
	static char data[65536];
	ssize_t n;

	while ((n = read(from, data, sizeof(data))) > 0)
		if (write(to, data, (size_t)n) != n)
			return -1;
	return n < 0 ? -1 : 0;
}

static int
finish_file(int fd, const struct stat *st)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};

	if (fchmod(fd, st->st_mode & 07777) != 0 || futimens(fd, times) != 0 ||
	    fsync(fd) != 0)
		return -1;
	return 0;
}

static int
copy_file(const char *path, const char *target, const struct stat *st)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err = -1;

	if (from >= 0 && to >= 0 && copy_bytes(from, to) == 0)
		err = finish_file(to, st);
	if (to >= 0 && close(to) != 0)
		err = -1;
	if (from >= 0)
		close(from);
	if (err != 0)
		return failed(target);
	fprintf(list, "%s\n", path + from_size);
	return fflush(list) == 0 ? 0 : failed("the list");
}

static int
copy_link(const char *path, const char *target)
{
	char link[4096];
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	if (n < 0)
		return failed(path);
	link[n] = 0;
	return symlink(link, target) == 0 ? 0 : failed(target);
}

static int
copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char target[8192];

	(void)ftw;
	snprintf(target, sizeof(target), "%s%s", to_dir, path + from_size);
	if (type == FTW_D)
		return mkdir(target, 0755) == 0 ? 0 : failed(target);
	if (type == FTW_SL)
		return copy_link(path, target);
	return S_ISREG(st->st_mode) ? copy_file(path, target, st) : 0;
}

int
main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: copy_synced FROM TO LIST\n");
		return 2;
	}
	from_size = strlen(argv[1]);
	to_dir = argv[2];
	list = fopen(argv[3], "w");
	if (!list)
		return failed(argv[3]);
	return nftw(argv[1], copy_one, 32, FTW_PHYS);
}
