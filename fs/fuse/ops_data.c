#include "fs/fuse/loop.h"
#include "fs/fuse/ops.h"
#include "fs/vol/vol_lab.h"

/*
 * State hangs on the inode, so there is nothing to open or release: ENOSYS,
 * once, makes the kernel stop asking and keep its page cache.
 */
static void
op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	reply_err(req, -ENOSYS);
}

/*
 * There is nothing to flush either, but where changes are synced after they
 * were answered, close(2) is the last to tell that this failed.  Under sync
 * whoever made the change was told, and under none nobody syncs but who is
 * told: there the kernel stops asking, and closing costs nothing.  What counts
 * is the policy at mount time, since the kernel asks no more.
 */
static void
op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct served *sd = fuse_req_userdata(req);

	(void)ino;
	(void)fi;
	reply_err(req, sd->closes_tell ? vol_failure(sd->vol) : -ENOSYS);
}

static void
op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	void *data = loop_scratch(size);
	size_t got = 0;
	int err = -ENOMEM;

	(void)fi;
	if (data)
		err = vol_read(
		    ops_vol(req), ino, (uint64_t)offset, data, size, &got);
	if (err != 0)
		reply_err(req, err);
	else
		reply_data(req, data, got);
}

static void
op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
    off_t offset, struct fuse_file_info *fi)
{
	struct vol_ctx ctx = ops_ctx(req);
	int err = vol_write(
	    ops_vol(req), &ctx, ino, (uint64_t)offset, bytes_of(data, size));

	(void)fi;
	if (err != 0)
		reply_err(req, err);
	else
		reply_written(req, size, &ctx);
}

/* There is one log: with the file goes everything acknowledged before. */
static void
op_fsync(
    fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	const struct served *sd = fuse_req_userdata(req);
	struct reply r = {.req = req, .kind = REPLY_ERR};

	(void)ino;
	(void)datasync;
	(void)fi;
	if (sd->fsync_ignored) {
		vol_fsync_ignored(sd->vol);
		reply_err(req, 0);
		return;
	}
	loop_defer(&r, vol_seq(ops_vol(req)));
}

void
ops_data_fill(struct fuse_lowlevel_ops *ops)
{
	ops->open = op_open;
	ops->flush = op_flush;
	ops->read = op_read;
	ops->write = op_write;
	ops->fsync = op_fsync;
	ops->fsyncdir = op_fsync;
}
