#include "fs/fuse/loop.h"
#include "fs/fuse/ops.h"
#include "fs/vol/vol_time.h"

static void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vol_attr attr;
	int err = vol_getattr(ops_vol(req), ino, &attr);

	(void)fi;
	if (err != 0)
		reply_err(req, err);
	else
		reply_attr(req, &attr, NULL);
}

static const struct {
	int kernel;
	unsigned vol;
} set_bits[] = {
    {FUSE_SET_ATTR_MODE, VOL_SET_MODE},
    {FUSE_SET_ATTR_UID, VOL_SET_UID},
    {FUSE_SET_ATTR_GID, VOL_SET_GID},
    {FUSE_SET_ATTR_SIZE, VOL_SET_SIZE},
    {FUSE_SET_ATTR_ATIME, VOL_SET_ATIME},
    {FUSE_SET_ATTR_MTIME, VOL_SET_MTIME},
    {FUSE_SET_ATTR_ATIME_NOW, VOL_SET_ATIME_NOW},
    {FUSE_SET_ATTR_MTIME_NOW, VOL_SET_MTIME_NOW},
    {FUSE_SET_ATTR_CTIME, VOL_SET_CTIME},
};

static void
op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
    struct fuse_file_info *fi)
{
	struct vol_ctx ctx = ops_ctx(req);
	struct vol_set set = {
	    .mode = st->st_mode,
	    .uid = st->st_uid,
	    .gid = st->st_gid,
	    .size = (uint64_t)st->st_size,
	    .atime = vol_time_of(st->st_atim),
	    .mtime = vol_time_of(st->st_mtim),
	    .ctime = vol_time_of(st->st_ctim),
	};
	struct vol_attr attr;
	int err;

	(void)fi;
	for (size_t i = 0; i < sizeof(set_bits) / sizeof(*set_bits); i++)
		if (to_set & set_bits[i].kernel)
			set.mask |= set_bits[i].vol;
	err = vol_setattr(ops_vol(req), &ctx, ino, &set, &attr);
	if (err != 0)
		reply_err(req, err);
	else
		reply_attr(req, &attr, &ctx);
}

static void
op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
    size_t size, int flags)
{
	struct vol_ctx ctx = ops_ctx(req);
	struct vol_xattr x = {name, value, size, flags};
	int err = vol_setxattr(ops_vol(req), &ctx, ino, &x);

	reply_done(req, err, &ctx);
}

static void
op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct vol_ctx ctx = ops_ctx(req);
	int err = vol_removexattr(ops_vol(req), &ctx, ino, name);

	reply_done(req, err, &ctx);
}

/* size 0 asks how much there is. */
static void
list_reply(fuse_req_t req, int err, size_t size, const void *data, size_t got)
{
	if (err != 0)
		reply_err(req, err);
	else if (size == 0)
		fuse_reply_xattr(req, got);
	else
		reply_data(req, data, got);
}

static void
op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	void *value = size ? loop_scratch(size) : NULL;
	size_t got = 0;
	int err = -ENOMEM;

	if (value || size == 0)
		err = vol_getxattr(ops_vol(req), ino, name, value, size, &got);
	list_reply(req, err, size, value, got);
}

static void
op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	char *names = size ? loop_scratch(size) : NULL;
	size_t got = 0;
	int err = -ENOMEM;

	if (names || size == 0)
		err = vol_listxattr(ops_vol(req), ino, names, size, &got);
	list_reply(req, err, size, names, got);
}

static void
op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct vol_statfs s;
	struct statvfs st = {0};
	int err = vol_statfs(ops_vol(req), &s);

	(void)ino;
	if (err != 0) {
		reply_err(req, err);
		return;
	}
	st.f_bsize = s.block_bytes;
	st.f_frsize = s.block_bytes;
	st.f_blocks = s.total_bytes / s.block_bytes;
	st.f_bfree = s.free_bytes / s.block_bytes;
	st.f_bavail = st.f_bfree;
	st.f_namemax = s.name_max;
	fuse_reply_statfs(req, &st);
}

void
ops_attr_fill(struct fuse_lowlevel_ops *ops)
{
	ops->getattr = op_getattr;
	ops->setattr = op_setattr;
	ops->setxattr = op_setxattr;
	ops->removexattr = op_removexattr;
	ops->getxattr = op_getxattr;
	ops->listxattr = op_listxattr;
	ops->statfs = op_statfs;
}
