#include "fs/fuse/loop.h"
#include "fs/fuse/ops.h"

static struct vol_dir *
dir_of(const struct fuse_file_info *fi)
{
	return (struct vol_dir *)(uintptr_t)fi->fh;
}

static void
op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vol_dir *d;
	int err = vol_opendir(ops_vol(req), ino, &d);

	if (err != 0) {
		reply_err(req, err);
		return;
	}
	fi->fh = (uintptr_t)d;
	if (fuse_reply_open(req, fi) != 0)
		vol_releasedir(d);
}

static void
op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	vol_releasedir(dir_of(fi));
	reply_err(req, 0);
}

/* The part of an answer that is written so far. */
struct page {
	fuse_req_t req;
	char *data;
	size_t used;
	size_t size;
};

static int
page_add(void *arg, const struct vol_dirent *e)
{
	struct page *p = arg;
	struct stat st = {.st_ino = e->ino, .st_mode = e->type};
	size_t left = p->size - p->used;
	size_t n = fuse_add_direntry(
	    p->req, p->data + p->used, left, e->name, &st, (off_t)e->cookie);

	if (n > left)
		return 1;
	p->used += n;
	return 0;
}

static int
page_add_plus(void *arg, const struct vol_dirent *e)
{
	struct page *p = arg;
	struct fuse_entry_param param = {0};
	size_t left = p->size - p->used;
	size_t n;

	if (e->attr.ino != 0)
		reply_entry_param(p->req, &e->attr, &param);
	/* Without a node the kernel takes name, ino and type only. */
	param.attr.st_ino = e->ino;
	if (e->attr.ino == 0)
		param.attr.st_mode = e->type;
	n = fuse_add_direntry_plus(
	    p->req, p->data + p->used, left, e->name, &param, (off_t)e->cookie);
	if (n > left)
		return 1;
	p->used += n;
	return 0;
}

static void
list(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t cookie,
    bool plus)
{
	struct page p = {.req = req, .size = size};
	int err = -ENOMEM;

	p.data = loop_scratch(size);
	if (p.data)
		err = vol_readdir(dir_of(fi), (uint64_t)cookie, plus,
		    plus ? page_add_plus : page_add, &p);
	/* What is in the page took lookups that only the kernel can give back;
	 * the next page begins with the error. */
	if (err != 0 && p.used == 0)
		reply_err(req, err);
	else
		reply_data(req, p.data, p.used);
}

static void
op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t cookie,
    struct fuse_file_info *fi)
{
	(void)ino;
	list(req, fi, size, cookie, false);
}

static void
op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t cookie,
    struct fuse_file_info *fi)
{
	(void)ino;
	list(req, fi, size, cookie, true);
}

void
ops_dir_fill(struct fuse_lowlevel_ops *ops)
{
	ops->opendir = op_opendir;
	ops->releasedir = op_releasedir;
	ops->readdir = op_readdir;
	ops->readdirplus = op_readdirplus;
}
