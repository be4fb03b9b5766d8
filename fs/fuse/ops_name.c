#include "fs/fuse/ops.h"

#include <linux/fs.h>

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct vol_attr attr;
	int err = vol_lookup(ops_vol(req), parent, name, &attr);

	if (err == 0)
		reply_entry(req, &attr, NULL);
	else if (err == -ENOENT)
		reply_absent(req);
	else
		reply_err(req, err);
}

static void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	vol_forget(ops_vol(req), ino, count);
	fuse_reply_none(req);
}

static void
op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *list)
{
	for (size_t i = 0; i < count; i++)
		vol_forget(ops_vol(req), list[i].ino, list[i].nlookup);
	fuse_reply_none(req);
}

static void
created(fuse_req_t req, int err, const struct vol_attr *attr,
    const struct vol_ctx *ctx)
{
	if (err != 0)
		reply_err(req, err);
	else
		reply_entry(req, attr, ctx);
}

static void
op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    dev_t rdev)
{
	struct vol_ctx ctx = ops_ctx(req);
	struct vol_attr how = {.mode = mode, .rdev = rdev};
	struct vol_attr attr;
	int err = vol_mknod(ops_vol(req), &ctx, parent, name, &how, &attr);

	created(req, err, &attr, &ctx);
}

static void
op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct vol_ctx ctx = ops_ctx(req);
	struct vol_attr attr;
	int err = vol_mkdir(ops_vol(req), &ctx, parent, name, mode, &attr);

	created(req, err, &attr, &ctx);
}

static void
op_symlink(
    fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct vol_ctx ctx = ops_ctx(req);
	struct vol_attr attr;
	int err = vol_symlink(ops_vol(req), &ctx, parent, name, target, &attr);

	created(req, err, &attr, &ctx);
}

static void
op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct buf target = {0};
	int err = vol_readlink(ops_vol(req), ino, &target);

	if (err == 0)
		err = buf_append_u8(&target, 0);
	if (err == 0)
		fuse_reply_readlink(req, (const char *)target.data);
	else
		reply_err(req, err);
	buf_fini(&target);
}

static void
op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct vol_ctx ctx = ops_ctx(req);
	int err = vol_unlink(ops_vol(req), &ctx, parent, name);

	reply_done(req, err, &ctx);
}

static void
op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct vol_ctx ctx = ops_ctx(req);
	int err = vol_rmdir(ops_vol(req), &ctx, parent, name);

	reply_done(req, err, &ctx);
}

static void
op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t newparent, const char *newname, unsigned flags)
{
	struct vol_ctx ctx = ops_ctx(req);
	unsigned known = RENAME_NOREPLACE | RENAME_EXCHANGE;
	unsigned how = 0;
	int err = -EINVAL;

	if (flags & RENAME_NOREPLACE)
		how |= VOL_RENAME_NOREPLACE;
	if (flags & RENAME_EXCHANGE)
		how |= VOL_RENAME_EXCHANGE;
	if ((flags & ~known) == 0)
		err = vol_rename(ops_vol(req), &ctx,
		    (struct vol_place){parent, name},
		    (struct vol_place){newparent, newname}, how);
	reply_done(req, err, &ctx);
}

void
ops_name_fill(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = op_lookup;
	ops->forget = op_forget;
	ops->forget_multi = op_forget_multi;
	ops->mknod = op_mknod;
	ops->mkdir = op_mkdir;
	ops->symlink = op_symlink;
	ops->readlink = op_readlink;
	ops->unlink = op_unlink;
	ops->rmdir = op_rmdir;
	ops->rename = op_rename;
}
