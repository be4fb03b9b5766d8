#include "fs/vol/remove.h"

#include "fs/record/key.h"
#include "fs/vol/control.h"
#include "fs/vol/orphan.h"
#include "fs/vol/touch.h"

static int
remove_check_empty(struct vol *v, struct bytes prefix)
{
	struct buf lower = {0}, upper = {0};
	struct store_iter *it = NULL;
	int r = key_entry_range(&lower, &upper, prefix);

	if (r == 0)
		r = store_iter_open_keys(
		    v->store, buf_bytes(&lower), buf_bytes(&upper), &it);
	if (r == 0) {
		r = store_iter_seek(it, buf_bytes(&lower));
		store_iter_close(it);
	}
	buf_fini(&upper);
	buf_fini(&lower);
	return r == 1 ? -ENOTEMPTY : r;
}

/* What has keys of its own beside the entry needs an O record. */
static bool
remove_needs_purge(const struct entry *e)
{
	return e->has_big_xattrs || (e->type == ENTRY_FILE && !e->is_inline);
}

int
remove_prepare(struct vol *v, struct store_batch *b, const struct lookup *found,
    struct prefix_place at, struct remove *r)
{
	int err = 0;

	r->e = found->entry;
	r->e.nlink = 0;
	r->e.ctime = state_now();
	if (r->e.type == ENTRY_DIR) {
		err = remove_check_empty(v, r->e.prefix);
		if (err == 0)
			err = prefix_remove(b, &r->e, at);
	}
	if (err)
		return err;
	if (remove_needs_purge(&r->e))
		return orphan_put(b, &r->e);
	return found->node ? entry_encode(&r->kept, &r->e) : 0;
}

void
remove_commit(const struct lookup *found, struct remove *r)
{
	if (found->node)
		node_unlink(found->node, &r->e, &r->kept);
	else
		r->purge = remove_needs_purge(&r->e);
}

void
remove_end(struct vol *v, struct remove *r)
{
	int err = r->purge ? orphan_purge(v, r->e.ino) : 0;

	if (err)
		err_log(&v->sink, ERR_LEVEL_WARNING,
		    "inode %llu could not be purged, next mount tries again: "
		    "%s",
		    (unsigned long long)r->e.ino, err_text(err));
	buf_fini(&r->kept);
}

/* --- unlink, rmdir --------------------------------------------------- */

/* One removal on its way. */
struct remove_op {
	struct vol *v;
	struct vol_ctx *ctx;
	struct store_batch *b;
	struct node *parent;
	struct bytes name;
	bool is_rmdir;
	struct lookup found;
	struct touch touch;
	struct remove remove;
};

/* With the stripes held. */
static int
remove_write(struct remove_op *op)
{
	struct prefix_place at = {buf_bytes(&op->parent->prefix), op->name};
	int err = lookup_refresh(op->v, &op->found);

	if (err == 0)
		err = remove_prepare(op->v, op->b, &op->found, at, &op->remove);
	if (err == 0)
		err = touch_begin(
		    op->v, op->parent, op->remove.e.ctime, &op->touch);
	if (err == 0 && op->is_rmdir)
		err = touch_links(&op->touch, -1);
	if (err == 0)
		err = store_batch_delete(op->b, buf_bytes(&op->found.key));
	if (err == 0)
		err = touch_save(op->v, op->b, &op->touch);
	if (err == 0)
		err = state_commit(op->v, op->ctx, op->b, op->parent->policy);
	if (err)
		return err;
	touch_commit(op->v, &op->touch);
	remove_commit(&op->found, &op->remove);
	op->v->names_changes++;
	return 0;
}

/* With v->names held. */
static int
remove_named(struct remove_op *op)
{
	struct node *nodes[2] = {op->parent};
	int err = lookup_check_dir(op->parent);

	if (err == 0)
		err = lookup_begin(op->v, op->parent, op->name, &op->found);
	if (err)
		return err;
	if (!op->found.exists)
		return -ENOENT;
	if (op->is_rmdir && op->found.entry.type != ENTRY_DIR)
		return -ENOTDIR;
	if (!op->is_rmdir && op->found.entry.type == ENTRY_DIR)
		return -EISDIR;
	nodes[1] = op->found.node;
	node_lock_many(op->v, nodes, 2);
	err = remove_write(op);
	node_unlock_many(op->v, nodes, 2);
	touch_end(&op->touch);
	return err;
}

static int
remove_run(struct remove_op *op, struct vol_place at)
{
	struct vol *v = op->v;
	int err;

	op->name = bytes_str(at.name);
	if (control_is(at.parent) || control_is_name(at.parent, op->name))
		return -EPERM;
	err = key_check_name(op->name);
	if (err == 0)
		err = node_get(v, at.parent, &op->parent);
	if (err)
		return err;
	op->b = state_batch_take(v);
	rwlock_write(&v->names);
	err = op->b ? remove_named(op) : -ENOMEM;
	rwlock_release(&v->names);
	state_batch_give(v, op->b);
	remove_end(v, &op->remove);
	lookup_end(v, &op->found);
	node_put(v, op->parent);
	return err;
}

int
vol_unlink(
    struct vol *v, struct vol_ctx *ctx, uint64_t parent, const char *name)
{
	struct remove_op op = {.v = v, .ctx = ctx};

	return remove_run(&op, (struct vol_place){parent, name});
}

int
vol_rmdir(struct vol *v, struct vol_ctx *ctx, uint64_t parent, const char *name)
{
	struct remove_op op = {.v = v, .ctx = ctx, .is_rmdir = true};

	return remove_run(&op, (struct vol_place){parent, name});
}
