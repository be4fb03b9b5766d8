#include "fs/vol/create.h"

#include <sys/stat.h>

#include "fs/record/key.h"
#include "fs/vol/control.h"
#include "fs/vol/lookup.h"
#include "fs/vol/prefix.h"
#include "fs/vol/touch.h"

/* One creation on its way. */
struct create {
	struct vol *v;
	struct vol_ctx *ctx;
	struct store_batch *b;
	struct node *parent;
	struct bytes name;
	struct entry *e;
	struct buf key;
	struct buf prefix;
	struct buf xattrs;
	struct touch touch;
	struct node *made;
};

static int
create_check_absent(struct create *c)
{
	struct store_value value = {0};
	int r = lookup_check_dir(c->parent);

	if (r == 0)
		r = key_entry(&c->key, buf_bytes(&c->parent->prefix), c->name);
	if (r == 0)
		r = store_get(c->v->store, buf_bytes(&c->key), &value);
	store_value_release(&value);
	return r == 1 ? -EEXIST : r;
}

/* Number and prefix. */
static int
create_identify(struct create *c)
{
	struct prefix_place at = {buf_bytes(&c->parent->prefix), c->name};
	int err = state_ino(c->v, c->b, &c->e->ino);

	if (err || c->e->type != ENTRY_DIR)
		return err;
	err = prefix_choose(c->v, at, c->e->ino, &c->prefix);
	c->e->prefix = buf_bytes(&c->prefix);
	return err;
}

/* Owner, mode and times; the group is the parent's if that says so. */
static void
create_fill(struct create *c, int64_t now)
{
	struct entry *e = c->e;
	const struct entry *dir = &c->touch.e;

	e->perm &= (uint16_t)(07777 & ~c->ctx->umask);
	e->uid = c->ctx->uid;
	e->gid = c->ctx->gid;
	if (dir->perm & S_ISGID) {
		e->gid = dir->gid;
		if (e->type == ENTRY_DIR)
			e->perm |= S_ISGID;
	}
	e->nlink = e->type == ENTRY_DIR ? 2 : 1;
	e->is_inline = e->type == ENTRY_FILE;
	e->atime = e->mtime = e->ctime = e->btime = now;
}

static int
create_put(struct create *c)
{
	struct buf record = {0};
	int err = entry_encode(&record, c->e);

	if (err == 0)
		err = store_batch_put(
		    c->b, buf_bytes(&c->key), buf_bytes(&record));
	buf_fini(&record);
	return err;
}

/* What may have a policy gets its directory's. */
static int
create_inherit(struct create *c)
{
	struct entry *e = c->e;
	int err;

	if (c->parent->policy == POLICY_STORE || !policy_is_for(e->type))
		return 0;
	err = policy_inherit(&c->xattrs, c->touch.e.xattrs);
	e->xattrs = buf_bytes(&c->xattrs);
	return err;
}

/* With the parent's stripe held. */
static int
create_write(struct create *c)
{
	struct node_source src = {.entry = c->e};
	int64_t now = state_now();
	int err = touch_begin(c->v, c->parent, now, &c->touch);

	if (err == 0 && c->e->type == ENTRY_DIR)
		err = touch_links(&c->touch, 1);
	if (err == 0)
		err = create_inherit(c);
	if (err)
		return err;
	create_fill(c, now);
	src.key = buf_bytes(&c->key);
	src.parent = c->e->type == ENTRY_DIR ? c->parent : NULL;
	err = node_new(&src, &c->made);
	if (err == 0)
		err = create_put(c);
	if (err == 0)
		err = touch_save(c->v, c->b, &c->touch);
	if (err == 0)
		err = state_commit(c->v, c->ctx, c->b, c->parent->policy);
	if (err == 0)
		touch_commit(c->v, &c->touch);
	return err;
}

/* With v->names held. */
static int
create_named(struct create *c, struct vol_attr *out)
{
	int err = create_check_absent(c);

	if (err == 0)
		err = create_identify(c);
	if (err)
		return err;
	node_lock(c->v, c->parent);
	err = create_write(c);
	node_unlock(c->v, c->parent);
	touch_end(&c->touch);
	if (err) {
		node_discard(c->made);
		return err;
	}
	state_ino_written(c->v);
	c->v->names_changes++;
	/* Before anybody else can know it. */
	node_attr(c->v, c->made, out);
	node_attach(c->v, c->made, 1);
	return 0;
}

int
create_node(struct vol *v, struct vol_ctx *ctx, struct vol_place at,
    struct entry *e, struct vol_attr *out)
{
	struct create c = {.v = v, .ctx = ctx, .e = e};
	int err;

	c.name = bytes_str(at.name);
	if (control_is(at.parent) || control_is_name(at.parent, c.name))
		return -EPERM;
	err = key_check_name(c.name);
	if (err == 0)
		err = node_get(v, at.parent, &c.parent);
	if (err)
		return err;
	c.b = state_batch_take(v);
	rwlock_write(&v->names);
	err = c.b ? create_named(&c, out) : -ENOMEM;
	rwlock_release(&v->names);
	state_batch_give(v, c.b);
	/* node_attach left the lookup; the maker's reference goes. */
	if (err == 0)
		node_put(v, c.made);
	node_put(v, c.parent);
	buf_fini(&c.xattrs);
	buf_fini(&c.prefix);
	buf_fini(&c.key);
	return err;
}

int
vol_mknod(struct vol *v, struct vol_ctx *ctx, uint64_t parent, const char *name,
    const struct vol_attr *how, struct vol_attr *out)
{
	mode_t type = how->mode & S_IFMT;
	struct entry e = {0};

	/* mknod(2): no type means a regular file. */
	e.type = entry_type_of_mode(type ? type : S_IFREG);
	if (e.type == 0 || e.type == ENTRY_DIR || e.type == ENTRY_SYMLINK)
		return -EINVAL;
	e.perm = (uint16_t)(how->mode & 07777);
	if (e.type == ENTRY_CHAR || e.type == ENTRY_BLOCK)
		e.rdev = how->rdev;
	return create_node(v, ctx, (struct vol_place){parent, name}, &e, out);
}

int
vol_mkdir(struct vol *v, struct vol_ctx *ctx, uint64_t parent, const char *name,
    mode_t mode, struct vol_attr *out)
{
	struct entry e = {.type = ENTRY_DIR};

	e.perm = (uint16_t)(mode & 07777);
	return create_node(v, ctx, (struct vol_place){parent, name}, &e, out);
}
