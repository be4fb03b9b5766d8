/*
 * notice: after a power cut the kernel forgets what it knew.
 *
 * Use: notice_collect before the volume is stopped; when it has been restarted
 * notice_begin, which waits for nobody; then, with requests being served (the
 * kernel may hold locks for processes that wait for an answer), notice_send.
 * Owns: the list, until notice_fini.
 */
#ifndef FS_FUSE_NOTICE_H
#define FS_FUSE_NOTICE_H

#include "engine/base/buf.h"

struct fuse_session;
struct served;

struct notice {
	struct buf nodes; /* 64 bits each */
	struct buf names; /* in the root, with their NULs */
};

/* What the kernel knows now.  -ENOMEM. */
int notice_collect(const struct served *sd, struct notice *n);

/* The root's attributes; and all names, if the kernel has a notice for that:
 * each is looked up anew. */
void notice_begin(struct fuse_session *se, const struct served *sd);

/* Attributes and pages of all nodes; and the names, without that notice. */
void notice_send(struct fuse_session *se, const struct notice *n);
void notice_fini(struct notice *n); /* a zeroed one is fine */

#endif
