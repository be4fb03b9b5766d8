#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/cli/command.h"
#include "fs/cli/mount_table.h"
#include "fs/cli/report.h"
#include "fs/cli/tree.h"

/* The store is mounted: system calls on one name at a time, relative to the
 * descriptor of its directory, so that no symbolic link leads elsewhere.  A
 * handle is a descriptor. */

#define CHUNK_BYTES (256u << 10)

static int
result(int rc)
{
	return rc < 0 ? -errno : 0;
}

/* --- directories ---------------------------------------------------------- */

static int
dir_open(struct tree *t, struct tree_place at, tree_handle *out)
{
	struct tree_name name = tree_name_of(at.name);
	int fd = openat((int)at.dir, name.text,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	(void)t;
	if (fd < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	*out = fd;
	return 0;
}

static void
dir_close(struct tree *t, tree_handle dir)
{
	if (dir != t->root)
		close((int)dir);
}

static int
stat_name(struct tree *t, struct tree_place at, struct stat *out)
{
	struct tree_name name = tree_name_of(at.name);

	(void)t;
	return result(
	    fstatat((int)at.dir, name.text, out, AT_SYMLINK_NOFOLLOW));
}

static int
add_entry(
    struct tree *t, tree_handle dir, const struct dirent *e, struct list *names)
{
	struct tree_place at = {dir, bytes_str(e->d_name)};
	mode_t type = (mode_t)DTTOIF((unsigned)e->d_type);
	struct stat st;

	if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
		return 0;
	if (e->d_type == DT_UNKNOWN) {
		int err = stat_name(t, at, &st);

		if (err != 0)
			return err == -ENOENT ? 0 : err;
		type = st.st_mode;
	}
	return list_add(names, at.name, type);
}

static int
list(struct tree *t, tree_handle dir, struct list *out)
{
	int fd = openat((int)dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct list names = {0};
	struct dirent *e;
	int err = 0;

	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (err == 0 && (errno = 0, e = readdir(d)))
		err = add_entry(t, dir, e, &names);
	if (err == 0)
		err = -errno;
	closedir(d);
	if (err == 0)
		*out = names;
	else
		list_fini(&names);
	return err;
}

/* --- attributes ----------------------------------------------------------- */

static int
stat_dir(struct tree *t, tree_handle dir, struct stat *out)
{
	(void)t;
	return result(fstat((int)dir, out));
}

static int
read_link(struct tree *t, struct tree_place at, struct buf *out)
{
	struct tree_name name = tree_name_of(at.name);
	int err = buf_reserve(out, PATH_MAX);
	ssize_t n;

	(void)t;
	if (err != 0)
		return err;
	n = readlinkat(
	    (int)at.dir, name.text, (char *)out->data + out->size, PATH_MAX);
	if (n < 0)
		return -errno;
	out->size += (size_t)n;
	return 0;
}

/* --- files ---------------------------------------------------------------- */

static int
open_flags(struct tree_place at, int flags, mode_t perm, tree_handle *out)
{
	struct tree_name name = tree_name_of(at.name);
	/* A fifo that has come here meanwhile must not hold us up. */
	int fd = openat((int)at.dir, name.text,
	    flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, perm);

	if (fd < 0)
		return -errno;
	*out = fd;
	return 0;
}

static int
file_open(struct tree *t, struct tree_place at, bool writable, tree_handle *out)
{
	(void)t;
	return open_flags(at, writable ? O_WRONLY : O_RDONLY, 0, out);
}

static int
file_create(struct tree *t, struct tree_place at, mode_t perm, tree_handle *out)
{
	(void)t;
	return open_flags(at, O_WRONLY | O_CREAT | O_EXCL, perm, out);
}

static int
file_read(struct tree *t, tree_handle f, uint64_t offset, struct buf *out)
{
	int err = buf_reserve(out, CHUNK_BYTES);
	ssize_t n;

	(void)t;
	if (err != 0)
		return err;
	do
		n = pread(
		    (int)f, out->data + out->size, CHUNK_BYTES, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	out->size += (size_t)n;
	return 0;
}

static int
file_write(struct tree *t, tree_handle f, uint64_t offset, struct bytes content)
{
	(void)t;
	while (content.size > 0) {
		ssize_t n =
		    pwrite((int)f, content.data, content.size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		offset += (size_t)n;
		content = bytes_of(content.data + n, content.size - (size_t)n);
	}
	return 0;
}

/* Owner first: changing it may clear bits of the mode. */
static int
file_own(struct tree *t, tree_handle f, const struct stat *like)
{
	int err = result(fchown((int)f, like->st_uid, like->st_gid));

	(void)t;
	return err ? err : result(fchmod((int)f, like->st_mode & 07777));
}

/* Also hands over what the kernel may have kept back of our writes. */
static int
file_close(struct tree *t, tree_handle f)
{
	(void)t;
	return result(close((int)f));
}

/* --- xattrs --------------------------------------------------------------- */

static int
taken(ssize_t n, size_t *got)
{
	if (n < 0)
		return -errno;
	*got = (size_t)n;
	return 0;
}

static int
xattr_list(struct tree *t, tree_handle f, char *out, size_t *got)
{
	(void)t;
	return taken(flistxattr((int)f, out, TREE_XATTR_BYTES), got);
}

static int
xattr_get(
    struct tree *t, tree_handle f, const char *name, void *out, size_t *got)
{
	(void)t;
	return taken(fgetxattr((int)f, name, out, TREE_XATTR_BYTES), got);
}

static int
xattr_set(struct tree *t, tree_handle f, const char *name, struct bytes value)
{
	(void)t;
	return result(fsetxattr((int)f, name, value.data, value.size, 0));
}

/* --- names ---------------------------------------------------------------- */

static int
make_dir(struct tree *t, struct tree_place at, mode_t perm)
{
	struct tree_name name = tree_name_of(at.name);

	(void)t;
	return result(mkdirat((int)at.dir, name.text, perm));
}

static int
remove_name(struct tree *t, struct tree_place at, bool is_dir)
{
	struct tree_name name = tree_name_of(at.name);

	(void)t;
	return result(
	    unlinkat((int)at.dir, name.text, is_dir ? AT_REMOVEDIR : 0));
}

static int
rename_to(struct tree *t, struct tree_place from, struct bytes to)
{
	struct tree_name old = tree_name_of(from.name), new = tree_name_of(to);

	(void)t;
	return result(
	    renameat((int)from.dir, old.text, (int)from.dir, new.text));
}

/* There is one log: any fsync makes everything durable. */
static int
sync_all(struct tree *t)
{
	return result(fsync((int)t->root));
}

/* --- opening -------------------------------------------------------------- */

static int
close_tree(struct tree *t)
{
	close((int)t->root);
	free(t);
	return COMMAND_DONE;
}

static const struct tree_ops ops = {
    .close = close_tree,
    .dir_open = dir_open,
    .dir_close = dir_close,
    .list = list,
    .stat = stat_name,
    .stat_dir = stat_dir,
    .readlink = read_link,
    .file_open = file_open,
    .file_create = file_create,
    .file_read = file_read,
    .file_write = file_write,
    .file_own = file_own,
    .file_close = file_close,
    .xattr_list = xattr_list,
    .xattr_get = xattr_get,
    .xattr_set = xattr_set,
    .mkdir = make_dir,
    .remove = remove_name,
    .rename = rename_to,
    .sync = sync_all,
};

static int
refuse(const char *mountpoint, int err)
{
	if (mount_table_died(err))
		report(mountpoint,
		    "the process that served this mount has died; nothing is "
		    "lost: keyfs umount %s",
		    mountpoint);
	else
		report_errno(mountpoint, "cannot use the mount", err);
	return COMMAND_UNUSABLE;
}

int
tree_mount_open(const char *mountpoint, struct tree **out)
{
	struct statvfs fs;
	struct tree *t;
	int fd;

	/* Attributes of a dead mount are still cached; its statfs is not. */
	if (statvfs(mountpoint, &fs) != 0)
		return refuse(mountpoint, -errno);
	fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse(mountpoint, -errno);
	t = calloc(1, sizeof(*t));
	if (!t) {
		close(fd);
		return refuse(mountpoint, -ENOMEM);
	}
	*t = (struct tree){.ops = &ops, .root = fd};
	*out = t;
	return COMMAND_DONE;
}
