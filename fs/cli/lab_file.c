#include "fs/cli/lab_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#define CHUNK 65536

static int
fill(int fd, struct bytes content, bool sync)
{
	ssize_t n = 0;

	if (content.size > 0)
		n = write(fd, content.data, content.size);
	if (n < 0)
		return -errno;
	if ((size_t)n != content.size)
		return -EIO;
	return sync && fsync(fd) != 0 ? -errno : 0;
}

int
lab_file_put(
    int dir, const char *name, struct bytes content, int flags, bool sync)
{
	int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
	int err;

	if (fd < 0)
		return -errno;
	err = fill(fd, content, sync);
	if (close(fd) != 0 && err == 0)
		err = -errno;
	return err;
}

int
lab_file_get(int dir, const char *name, struct buf *out)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (err == 0 && n > 0) {
		err = buf_reserve(out, CHUNK);
		if (err)
			break;
		n = read(fd, out->data + out->size, CHUNK);
		if (n < 0)
			err = -errno;
		else
			out->size += (size_t)n;
	}
	close(fd);
	return err;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
lab_file_remove(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ||
	    errno == ENOENT)
		return 0;
	return -errno;
}
