/*
 * ops: the handlers of requests, by subject.
 *
 * Each ops_*_fill sets its handlers in libfuse's table.  A handler translates
 * one request into one call of fs/vol and its answer into one reply.
 */
#ifndef FS_FUSE_OPS_H
#define FS_FUSE_OPS_H

#include "fs/fuse/reply.h"
#include "fs/fuse/served.h"

void ops_name_fill(struct fuse_lowlevel_ops *ops); /* lookup, create, ... */
void ops_attr_fill(struct fuse_lowlevel_ops *ops); /* attributes, xattrs */
void ops_data_fill(struct fuse_lowlevel_ops *ops); /* read, write, fsync */
void ops_dir_fill(struct fuse_lowlevel_ops *ops);  /* listings */

/* Who sent the request. */
static inline struct vol_ctx
ops_ctx(fuse_req_t req)
{
	const struct fuse_ctx *c = fuse_req_ctx(req);

	/* The kernel has applied the umask already (no FUSE_CAP_DONT_MASK). */
	return (struct vol_ctx){.uid = c->uid, .gid = c->gid};
}

static inline struct vol *
ops_vol(fuse_req_t req)
{
	const struct served *sd = fuse_req_userdata(req);

	return sd->vol;
}

#endif
