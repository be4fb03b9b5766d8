#include "fs/vol/control.h"
#include "fs/vol/data.h"

int
vol_getattr(struct vol *v, uint64_t ino, struct vol_attr *out)
{
	struct node *n;
	int err;

	if (control_is(ino))
		return control_getattr(v, ino, out);
	err = node_get(v, ino, &n);
	if (err)
		return err;
	node_lock(v, n);
	node_attr(v, n, out);
	node_unlock(v, n);
	node_put(v, n);
	return 0;
}

/* One change on its way. */
struct attr_change {
	struct vol *v;
	struct vol_ctx *ctx;
	const struct vol_set *set;
	struct store_batch *b;
	struct data_resize resize;
};

static void
attr_set_times(struct entry *e, const struct vol_set *set)
{
	int64_t now = state_now();

	e->ctime = set->mask & VOL_SET_CTIME ? set->ctime : now;
	if (set->mask & VOL_SET_ATIME_NOW)
		e->atime = now;
	else if (set->mask & VOL_SET_ATIME)
		e->atime = set->atime;
	if (set->mask & VOL_SET_MTIME_NOW)
		e->mtime = now;
	else if (set->mask & VOL_SET_MTIME)
		e->mtime = set->mtime;
	else if (set->mask & VOL_SET_SIZE)
		e->mtime = now;
}

static int
attr_apply(struct attr_change *c, struct node *n, struct entry *e)
{
	const struct vol_set *set = c->set;

	/* Symbolic links have no permissions to change (chmod(2) says
	 * EOPNOTSUPP before it gets here). */
	if (set->mask & VOL_SET_MODE)
		e->perm = (uint16_t)(set->mode & 07777);
	if (set->mask & VOL_SET_UID)
		e->uid = set->uid;
	if (set->mask & VOL_SET_GID)
		e->gid = set->gid;
	attr_set_times(e, set);
	if (!(set->mask & VOL_SET_SIZE))
		return 0;
	return data_resize(c->v, c->b, n, e, set->size, &c->resize);
}

/* With the stripe held. */
static int
attr_write(struct attr_change *c, struct node *n)
{
	struct store_value value = {0};
	struct entry e;
	int err = node_load(c->v, n, &value, &e);

	if (err == 0)
		err = attr_apply(c, n, &e);
	if (err == 0)
		err = node_save(c->v, c->b, n, &e);
	if (err == 0)
		err = state_commit(c->v, c->ctx, c->b, n->policy);
	if (err == 0)
		err = node_commit(c->v, n, &e);
	data_resize_end(c->v, n, &c->resize, err);
	store_value_release(&value);
	return err;
}

int
vol_setattr(struct vol *v, struct vol_ctx *ctx, uint64_t ino,
    const struct vol_set *set, struct vol_attr *out)
{
	struct attr_change c = {.v = v, .ctx = ctx, .set = set};
	struct node *n;
	int err;

	if (control_is(ino))
		return control_setattr(v, ino, set, out);
	err = node_get(v, ino, &n);
	if (err)
		return err;
	c.b = state_batch_take(v);
	node_lock(v, n);
	err = c.b ? 0 : -ENOMEM;
	if (err == 0 && set->mask)
		err = attr_write(&c, n);
	if (err == 0)
		node_attr(v, n, out);
	node_unlock(v, n);
	state_batch_give(v, c.b);
	node_put(v, n);
	return err;
}
