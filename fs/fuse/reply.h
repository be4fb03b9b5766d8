/*
 * reply: answers to the kernel; the only place where -errno becomes one.
 *
 * Every handler ends with exactly one reply_* call.  Those with a ctx hold the
 * answer back until the change is durable, if the volume's policy asks for it.
 * An answer that hands out a node and fails gives the lookup back.
 */
#ifndef FS_FUSE_REPLY_H
#define FS_FUSE_REPLY_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "fs/vol/vol.h"

enum reply_kind { REPLY_ERR, REPLY_ENTRY, REPLY_ATTR, REPLY_WRITE };

/* An answer as data, so that it can wait. */
struct reply {
	fuse_req_t req;
	enum reply_kind kind;
	union {
		struct vol_attr attr; /* ENTRY, ATTR */
		size_t written;       /* WRITE */
	};
};

/* err: 0 or -errno of a call that changed nothing or only read. */
void reply_err(fuse_req_t req, int err);

/* err 0: success of a change. */
void reply_done(fuse_req_t req, int err, const struct vol_ctx *ctx);

/* A node was handed out; ctx NULL: nothing changed (lookup). */
void reply_entry(
    fuse_req_t req, const struct vol_attr *attr, const struct vol_ctx *ctx);

/* The name does not exist, and the kernel may remember that. */
void reply_absent(fuse_req_t req);
void reply_attr(
    fuse_req_t req, const struct vol_attr *attr, const struct vol_ctx *ctx);
/* Of a request that ordered a power cut: sent when that is over. */
void reply_written(fuse_req_t req, size_t size, const struct vol_ctx *ctx);
void reply_data(fuse_req_t req, const void *data, size_t size);

/* Sends a deferred answer; err: what the sync gave. */
void reply_send(const struct reply *r, int err);

/* The kernel's form of attributes, and how long they hold. */
void reply_stat(const struct vol_attr *attr, struct stat *st);
void reply_entry_param(
    fuse_req_t req, const struct vol_attr *attr, struct fuse_entry_param *e);

#endif
