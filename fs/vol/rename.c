#include "engine/base/must.h"
#include "fs/record/key.h"
#include "fs/vol/control.h"
#include "fs/vol/lookup.h"
#include "fs/vol/prefix.h"
#include "fs/vol/remove.h"
#include "fs/vol/touch.h"

/* One of the two names. */
struct rename_side {
	struct node *parent;
	struct bytes name;
	struct prefix_place place;
	struct lookup found;
	struct entry moved; /* what stands here, as it will stand there */
	struct buf key;     /* where it will stand, for its node */
	struct touch touch; /* the parent; `from` only if it is the same */
};

/* One renaming on its way. */
struct rename {
	struct vol *v;
	struct vol_ctx *ctx;
	struct store_batch *b;
	unsigned flags;
	int64_t now;
	struct rename_side from;
	struct rename_side to;
	struct remove remove; /* what `to` was */
};

static bool
rename_is_dir(const struct rename_side *s)
{
	return s->found.exists && s->found.entry.type == ENTRY_DIR;
}

static bool
rename_is_exchange(const struct rename *r)
{
	return r->flags & VOL_RENAME_EXCHANGE;
}

static bool
rename_has_one_parent(const struct rename *r)
{
	return r->from.parent == r->to.parent;
}

/*
 * Would dir come to stand below itself, in the directory `below` or above it?
 * Prefixes cannot tell, as they stay behind when directories move; but every
 * directory in memory holds its parent in memory (node.h), `below` is in
 * memory, and the ways up stand still while v->names is held for writing.
 */
static int
rename_check_loop(uint64_t dir, const struct node *below)
{
	for (; below; below = below->parent)
		if (below->ino == dir)
			return -EINVAL;
	return 0;
}

static int
rename_check_types(const struct rename *r)
{
	const struct rename_side *from = &r->from, *to = &r->to;
	int err = 0;

	if (rename_is_dir(from))
		err = rename_check_loop(from->found.entry.ino, to->parent);
	if (err || !to->found.exists)
		return err;
	if (rename_is_exchange(r))
		return rename_is_dir(to)
			   ? rename_check_loop(
				 to->found.entry.ino, from->parent)
			   : 0;
	if (rename_is_dir(from) && !rename_is_dir(to))
		return -ENOTDIR;
	return !rename_is_dir(from) && rename_is_dir(to) ? -EISDIR : 0;
}

/* 0, <0, or 1: both names are the same, nothing is to be done. */
static int
rename_find(struct rename *r)
{
	int err = lookup_check_dir(r->from.parent);

	if (err == 0)
		err = lookup_check_dir(r->to.parent);
	if (err == 0)
		err = lookup_begin(
		    r->v, r->from.parent, r->from.name, &r->from.found);
	if (err == 0 && !r->from.found.exists)
		err = -ENOENT;
	if (err == 0)
		err =
		    lookup_begin(r->v, r->to.parent, r->to.name, &r->to.found);
	if (err)
		return err;
	if (rename_is_exchange(r) && !r->to.found.exists)
		return -ENOENT;
	if ((r->flags & VOL_RENAME_NOREPLACE) && r->to.found.exists)
		return -EEXIST;
	if (rename_has_one_parent(r) && bytes_eq(r->from.name, r->to.name))
		return 1;
	return rename_check_types(r);
}

/* --- the batch; with the stripes held -------------------------------- */

/* Puts what stands at `s` under the key of `there`. */
static int
rename_put_moved(
    struct rename *r, struct rename_side *s, const struct rename_side *there)
{
	struct buf record = {0};
	int err = buf_assign(&s->key, buf_bytes(&there->found.key));

	s->moved = s->found.entry;
	s->moved.ctime = r->now;
	if (err == 0)
		err = entry_encode(&record, &s->moved);
	if (err == 0)
		err = store_batch_put(
		    r->b, buf_bytes(&s->key), buf_bytes(&record));
	if (err == 0 && rename_is_dir(s))
		err = prefix_move(r->b, &s->moved, s->place, there->place);
	buf_fini(&record);
	return err;
}

static int
rename_put_names(struct rename *r)
{
	int err = rename_put_moved(r, &r->from, &r->to);

	if (err)
		return err;
	if (rename_is_exchange(r))
		return rename_put_moved(r, &r->to, &r->from);
	if (r->to.found.exists)
		err = remove_prepare(
		    r->v, r->b, &r->to.found, r->to.place, &r->remove);
	if (err)
		return err;
	return store_batch_delete(r->b, buf_bytes(&r->from.found.key));
}

/* How many subdirectories `to` has more afterwards, and `from` fewer; what is
 * replaced counts for `to` alone. */
static int
rename_count_links(struct rename *r)
{
	struct touch *from = &r->from.touch;
	struct touch *to = rename_has_one_parent(r) ? from : &r->to.touch;
	int err = 0;

	if (rename_is_dir(&r->to))
		err = touch_links(to, -1);
	if (err == 0 && rename_is_dir(&r->from))
		err = touch_links(from, -1);
	if (err == 0 && rename_is_dir(&r->from))
		err = touch_links(to, 1);
	if (err == 0 && rename_is_dir(&r->to) && rename_is_exchange(r))
		err = touch_links(from, 1);
	return err;
}

static int
rename_put_parents(struct rename *r)
{
	bool two = !rename_has_one_parent(r);
	int err = touch_begin(r->v, r->from.parent, r->now, &r->from.touch);

	if (err == 0 && two)
		err = touch_begin(r->v, r->to.parent, r->now, &r->to.touch);
	if (err == 0)
		err = rename_count_links(r);
	if (err == 0)
		err = touch_save(r->v, r->b, &r->from.touch);
	if (err == 0 && two)
		err = touch_save(r->v, r->b, &r->to.touch);
	return err;
}

/* After the batch was written: the node of what stood at s. */
static void
rename_commit_moved(
    struct rename *r, struct rename_side *s, const struct rename_side *there)
{
	struct node *n = s->found.node;

	if (!n)
		return;
	node_set_key(n, &s->key);
	must(node_commit(r->v, n, &s->moved) == 0); /* it is linked */
	if (n->parent && !rename_has_one_parent(r))
		node_set_parent(r->v, n, there->parent);
}

static void
rename_commit(struct rename *r)
{
	rename_commit_moved(r, &r->from, &r->to);
	if (rename_is_exchange(r))
		rename_commit_moved(r, &r->to, &r->from);
	else if (r->to.found.exists)
		remove_commit(&r->to.found, &r->remove);
	touch_commit(r->v, &r->from.touch);
	if (!rename_has_one_parent(r))
		touch_commit(r->v, &r->to.touch);
	r->v->names_changes++;
}

/* Both parents'. */
static uint64_t
rename_policy(const struct rename *r)
{
	uint64_t from = r->from.parent->policy, to = r->to.parent->policy;
	struct durability a, b;

	if (from == to)
		return from;
	if (!policy_unpack(from, &a))
		store_get_durability(r->v->store, &a);
	if (!policy_unpack(to, &b))
		store_get_durability(r->v->store, &b);
	a = policy_strictest(&a, &b);
	return policy_pack(&a);
}

static int
rename_write(struct rename *r)
{
	int err = lookup_refresh(r->v, &r->from.found);

	if (err == 0 && r->to.found.exists)
		err = lookup_refresh(r->v, &r->to.found);
	r->now = state_now();
	if (err == 0)
		err = rename_put_names(r);
	if (err == 0)
		err = rename_put_parents(r);
	if (err == 0)
		err = state_commit(r->v, r->ctx, r->b, rename_policy(r));
	if (err == 0)
		rename_commit(r);
	return err;
}

/* With v->names held. */
static int
rename_named(struct rename *r)
{
	struct node *nodes[4] = {r->from.parent, r->to.parent};
	int err = rename_find(r);

	if (err)
		return err == 1 ? 0 : err;
	nodes[2] = r->from.found.node;
	nodes[3] = r->to.found.node;
	node_lock_many(r->v, nodes, 4);
	err = rename_write(r);
	node_unlock_many(r->v, nodes, 4);
	return err;
}

/* --- in and out ------------------------------------------------------ */

static int
rename_side_begin(struct vol *v, struct vol_place at, struct rename_side *s)
{
	int err;

	s->name = bytes_str(at.name);
	if (control_is(at.parent) || control_is_name(at.parent, s->name))
		return -EPERM;
	err = key_check_name(s->name);
	if (err == 0)
		err = node_get(v, at.parent, &s->parent);
	if (err)
		return err;
	s->place =
	    (struct prefix_place){buf_bytes(&s->parent->prefix), s->name};
	return 0;
}

static void
rename_side_end(struct vol *v, struct rename_side *s)
{
	touch_end(&s->touch);
	buf_fini(&s->key);
	lookup_end(v, &s->found);
	node_put(v, s->parent);
}

int
vol_rename(struct vol *v, struct vol_ctx *ctx, struct vol_place from,
    struct vol_place to, unsigned flags)
{
	const unsigned both = VOL_RENAME_NOREPLACE | VOL_RENAME_EXCHANGE;
	struct rename r = {.v = v, .ctx = ctx, .flags = flags};
	int err;

	if ((flags & ~both) || flags == both)
		return -EINVAL;
	err = rename_side_begin(v, from, &r.from);
	if (err == 0)
		err = rename_side_begin(v, to, &r.to);
	if (err == 0) {
		r.b = state_batch_take(v);
		rwlock_write(&v->names);
		err = r.b ? rename_named(&r) : -ENOMEM;
		rwlock_release(&v->names);
		state_batch_give(v, r.b);
	}
	remove_end(v, &r.remove);
	rename_side_end(v, &r.to);
	rename_side_end(v, &r.from);
	return err;
}
