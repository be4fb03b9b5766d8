#include <limits.h>

#include "fs/vol/control.h"
#include "fs/vol/create.h"

int
vol_symlink(struct vol *v, struct vol_ctx *ctx, uint64_t parent,
    const char *name, const char *target, struct vol_attr *out)
{
	struct entry e = {.type = ENTRY_SYMLINK, .perm = 0777};
	/* A link's permissions mean nothing and show as 0777 everywhere. */
	struct vol_ctx open = *ctx;
	int err;

	open.umask = 0;
	e.content = bytes_str(target);
	e.size = e.content.size;
	if (e.size == 0)
		return -ENOENT;
	if (e.size >= PATH_MAX)
		return -ENAMETOOLONG;
	err = create_node(v, &open, (struct vol_place){parent, name}, &e, out);
	ctx->seq = open.seq;
	ctx->sync_seq = open.sync_seq;
	return err;
}

/* With the stripe held. */
static int
symlink_read(struct vol *v, struct node *n, struct buf *out)
{
	struct store_value value;
	struct entry e;
	int err;

	if (n->type != ENTRY_SYMLINK)
		return -EINVAL;
	err = node_load(v, n, &value, &e);
	if (err)
		return err;
	err = buf_assign(out, e.content);
	store_value_release(&value);
	return err;
}

int
vol_readlink(struct vol *v, uint64_t ino, struct buf *out)
{
	struct node *n;
	int err = control_is(ino) ? -EINVAL : node_get(v, ino, &n);

	if (err)
		return err;
	node_lock(v, n);
	err = symlink_read(v, n, out);
	node_unlock(v, n);
	node_put(v, n);
	return err;
}
