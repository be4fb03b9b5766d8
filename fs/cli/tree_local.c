#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/cli/local.h"
#include "fs/cli/report.h"
#include "fs/cli/tree.h"
#include "fs/vol/vol_time.h"

/* The store is opened by this process; a handle is an inode number on which
 * we hold one lookup. */

#define CHUNK_BYTES (256u << 10)

struct tree_local {
	struct tree t;
	struct local local;
	mode_t umask;
};

static struct tree_local *
of(struct tree *t)
{
	return (struct tree_local *)t;
}

static struct vol *
vol_of(struct tree *t)
{
	return of(t)->local.vol;
}

static struct vol_ctx
ctx_of(struct tree *t)
{
	return (struct vol_ctx){
	    .uid = geteuid(),
	    .gid = getegid(),
	    .umask = of(t)->umask,
	};
}

/* --- directories ---------------------------------------------------------- */

/* Takes one lookup. */
static int
lookup(struct tree *t, struct tree_place at, struct vol_attr *out)
{
	struct tree_name name = tree_name_of(at.name);

	return vol_lookup(vol_of(t), (uint64_t)at.dir, name.text, out);
}

static void
forget(struct tree *t, tree_handle h)
{
	if (h != t->root)
		vol_forget(vol_of(t), (uint64_t)h, 1);
}

static int
dir_open(struct tree *t, struct tree_place at, tree_handle *out)
{
	struct vol_attr attr;
	int err = lookup(t, at, &attr);

	if (err != 0)
		return err;
	if (!S_ISDIR(attr.mode)) {
		forget(t, (tree_handle)attr.ino);
		return -ENOTDIR;
	}
	*out = (tree_handle)attr.ino;
	return 0;
}

struct listing {
	struct list *list;
	int err;
};

static int
add_entry(void *ctx, const struct vol_dirent *e)
{
	struct listing *l = ctx;

	if (strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0)
		l->err = list_add(l->list, bytes_str(e->name), e->type);
	return l->err;
}

static int
list(struct tree *t, tree_handle dir, struct list *out)
{
	struct list names = {0};
	struct listing l = {.list = &names};
	struct vol_dir *d;
	int err = vol_opendir(vol_of(t), (uint64_t)dir, &d);

	if (err != 0)
		return err;
	err = vol_readdir(d, 0, false, add_entry, &l);
	vol_releasedir(d);
	if (err == 0)
		err = l.err;
	if (err == 0)
		*out = names;
	else
		list_fini(&names);
	return err;
}

/* --- attributes ----------------------------------------------------------- */

static void
stat_of(const struct vol_attr *a, struct stat *out)
{
	*out = (struct stat){
	    .st_ino = a->ino,
	    .st_mode = a->mode,
	    .st_nlink = a->nlink,
	    .st_uid = a->uid,
	    .st_gid = a->gid,
	    .st_rdev = a->rdev,
	    .st_size = (off_t)a->size,
	    .st_blocks = (blkcnt_t)a->blocks,
	    .st_blksize = (blksize_t)a->block_bytes,
	    .st_atim = vol_time_spec(a->atime),
	    .st_mtim = vol_time_spec(a->mtime),
	    .st_ctim = vol_time_spec(a->ctime),
	};
}

static int
stat_name(struct tree *t, struct tree_place at, struct stat *out)
{
	struct vol_attr attr;
	int err = lookup(t, at, &attr);

	if (err != 0)
		return err;
	forget(t, (tree_handle)attr.ino);
	stat_of(&attr, out);
	return 0;
}

static int
stat_dir(struct tree *t, tree_handle dir, struct stat *out)
{
	struct vol_attr attr;
	int err = vol_getattr(vol_of(t), (uint64_t)dir, &attr);

	if (err == 0)
		stat_of(&attr, out);
	return err;
}

static int
read_link(struct tree *t, struct tree_place at, struct buf *out)
{
	struct vol_attr attr;
	int err = lookup(t, at, &attr);

	if (err != 0)
		return err;
	err = vol_readlink(vol_of(t), attr.ino, out);
	forget(t, (tree_handle)attr.ino);
	return err;
}

/* --- files ---------------------------------------------------------------- */

static int
file_open(struct tree *t, struct tree_place at, bool writable, tree_handle *out)
{
	struct vol_attr attr;
	int err = lookup(t, at, &attr);

	(void)writable;
	if (err == 0)
		*out = (tree_handle)attr.ino;
	return err;
}

static int
file_create(struct tree *t, struct tree_place at, mode_t perm, tree_handle *out)
{
	struct tree_name name = tree_name_of(at.name);
	struct vol_attr how = {.mode = S_IFREG | perm};
	struct vol_ctx ctx = ctx_of(t);
	struct vol_attr attr;
	int err = vol_mknod(
	    vol_of(t), &ctx, (uint64_t)at.dir, name.text, &how, &attr);

	if (err == 0)
		*out = (tree_handle)attr.ino;
	return err;
}

static int
file_read(struct tree *t, tree_handle f, uint64_t offset, struct buf *out)
{
	size_t got;
	int err = buf_reserve(out, CHUNK_BYTES);

	if (err != 0)
		return err;
	err = vol_read(vol_of(t), (uint64_t)f, offset, out->data + out->size,
	    CHUNK_BYTES, &got);
	if (err == 0)
		out->size += got;
	return err;
}

static int
file_write(struct tree *t, tree_handle f, uint64_t offset, struct bytes content)
{
	struct vol_ctx ctx = ctx_of(t);

	return vol_write(vol_of(t), &ctx, (uint64_t)f, offset, content);
}

static int
file_own(struct tree *t, tree_handle f, const struct stat *like)
{
	struct vol_ctx ctx = ctx_of(t);
	struct vol_attr attr;
	const struct vol_set set = {
	    .mask = VOL_SET_MODE | VOL_SET_UID | VOL_SET_GID,
	    .mode = like->st_mode & 07777,
	    .uid = like->st_uid,
	    .gid = like->st_gid,
	};

	return vol_setattr(vol_of(t), &ctx, (uint64_t)f, &set, &attr);
}

static int
file_close(struct tree *t, tree_handle f)
{
	forget(t, f);
	return 0;
}

/* --- xattrs --------------------------------------------------------------- */

static int
xattr_list(struct tree *t, tree_handle f, char *out, size_t *got)
{
	return vol_listxattr(
	    vol_of(t), (uint64_t)f, out, TREE_XATTR_BYTES, got);
}

static int
xattr_get(
    struct tree *t, tree_handle f, const char *name, void *out, size_t *got)
{
	return vol_getxattr(
	    vol_of(t), (uint64_t)f, name, out, TREE_XATTR_BYTES, got);
}

static int
xattr_set(struct tree *t, tree_handle f, const char *name, struct bytes value)
{
	const struct vol_xattr x = {name, value.data, value.size, 0};
	struct vol_ctx ctx = ctx_of(t);

	return vol_setxattr(vol_of(t), &ctx, (uint64_t)f, &x);
}

/* --- names ---------------------------------------------------------------- */

static int
make_dir(struct tree *t, struct tree_place at, mode_t perm)
{
	struct tree_name name = tree_name_of(at.name);
	struct vol_ctx ctx = ctx_of(t);
	struct vol_attr attr;
	int err = vol_mkdir(
	    vol_of(t), &ctx, (uint64_t)at.dir, name.text, perm, &attr);

	if (err == 0)
		forget(t, (tree_handle)attr.ino);
	return err;
}

static int
remove_name(struct tree *t, struct tree_place at, bool is_dir)
{
	struct tree_name name = tree_name_of(at.name);
	struct vol_ctx ctx = ctx_of(t);

	if (is_dir)
		return vol_rmdir(vol_of(t), &ctx, (uint64_t)at.dir, name.text);
	return vol_unlink(vol_of(t), &ctx, (uint64_t)at.dir, name.text);
}

static int
rename_to(struct tree *t, struct tree_place from, struct bytes to)
{
	struct tree_name old = tree_name_of(from.name), new = tree_name_of(to);
	struct vol_place a = {(uint64_t)from.dir, old.text};
	struct vol_place b = {(uint64_t)from.dir, new.text};
	struct vol_ctx ctx = ctx_of(t);

	return vol_rename(vol_of(t), &ctx, a, b, 0);
}

static int
sync_all(struct tree *t)
{
	return vol_sync(vol_of(t), vol_seq(vol_of(t)));
}

/* --- opening -------------------------------------------------------------- */

static int
close_tree(struct tree *t)
{
	int status = local_close(&of(t)->local, t->path);

	free(t);
	return status;
}

static const struct tree_ops ops = {
    .close = close_tree,
    .dir_open = dir_open,
    .dir_close = forget,
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

int
tree_local_open(struct local *l, struct tree **out)
{
	struct tree_local *t = calloc(1, sizeof(*t));

	if (!t) {
		local_close(l, NULL);
		return report_errno(NULL, "opening", -ENOMEM);
	}
	t->t = (struct tree){.ops = &ops, .root = VOL_INO_ROOT};
	t->local = *l;
	t->umask = umask(0);
	umask(t->umask);
	*out = &t->t;
	return 0;
}
