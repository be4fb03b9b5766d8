#include "fs/fuse/reply.h"

#include "fs/fuse/era.h"
#include "fs/fuse/loop.h"
#include "fs/fuse/served.h"
#include "fs/vol/vol_time.h"

/* All changes come through this mount, so what the kernel knows stays true. */
#define CACHE_SECONDS (365.0 * 86400)

static const struct served *
served(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct vol *
volume(fuse_req_t req)
{
	return served(req)->vol;
}

void
reply_stat(const struct vol_attr *attr, struct stat *st)
{
	*st = (struct stat){
	    .st_ino = attr->ino,
	    .st_mode = attr->mode,
	    .st_nlink = attr->nlink,
	    .st_uid = attr->uid,
	    .st_gid = attr->gid,
	    .st_rdev = attr->rdev,
	    .st_size = (off_t)attr->size,
	    .st_blocks = (blkcnt_t)attr->blocks,
	    .st_blksize = (blksize_t)attr->block_bytes,
	    .st_atim = vol_time_spec(attr->atime),
	    .st_mtim = vol_time_spec(attr->mtime),
	    .st_ctim = vol_time_spec(attr->ctime),
	};
}

void
reply_entry_param(
    fuse_req_t req, const struct vol_attr *attr, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){
	    .ino = era_node(served(req)->era, attr->ino),
	    .attr_timeout = attr->volatile_content ? 0 : CACHE_SECONDS,
	    .entry_timeout = CACHE_SECONDS,
	};
	reply_stat(attr, &e->attr);
}

/* -EUCLEAN (damage) and -EPROTONOSUPPORT mean nothing to most programs. */
static int
errno_for_users(int err)
{
	return err == ERR_DAMAGED || err == ERR_FORMAT ? EIO : -err;
}

void
reply_err(fuse_req_t req, int err)
{
	fuse_reply_err(req, errno_for_users(err));
}

/* The kernel never took the node: without this it would stay for ever. */
static void
entry_send(fuse_req_t req, const struct vol_attr *attr)
{
	struct vol *v = volume(req);
	struct fuse_entry_param e;

	reply_entry_param(req, attr, &e);
	if (fuse_reply_entry(req, &e) != 0)
		vol_forget(v, attr->ino, 1);
}

static void
attr_send(fuse_req_t req, const struct vol_attr *attr)
{
	struct stat st;

	reply_stat(attr, &st);
	fuse_reply_attr(req, &st, attr->volatile_content ? 0 : CACHE_SECONDS);
}

void
reply_send(const struct reply *r, int err)
{
	if (err != 0) {
		if (r->kind == REPLY_ENTRY)
			vol_forget(volume(r->req), r->attr.ino, 1);
		reply_err(r->req, err);
		return;
	}
	switch (r->kind) {
	case REPLY_ERR:
		reply_err(r->req, 0);
		break;
	case REPLY_ENTRY:
		entry_send(r->req, &r->attr);
		break;
	case REPLY_ATTR:
		attr_send(r->req, &r->attr);
		break;
	case REPLY_WRITE:
		fuse_reply_write(r->req, r->written);
		break;
	}
}

/* Now, or when ctx's change is durable. */
static void
send_or_defer(const struct reply *r, const struct vol_ctx *ctx)
{
	if (ctx && vol_needs_sync(volume(r->req), ctx))
		loop_defer(r, ctx->sync_seq);
	else
		reply_send(r, 0);
}

void
reply_done(fuse_req_t req, int err, const struct vol_ctx *ctx)
{
	struct reply r = {.req = req, .kind = REPLY_ERR};

	if (err != 0)
		reply_err(req, err);
	else
		send_or_defer(&r, ctx);
}

void
reply_entry(
    fuse_req_t req, const struct vol_attr *attr, const struct vol_ctx *ctx)
{
	struct reply r = {.req = req, .kind = REPLY_ENTRY, .attr = *attr};

	send_or_defer(&r, ctx);
}

void
reply_absent(fuse_req_t req)
{
	const struct served *sd = served(req);
	struct fuse_entry_param e = {.entry_timeout = CACHE_SECONDS};

	/* What a power cut brings back, an old kernel cannot be told. */
	if (sd->cut && !sd->has_epochs)
		e.entry_timeout = 0;
	fuse_reply_entry(req, &e);
}

void
reply_attr(
    fuse_req_t req, const struct vol_attr *attr, const struct vol_ctx *ctx)
{
	struct reply r = {.req = req, .kind = REPLY_ATTR, .attr = *attr};

	send_or_defer(&r, ctx);
}

void
reply_written(fuse_req_t req, size_t size, const struct vol_ctx *ctx)
{
	struct reply r = {.req = req, .kind = REPLY_WRITE, .written = size};

	/* An order changes nothing in the volume; a change during which power
	 * was cut is answered as it fared. */
	if (ctx->seq == 0 && loop_put_aside(&r))
		return;
	send_or_defer(&r, ctx);
}

void
reply_data(fuse_req_t req, const void *data, size_t size)
{
	fuse_reply_buf(req, data, size);
}
