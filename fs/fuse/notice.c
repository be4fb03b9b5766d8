#include "fs/fuse/notice.h"

#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "fs/fuse/era.h"
#include "fs/fuse/reply.h"
#include "fs/fuse/served.h"
#include "fs/vol/vol_lab.h"

/* FUSE_NOTIFY_INC_EPOCH (7.44, Linux 6.16) is newer than the headers and the
 * library: every dentry of before is looked up again at its next use. */
#define INC_EPOCH 8

struct collecting {
	const struct served *sd;
	struct notice *n;
	int err;
};

static void
collect(void *ctx, uint64_t ino, const char *name)
{
	struct collecting *c = ctx;
	uint64_t node = era_node(c->sd->era, ino);

	if (c->err == 0)
		c->err = buf_append(&c->n->nodes, &node, sizeof(node));
	if (c->err == 0 && name && !c->sd->has_epochs)
		c->err = buf_append(&c->n->names, name, strlen(name) + 1);
}

int
notice_collect(const struct served *sd, struct notice *n)
{
	struct collecting c = {.sd = sd, .n = n};

	vol_each_known(sd->vol, collect, &c);
	return c.err;
}

void
notice_begin(struct fuse_session *se, const struct served *sd)
{
	struct fuse_out_header epoch = {
	    .len = sizeof(epoch),
	    .error = INC_EPOCH,
	};
	ssize_t done;

	fuse_lowlevel_notify_inval_inode(se, VOL_INO_ROOT, 0, 0);
	if (!sd->has_epochs)
		return;
	done = write(fuse_session_fd(se), &epoch, sizeof(epoch));
	(void)done; /* fails when the kernel has unmounted */
}

/* That the kernel does not know one of them any more is no error. */
void
notice_send(struct fuse_session *se, const struct notice *n)
{
	size_t name_size;

	for (size_t at = 0; at < n->names.size; at += name_size + 1) {
		const char *name = (const char *)n->names.data + at;

		name_size = strlen(name);
		fuse_lowlevel_notify_inval_entry(
		    se, VOL_INO_ROOT, name, name_size);
	}
	for (size_t at = 0; at < n->nodes.size; at += sizeof(uint64_t)) {
		uint64_t node;

		memcpy(&node, n->nodes.data + at, sizeof(node));
		fuse_lowlevel_notify_inval_inode(se, node, 0, 0);
	}
}

void
notice_fini(struct notice *n)
{
	buf_fini(&n->nodes);
	buf_fini(&n->names);
}
