#include "tests/support/power.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"

/* A write, or (data NULL) a truncate to offset. */
struct power_op {
	uint64_t offset;
	uint8_t *data;
	size_t size;
};

/* Written as a whole or not at all, by any disk. */
#define POWER_SECTOR 512

struct power_node {
	struct buf data;
	struct buf synced;
	struct power_op *ops; /* since the last sync */
	size_t op_count;
};

struct power_file {
	struct env_file file;
	struct power_node *node;
};

static struct power *
power_of(struct env *env)
{
	return (struct power *)(void *)env;
}

static struct power_node *
node_of(struct env_file *f)
{
	return ((struct power_file *)(void *)f)->node;
}

static void *
grown(void *array, size_t count, size_t size)
{
	array = reallocarray(array, count + 1, size);
	check_true(array != NULL);
	return array;
}

static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* --- content
 * ------------------------------------------------------------------ */

static void
content_resize(struct buf *b, uint64_t size)
{
	if (size > b->size) {
		check_ok(buf_reserve(b, size - b->size));
		memset(b->data + b->size, 0, size - b->size);
	}
	b->size = size;
}

static void
content_apply(struct buf *b, const struct power_op *op)
{
	if (!op->data || b->size < op->offset + op->size)
		content_resize(b, op->offset + op->size);
	if (op->size > 0)
		memcpy(b->data + op->offset, op->data, op->size);
}

static void
node_forget_ops(struct power_node *n)
{
	for (size_t i = 0; i < n->op_count; i++)
		free(n->ops[i].data);
	free(n->ops);
	n->ops = NULL;
	n->op_count = 0;
}

static void
node_change(struct power_node *n, struct power_op op)
{
	content_apply(&n->data, &op);
	n->ops = grown(n->ops, n->op_count, sizeof(*n->ops));
	n->ops[n->op_count++] = op;
}

static struct power_node *
node_new(struct power *p)
{
	struct power_node *n = calloc(1, sizeof(*n));

	check_true(n != NULL);
	p->nodes = grown(p->nodes, p->node_count, sizeof(*p->nodes));
	p->nodes[p->node_count++] = n;
	return n;
}

/* --- names
 * -------------------------------------------------------------------- */

static struct power_name *
names_find(struct power_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->all[i].name, name) == 0)
			return &names->all[i];
	return NULL;
}

static void
names_set(struct power_names *names, const char *name, struct power_node *node)
{
	struct power_name *slot = names_find(names, name);

	if (!slot && !node)
		return;
	if (!node) {
		*slot = names->all[--names->count];
		return;
	}
	if (!slot) {
		names->all =
		    grown(names->all, names->count, sizeof(*names->all));
		slot = &names->all[names->count++];
		(void)snprintf(slot->name, sizeof(slot->name), "%s", name);
	}
	slot->node = node;
}

static void
names_change(
    struct power *p, const char *name, struct power_node *node, bool and_next)
{
	struct power_change *c;

	names_set(&p->now, name, node);
	p->changes = grown(p->changes, p->change_count, sizeof(*p->changes));
	c = &p->changes[p->change_count++];
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->node = node;
	c->and_next = and_next;
}

/* --- struct env_ops
 * -------------------------------------------------------------- */

static int
power_open(struct env *env, const char *path, int flags, struct env_file **out)
{
	struct power *p = power_of(env);
	struct power_file *f = calloc(1, sizeof(*f));
	struct power_name *slot;
	int err = 0;

	check_true(f != NULL);
	f->file.env = env;
	f->file.path = strdup(path);
	lock_acquire(&p->lock);
	slot = names_find(&p->now, base(path));
	if (p->dead && flags & (ENV_OPEN_CREATE | ENV_OPEN_TRUNC))
		err = -EIO;
	else if (slot && flags & ENV_OPEN_EXCL)
		err = -EEXIST;
	else if (!slot && !(flags & ENV_OPEN_CREATE))
		err = -ENOENT;
	else if (slot)
		f->node = slot->node;
	else
		f->node = node_new(p);
	if (!err && !slot)
		names_change(p, base(path), f->node, false);
	if (!err && flags & ENV_OPEN_TRUNC)
		node_change(f->node, (struct power_op){0});
	lock_release(&p->lock);
	if (err) {
		free(f->file.path);
		free(f);
		return err;
	}
	*out = &f->file;
	return 0;
}

static void
power_close(struct env_file *f)
{
	free(f->path);
	free(f);
}

static ssize_t
power_pread(struct env_file *f, void *data, size_t size, uint64_t offset)
{
	struct power *p = power_of(f->env);
	struct buf *b = &node_of(f)->data;

	lock_acquire(&p->lock);
	if (offset >= b->size)
		size = 0;
	else if (size > b->size - offset)
		size = b->size - offset;
	if (size > 0)
		memcpy(data, b->data + offset, size);
	lock_release(&p->lock);
	return (ssize_t)size;
}

static ssize_t
power_pwrite(struct env_file *f, const void *data, size_t size, uint64_t offset)
{
	struct power *p = power_of(f->env);
	struct power_op op = {offset, malloc(size + 1), size};

	check_true(op.data != NULL);
	memcpy(op.data, data, size);
	lock_acquire(&p->lock);
	if (p->dead) {
		free(op.data);
		size = 0;
	} else {
		node_change(node_of(f), op);
	}
	lock_release(&p->lock);
	return size > 0 ? (ssize_t)size : -EIO;
}

static int
power_sync(struct env_file *f)
{
	struct power *p = power_of(f->env);
	struct power_node *n = node_of(f);

	int err;

	lock_acquire(&p->lock);
	err = p->dead ? -EIO : buf_assign(&n->synced, buf_bytes(&n->data));
	if (!err)
		node_forget_ops(n);
	lock_release(&p->lock);
	return err;
}

static int
power_truncate(struct env_file *f, uint64_t size)
{
	struct power *p = power_of(f->env);

	int err = 0;

	lock_acquire(&p->lock);
	if (p->dead)
		err = -EIO;
	else
		node_change(node_of(f), (struct power_op){.offset = size});
	lock_release(&p->lock);
	return err;
}

static int
power_size(struct env_file *f, uint64_t *out)
{
	struct power *p = power_of(f->env);

	lock_acquire(&p->lock);
	*out = node_of(f)->data.size;
	lock_release(&p->lock);
	return 0;
}

static int
power_rename(struct env *env, const char *from, const char *to)
{
	struct power *p = power_of(env);
	struct power_name *slot;
	int err = -ENOENT;

	lock_acquire(&p->lock);
	slot = names_find(&p->now, base(from));
	if (p->dead)
		err = -EIO;
	else if (slot) {
		names_change(p, base(to), slot->node, true);
		names_change(p, base(from), NULL, false);
		err = 0;
	}
	lock_release(&p->lock);
	return err;
}

static int
power_unlink(struct env *env, const char *path)
{
	struct power *p = power_of(env);
	int err = -ENOENT;

	lock_acquire(&p->lock);
	if (p->dead) {
		err = -EIO;
	} else if (names_find(&p->now, base(path))) {
		names_change(p, base(path), NULL, false);
		err = 0;
	}
	lock_release(&p->lock);
	return err;
}

static int
power_link(struct env *env, const char *from, const char *to)
{
	(void)env;
	(void)from;
	(void)to;
	return -ENOTSUP;
}

static int
power_mkdir(struct env *env, const char *path)
{
	(void)env;
	(void)path;
	return -EEXIST;
}

static int
power_rmdir(struct env *env, const char *path)
{
	(void)env;
	(void)path;
	return -EBUSY;
}

static int
power_sync_dir(struct env *env, const char *path)
{
	struct power *p = power_of(env);

	(void)path;
	lock_acquire(&p->lock);
	for (size_t i = 0; i < p->change_count; i++)
		names_set(&p->durable, p->changes[i].name, p->changes[i].node);
	p->change_count = 0;
	lock_release(&p->lock);
	return 0;
}

static int
power_list(struct env *env, const char *path,
    int (*each)(void *ctx, const char *name), void *ctx)
{
	struct power *p = power_of(env);
	struct power_names copy;
	int rc = 0;

	(void)path;
	lock_acquire(&p->lock);
	copy.count = p->now.count;
	copy.all = calloc(copy.count + 1, sizeof(*copy.all));
	check_true(copy.all != NULL);
	if (copy.count > 0)
		memcpy(copy.all, p->now.all, copy.count * sizeof(*copy.all));
	lock_release(&p->lock);
	for (size_t i = 0; i < copy.count && rc == 0; i++)
		rc = each(ctx, copy.all[i].name);
	free(copy.all);
	return rc;
}

static int
power_space(
    struct env *env, const char *path, uint64_t *free_bytes, uint64_t *total)
{
	(void)env;
	(void)path;
	*free_bytes = *total = UINT64_C(1) << 40;
	return 0;
}

static uint64_t
power_now_us(struct env *env)
{
	return env_now_us(&power_of(env)->clock);
}

static uint64_t
power_wall_ns(struct env *env)
{
	return env_wall_ns(&power_of(env)->clock);
}

static void
power_sleep_us(struct env *env, uint64_t us)
{
	env_sleep_us(&power_of(env)->clock, us);
}

static const struct env_ops power_ops = {
    .open = power_open,
    .close = power_close,
    .pread = power_pread,
    .pwrite = power_pwrite,
    .sync = power_sync,
    .truncate = power_truncate,
    .size = power_size,
    .rename = power_rename,
    .unlink = power_unlink,
    .link = power_link,
    .mkdir = power_mkdir,
    .rmdir = power_rmdir,
    .sync_dir = power_sync_dir,
    .list = power_list,
    .space = power_space,
    .now_us = power_now_us,
    .wall_ns = power_wall_ns,
    .sleep_us = power_sleep_us,
};

/* --- life and cuts
 * ---------------------------------------------------------------- */

void
power_init(struct power *p, struct err_sink sink)
{
	memset(p, 0, sizeof(*p));
	p->env.ops = &power_ops;
	p->env.sink = sink;
	env_posix_init(&p->clock, sink);
	lock_init(&p->lock, LOCK_RANK_ENV);
}

void
power_fini(struct power *p)
{
	for (size_t i = 0; i < p->node_count; i++) {
		node_forget_ops(p->nodes[i]);
		buf_fini(&p->nodes[i]->data);
		buf_fini(&p->nodes[i]->synced);
		free(p->nodes[i]);
	}
	free(p->nodes);
	free(p->now.all);
	free(p->durable.all);
	free(p->changes);
	lock_fini(&p->lock);
	memset(p, 0, sizeof(*p));
}

/* How many of a file's ops each sector got, and its size. */
struct cut {
	enum { CUT_ALL, CUT_NONE, CUT_AT_ONE_MOMENT, CUT_EACH_SECTOR } mode;
	uint64_t seed;
	uint64_t ops;
};

static uint64_t
cut_moment(const struct cut *c, uint64_t sector)
{
	struct check_rand r = check_rand_of(c->seed + sector);

	switch (c->mode) {
	case CUT_ALL:
		return c->ops;
	case CUT_NONE:
		return 0;
	case CUT_AT_ONE_MOMENT:
		r = check_rand_of(c->seed);
		break;
	case CUT_EACH_SECTOR:
		break;
	}
	return check_rand_below(&r, c->ops + 1);
}

/* The sectors of a write that got it. */
static void
cut_write(const struct cut *c, uint64_t i, const struct power_op *op,
    struct buf *found)
{
	uint64_t at = op->offset, end = op->offset + op->size;

	if (found->size < end)
		content_resize(found, end);
	while (at < end) {
		uint64_t next = (at / POWER_SECTOR + 1) * POWER_SECTOR;

		if (next > end)
			next = end;
		if (i < cut_moment(c, at / POWER_SECTOR))
			memcpy(found->data + at, op->data + (at - op->offset),
			    next - at);
		at = next;
	}
}

/* What is found of n. */
static struct power_node *
cut_node(const struct power_node *n, struct check_rand *r, struct power *after)
{
	struct power_node *found = node_new(after);
	struct cut c = {
	    (unsigned)check_rand_below(r, 4), check_rand(r), n->op_count};
	uint64_t size = n->synced.size;

	check_ok(buf_assign(&found->data, buf_bytes(&n->synced)));
	for (size_t i = 0; i < n->op_count; i++) {
		const struct power_op *op = &n->ops[i];
		bool sized = i < cut_moment(&c, UINT32_MAX);

		if (op->data) {
			cut_write(&c, i, op, &found->data);
			if (sized && size < op->offset + op->size)
				size = op->offset + op->size;
		} else if (sized) {
			size = op->offset;
		}
	}
	content_resize(&found->data, size);
	check_ok(buf_assign(&found->synced, buf_bytes(&found->data)));
	return found;
}

static void
cut_names(struct power *p, struct check_rand *r, struct power_names *found)
{
	size_t keep = check_rand_below(r, p->change_count + 1);

	if (check_rand_one_in(r, 3))
		keep = p->change_count;
	for (size_t i = 0; i < p->durable.count; i++)
		names_set(
		    found, p->durable.all[i].name, p->durable.all[i].node);
	for (size_t i = 0; i < p->change_count; i++) {
		if (i >= keep && (i == 0 || !p->changes[i - 1].and_next))
			break;
		names_set(found, p->changes[i].name, p->changes[i].node);
	}
}

void
power_cut(struct power *p, struct check_rand *r, struct power *after)
{
	struct power_names found = {0};

	power_init(after, p->env.sink);
	lock_acquire(&p->lock);
	cut_names(p, r, &found);
	for (size_t i = 0; i < found.count; i++) {
		struct power_node *n = cut_node(found.all[i].node, r, after);

		names_set(&after->now, found.all[i].name, n);
		names_set(&after->durable, found.all[i].name, n);
	}
	lock_release(&p->lock);
	free(found.all);
}

static void
set_dead(struct power *p, bool dead)
{
	lock_acquire(&p->lock);
	p->dead = dead;
	lock_release(&p->lock);
}

void
power_kill(struct power *p)
{
	set_dead(p, true);
}

void
power_revive(struct power *p)
{
	set_dead(p, false);
}
