#include <sys/xattr.h>

#include "fs/record/key.h"
#include "fs/vol/control.h"
#include "fs/vol/state.h"

#define XATTR_VALUE_MAX (64u << 10)
#define XATTR_NAME_SIZE 255

/* An entry is read and written as a whole: its list stays small, and what does
 * not fit stands under X. */
#define XATTR_ENTRY_BYTES 1024

/* Names with a meaning of our own.  Taking one that is not known, and so not
 * doing what it says, would be a lie. */
#define XATTR_RESERVED "user.keyfs."

static const char *const xattr_namespaces[] = {
    "user.", "trusted.", "security."};

static int
xattr_check_name(struct bytes name)
{
	size_t count = sizeof(xattr_namespaces) / sizeof(*xattr_namespaces);

	if (name.size == 0 || name.size > XATTR_NAME_SIZE)
		return -ERANGE;
	for (size_t i = 0; i < count; i++) {
		struct bytes space = bytes_str(xattr_namespaces[i]);

		if (bytes_has_prefix(name, space))
			return name.size > space.size ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

/* --- under X -------------------------------------------------------------- */

static int
xattr_big_get(struct vol *v, const struct entry *e, struct bytes name,
    struct store_value *value)
{
	struct buf key = {0};
	int r = 0;

	if (e->has_big_xattrs) {
		r = key_xattr(&key, e->ino, name);
		if (r == 0)
			r = store_get(v->store, buf_bytes(&key), value);
	}
	buf_fini(&key);
	return r;
}

static int
xattr_big_put(struct store_batch *b, uint64_t ino, struct bytes name,
    const struct bytes *value)
{
	struct buf key = {0};
	int err = key_xattr(&key, ino, name);

	if (err == 0)
		err = value ? store_batch_put(b, buf_bytes(&key), *value)
			    : store_batch_delete(b, buf_bytes(&key));
	buf_fini(&key);
	return err;
}

/* Calls each for the names under X until it returns nonzero; returns that, 0 at
 * the end, or <0. */
static int
xattr_big_each(struct vol *v, uint64_t ino,
    int (*each)(void *ctx, struct bytes name), void *ctx)
{
	struct buf lower = {0}, upper = {0};
	struct store_iter *it = NULL;
	struct key_parts parts;
	int r = key_xattr_range(&lower, &upper, ino);

	if (r == 0)
		r = store_iter_open_keys(
		    v->store, buf_bytes(&lower), buf_bytes(&upper), &it);
	if (r == 0)
		r = store_iter_seek(it, buf_bytes(&lower));
	while (r == 1) {
		if (key_decode(it->key, &parts))
			r = state_damaged(v, it->key, "it is no xattr's key");
		else
			r = each(ctx, parts.name);
		if (r)
			break;
		r = store_iter_next(it);
	}
	store_iter_close(it);
	buf_fini(&lower);
	buf_fini(&upper);
	return r;
}

/* --- changing ------------------------------------------------------------- */

/* One xattr of one node is set, or removed. */
struct xattr_change {
	struct vol *v;
	struct store_batch *b;
	struct bytes name;
	const struct bytes *value; /* NULL: remove */
	int flags;                 /* XATTR_CREATE, XATTR_REPLACE */
	bool is_policy;            /* POLICY_XATTR, ... */
	uint64_t policy;           /* ... and what that will be */
	struct buf list;           /* the entry's new one */
};

static int
xattr_is_other(void *ctx, struct bytes name)
{
	return !bytes_eq(name, *(struct bytes *)ctx);
}

/* Removes the X record; the entry should know whether that was the last. */
static int
xattr_drop_big(struct xattr_change *c, struct entry *e)
{
	int r = xattr_big_each(c->v, e->ino, xattr_is_other, &c->name);

	if (r < 0)
		return r;
	e->has_big_xattrs = r == 1;
	return xattr_big_put(c->b, e->ino, c->name, NULL);
}

/* A policy is small, and always where its node finds it. */
static bool
xattr_fits_entry(const struct xattr_change *c)
{
	return !c->value || c->is_policy || c->list.size <= XATTR_ENTRY_BYTES;
}

/* In the list if there is room, else under X; from where it was. */
static int
xattr_place(struct xattr_change *c, struct entry *e, bool was_big)
{
	int err = entry_xattr_set(&c->list, e->xattrs, c->name, c->value);

	if (err == 0 && !xattr_fits_entry(c)) {
		err = entry_xattr_set(&c->list, e->xattrs, c->name, NULL);
		if (err == 0)
			err = xattr_big_put(c->b, e->ino, c->name, c->value);
		e->has_big_xattrs = true;
	} else if (err == 0 && was_big) {
		err = xattr_drop_big(c, e);
	}
	e->xattrs = buf_bytes(&c->list);
	return err;
}

static int
xattr_apply(struct xattr_change *c, struct entry *e)
{
	struct store_value big = {0};
	struct bytes value;
	bool in_list = entry_xattr_find(e->xattrs, c->name, &value) == 1;
	int r = in_list ? 0 : xattr_big_get(c->v, e, c->name, &big);

	store_value_release(&big);
	if (r < 0)
		return r;
	if ((c->flags & XATTR_CREATE) && (in_list || r == 1))
		return -EEXIST;
	if ((c->flags & XATTR_REPLACE) && !in_list && r == 0)
		return -ENODATA;
	e->ctime = state_now();
	return xattr_place(c, e, r == 1);
}

/* Caller holds the stripe. */
static int
xattr_change(struct xattr_change *c, struct vol_ctx *ctx, struct node *n)
{
	struct store_value value;
	struct entry e;
	int err = node_load(c->v, n, &value, &e);

	if (err)
		return err;
	c->b = state_batch_take(c->v);
	err = c->b ? xattr_apply(c, &e) : -ENOMEM;
	if (err == 0)
		err = node_save(c->v, c->b, n, &e);
	if (err == 0)
		err = state_commit(c->v, ctx, c->b, n->policy);
	if (err == 0)
		err = node_commit(c->v, n, &e);
	if (err == 0 && c->is_policy)
		n->policy = c->policy;
	state_batch_give(c->v, c->b);
	store_value_release(&value);
	buf_fini(&c->list);
	return err;
}

static int
xattr_change_ino(struct xattr_change *c, struct vol_ctx *ctx, uint64_t ino)
{
	struct node *n;
	int err = xattr_check_name(c->name);

	if (err)
		return err;
	if (control_is(ino))
		return -EOPNOTSUPP;
	err = node_get(c->v, ino, &n);
	if (err)
		return err;
	c->is_policy = bytes_eq(c->name, bytes_str(POLICY_XATTR));
	node_lock(c->v, n);
	err = c->is_policy && !policy_is_for(n->type) ? -EPERM
						      : xattr_change(c, ctx, n);
	node_unlock(c->v, n);
	node_put(c->v, n);
	return err;
}

/* Takes what the user gives, in the form in which it is stored. */
static int
xattr_change_policy(struct xattr_change *c, struct vol_ctx *ctx, uint64_t ino)
{
	char text[DURABILITY_TEXT_MAX], why[DURABILITY_ERROR_MAX];
	struct durability d;
	struct bytes value;
	int err = policy_parse(*c->value, &d, why);

	if (err) {
		err_log(&c->v->sink, ERR_LEVEL_WARNING,
		    POLICY_XATTR " of inode %llu: %s", (unsigned long long)ino,
		    why);
		return err;
	}
	durability_format(&d, text);
	value = bytes_str(text);
	c->value = &value;
	c->policy = policy_pack(&d);
	return xattr_change_ino(c, ctx, ino);
}

int
vol_setxattr(
    struct vol *v, struct vol_ctx *ctx, uint64_t ino, const struct vol_xattr *x)
{
	struct bytes value = bytes_of(x->value, x->size);
	struct xattr_change c = {
	    .v = v,
	    .name = bytes_str(x->name),
	    .value = &value,
	    .flags = x->flags,
	};

	if (x->flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (x->size > XATTR_VALUE_MAX)
		return -E2BIG;
	if (bytes_eq(c.name, bytes_str(POLICY_XATTR)))
		return xattr_change_policy(&c, ctx, ino);
	if (bytes_has_prefix(c.name, bytes_str(XATTR_RESERVED)))
		return -EOPNOTSUPP;
	return xattr_change_ino(&c, ctx, ino);
}

int
vol_removexattr(
    struct vol *v, struct vol_ctx *ctx, uint64_t ino, const char *name)
{
	struct xattr_change c = {
	    .v = v,
	    .name = bytes_str(name),
	    .flags = XATTR_REPLACE,
	};

	return xattr_change_ino(&c, ctx, ino);
}

/* --- reading -------------------------------------------------------------- */

static int
xattr_give(struct bytes from, void *to, size_t size, size_t *got)
{
	if (size > 0 && from.size > size)
		return -ERANGE;
	if (size > 0 && from.size > 0)
		memcpy(to, from.data, from.size);
	*got = from.size;
	return 0;
}

/* The entry as far as its xattrs go: mostly that is in memory. */
static int
xattr_load(
    struct vol *v, struct node *n, struct store_value *record, struct entry *e)
{
	if (n->has_tail && !n->xattrs)
		return node_load(v, n, record, e);
	*record = (struct store_value){0};
	*e = n->attr;
	e->xattrs = node_xattrs_list(n->xattrs);
	return 0;
}

/* Caller holds the stripe. */
static int
xattr_find(struct vol *v, struct node *n, struct bytes name, struct buf *out)
{
	struct store_value record, big = {0};
	struct entry e;
	struct bytes value;
	int r;

	/* Asked before every write, for security.capability. */
	if (!n->has_xattrs)
		return -ENODATA;
	r = xattr_load(v, n, &record, &e);
	if (r)
		return r;
	r = entry_xattr_find(e.xattrs, name, &value);
	if (r == 0) {
		r = xattr_big_get(v, &e, name, &big);
		value = big.bytes;
	}
	if (r == 1)
		r = buf_assign(out, value);
	else if (r == 0)
		r = -ENODATA;
	store_value_release(&big);
	store_value_release(&record);
	return r;
}

int
vol_getxattr(struct vol *v, uint64_t ino, const char *name, void *value,
    size_t size, size_t *got)
{
	struct buf found = {0};
	struct node *n;
	int err = xattr_check_name(bytes_str(name));

	if (err)
		return err;
	if (control_is(ino))
		return -ENODATA;
	err = node_get(v, ino, &n);
	if (err)
		return err;
	node_lock(v, n);
	err = xattr_find(v, n, bytes_str(name), &found);
	node_unlock(v, n);
	node_put(v, n);
	if (err == 0)
		err = xattr_give(buf_bytes(&found), value, size, got);
	buf_fini(&found);
	return err;
}

static int
xattr_list_name(void *ctx, struct bytes name)
{
	struct buf *names = ctx;
	int err = buf_append_bytes(names, name);

	return err ? err : buf_append_u8(names, 0);
}

/* Names, each with a NUL behind it.  Caller holds the stripe. */
static int
xattr_list(struct vol *v, struct node *n, struct buf *names)
{
	struct store_value record;
	struct entry_xattr x;
	struct entry e;
	size_t pos = 0;
	int r;

	if (!n->has_xattrs)
		return 0;
	r = xattr_load(v, n, &record, &e);
	if (r)
		return r;
	while (r == 0 && (r = entry_xattr_next(e.xattrs, &pos, &x)) == 1)
		r = xattr_list_name(names, x.name);
	if (r == 0 && e.has_big_xattrs)
		r = xattr_big_each(v, e.ino, xattr_list_name, names);
	store_value_release(&record);
	return r;
}

int
vol_listxattr(
    struct vol *v, uint64_t ino, char *names, size_t size, size_t *got)
{
	struct buf all = {0};
	struct node *n;
	int err;

	if (control_is(ino)) {
		*got = 0;
		return 0;
	}
	err = node_get(v, ino, &n);
	if (err)
		return err;
	node_lock(v, n);
	err = xattr_list(v, n, &all);
	node_unlock(v, n);
	node_put(v, n);
	if (err == 0)
		err = xattr_give(buf_bytes(&all), names, size, got);
	buf_fini(&all);
	return err;
}
