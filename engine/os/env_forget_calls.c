#include "engine/os/env_forget_state.h"

#include <stdlib.h>
#include <string.h>

#include "engine/os/env_forget_paths.h"

struct env_forget_file {
	struct env_file file;
	struct env_file *base;
	struct env_forget_node *node; /* what is in it: the lock */
};

static struct env_forget *
env_forget_of(struct env *env)
{
	return (struct env_forget *)(void *)env;
}

static struct env_forget_file *
env_forget_file_of(struct env_file *f)
{
	return (struct env_forget_file *)(void *)f;
}

/* --- the order of changes ------------------------------------------------- */

/* Numbers a changing operation, or -EIO; *order is then what the caller has to
 * call without the lock.  Caller holds f->lock. */
static int
env_forget_step(
    struct env_forget *f, uint64_t *op, struct env_forget_order *order)
{
	*order = (struct env_forget_order){.call = NULL};
	if (!f->is_cut && f->armed_at == f->ops + 1) {
		*order = f->armed;
		env_forget_cut_now(f, &order->how);
	}
	if (f->is_cut)
		return -EIO;
	*op = ++f->ops;
	return 0;
}

static void
env_forget_end(struct env_forget *f, const struct env_forget_order *order)
{
	lock_release(&f->lock);
	if (order->call)
		order->call(order->ctx);
}

/* Takes the lock and numbers an operation; on error the lock is free again. */
static int
env_forget_begin(struct env_forget *f, uint64_t *op)
{
	struct env_forget_order order;
	int err;

	lock_acquire(&f->lock);
	err = env_forget_step(f, op, &order);
	if (err)
		env_forget_end(f, &order);
	return err;
}

/* --- files ---------------------------------------------------------------- */

/* Caller holds f->lock. */
static int
env_forget_truncate_file(struct env_forget_node *node, struct env_file *base,
    uint64_t op, uint64_t size)
{
	int err = env_forget_history_truncate(&node->history, base, op, size);

	return err ? err : base->env->ops->truncate(base, size);
}

/* Opens what is there, creates what is not.  Caller holds f->lock. */
static int
env_forget_open_base(struct env_forget *f, struct env_forget_file *file,
    const char *path, int flags, struct env_forget_order *order)
{
	int plain = flags & ENV_OPEN_WRITE;
	struct env_file *base;
	uint64_t op;
	int err = f->base->ops->open(f->base, path, plain, &base);

	if (err == -ENOENT && flags & ENV_OPEN_CREATE) {
		err = env_forget_step(f, &op, order);
		if (!err)
			err = env_forget_names_create(
			    &f->names, op, path, plain, &file->base);
		return err;
	}
	if (err)
		return err;
	if (flags & ENV_OPEN_EXCL)
		err = -EEXIST;
	else if (flags & ENV_OPEN_TRUNC)
		err = env_forget_step(f, &op, order);
	if (!err && flags & ENV_OPEN_TRUNC)
		err = env_forget_truncate_file(file->node, base, op, 0);
	if (err)
		f->base->ops->close(base);
	else
		file->base = base;
	return err;
}

static int
env_forget_open_path(struct env_forget *f, struct env_forget_file *file,
    const char *path, int flags)
{
	struct env_forget_order order = {.call = NULL};
	int err;

	lock_acquire(&f->lock);
	err = env_forget_nodes_open(&f->names.nodes, path, &file->node);
	if (err)
		goto out;
	err = env_forget_open_base(f, file, path, flags, &order);
	if (err)
		env_forget_nodes_close(&f->names.nodes, file->node);
	else
		f->open_files++;
out:
	env_forget_end(f, &order);
	return err;
}

static int
env_forget_open(
    struct env *env, const char *path, int flags, struct env_file **out)
{
	struct env_forget_file *file = calloc(1, sizeof(*file));
	char *plain = env_forget_paths_plain(path);
	int err = -ENOMEM;

	if (!file || !plain)
		goto fail;
	file->file.env = env;
	file->file.path = strdup(path);
	if (!file->file.path)
		goto fail;
	err = env_forget_open_path(env_forget_of(env), file, plain, flags);
	if (err)
		goto fail;
	free(plain);
	*out = &file->file;
	return 0;
fail:
	free(plain);
	if (file)
		free(file->file.path);
	free(file);
	return err;
}

static void
env_forget_close(struct env_file *f)
{
	struct env_forget *forget = env_forget_of(f->env);
	struct env_forget_file *file = env_forget_file_of(f);

	/* First: who finds no file open may rely on it. */
	file->base->env->ops->close(file->base);
	lock_acquire(&forget->lock);
	env_forget_nodes_close(&forget->names.nodes, file->node);
	forget->open_files--;
	lock_release(&forget->lock);
	free(f->path);
	free(file);
}

static ssize_t
env_forget_pread(struct env_file *f, void *data, size_t size, uint64_t offset)
{
	struct env_file *base = env_forget_file_of(f)->base;

	return base->env->ops->pread(base, data, size, offset);
}

static ssize_t
env_forget_pwrite(
    struct env_file *f, const void *data, size_t size, uint64_t offset)
{
	struct env_forget *forget = env_forget_of(f->env);
	struct env_forget_file *file = env_forget_file_of(f);
	struct env_forget_history *h = &file->node->history;
	uint64_t op;
	ssize_t n = env_forget_begin(forget, &op);

	if (n)
		return n;
	n = env_forget_history_write(h, file->base, op, offset, size);
	if (!n) {
		n = file->base->env->ops->pwrite(
		    file->base, data, size, offset);
		/* After an error any part may have been written: the note
		 * stays, so that all of it can be taken back. */
		if (n >= 0)
			env_forget_history_shorten(h, (uint64_t)n);
	}
	lock_release(&forget->lock);
	return n;
}

static int
env_forget_truncate(struct env_file *f, uint64_t size)
{
	struct env_forget *forget = env_forget_of(f->env);
	struct env_forget_file *file = env_forget_file_of(f);
	uint64_t op;
	int err = env_forget_begin(forget, &op);

	if (err)
		return err;
	err = env_forget_truncate_file(file->node, file->base, op, size);
	lock_release(&forget->lock);
	return err;
}

static int
env_forget_size(struct env_file *f, uint64_t *out)
{
	struct env_file *base = env_forget_file_of(f)->base;

	return base->env->ops->size(base, out);
}

/* --- files in memory ------------------------------------------------------ */

struct env_forget_map {
	struct env_map map;
	struct env_map *base;
};

static struct env_map *
env_forget_base_map(struct env_map *m)
{
	return ((struct env_forget_map *)(void *)m)->base;
}

static int
env_forget_map(
    struct env_file *f, uint64_t offset, size_t size, struct env_map **out)
{
	struct env_forget_map *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->map = (struct env_map){f, offset, size};
	err = env_map(env_forget_file_of(f)->base, offset, size, &m->base);
	if (err) {
		free(m);
		return err;
	}
	*out = &m->map;
	return 0;
}

static void
env_forget_unmap(struct env_map *m)
{
	env_unmap(env_forget_base_map(m));
	free(m);
}

static int
env_forget_map_write(
    struct env_map *m, const void *data, size_t size, uint64_t offset)
{
	struct env_forget *forget = env_forget_of(m->file->env);
	struct env_forget_file *file = env_forget_file_of(m->file);
	uint64_t op;
	int err = env_forget_begin(forget, &op);

	if (err)
		return err;
	/* After an error the note stays, as in a write. */
	err = env_forget_history_write(
	    &file->node->history, file->base, op, offset, size);
	if (!err)
		err = env_map_write(env_forget_base_map(m), data, size, offset);
	lock_release(&forget->lock);
	return err;
}

/* --- syncs ---------------------------------------------------------------- */

struct env_forget_sync {
	uint64_t op;
	uint64_t cuts;
	uint64_t delay_us;
};

static int
env_forget_sync_begin(struct env_forget *f, struct env_forget_sync *s)
{
	int err = env_forget_begin(f, &s->op);

	if (err)
		return err;
	s->cuts = f->cuts;
	s->delay_us = f->sync_delay_us;
	lock_release(&f->lock);
	return 0;
}

/* err: what the base said.  On 0 with the lock: what is older than s->op is
 * synced. */
static int
env_forget_sync_end(
    struct env_forget *f, const struct env_forget_sync *s, int err)
{
	if (!err && s->delay_us > 0)
		f->base->ops->sleep_us(f->base, s->delay_us);
	if (err)
		return err;
	lock_acquire(&f->lock);
	if (f->cuts == s->cuts)
		return 0;
	lock_release(&f->lock);
	return -EIO;
}

/* Whether this sync is the one that fails by order.  Caller holds f->lock. */
static bool
env_forget_sync_fails(
    struct env_forget *forget, const struct env_forget_file *file)
{
	if (!forget->fails || !strstr(file->file.path, forget->fails))
		return false;
	forget->fails = NULL;
	return true;
}

static int
env_forget_sync(struct env_file *f)
{
	struct env_forget *forget = env_forget_of(f->env);
	struct env_forget_file *file = env_forget_file_of(f);
	struct env_forget_sync s;
	int err = env_forget_sync_begin(forget, &s);

	if (err)
		return err;
	if (!forget->no_device_sync)
		err = file->base->env->ops->sync(file->base);
	err = env_forget_sync_end(forget, &s, err);
	if (err)
		return err;
	if (env_forget_sync_fails(forget, file)) {
		file->node->stale = true;
		err = -EIO;
	}
	if (!file->node->stale)
		env_forget_history_drop(&file->node->history, s.op);
	lock_release(&forget->lock);
	return err;
}

/* The file is what was durable before the sync that failed.  Caller holds
 * f->lock. */
static void
env_forget_reread(
    struct env_forget *f, struct env_forget_node *node, const char *path)
{
	const struct env_forget_pick none = {.keep = ENV_FORGET_KEEP_NONE};
	struct env_forget_report report = {.ops = 0};
	struct env_file *base;

	if (f->base->ops->open(f->base, path, ENV_OPEN_WRITE, &base))
		return;
	if (!env_forget_history_restore(&node->history, base, &none, &report)) {
		env_forget_history_fini(&node->history);
		node->stale = false;
	}
	f->base->ops->close(base);
}

static void
env_forget_drop_cached(struct env_file *f)
{
	struct env_forget *forget = env_forget_of(f->env);
	struct env_forget_file *file = env_forget_file_of(f);
	char *plain = env_forget_paths_plain(f->path);

	lock_acquire(&forget->lock);
	if (plain && file->node->stale && !forget->is_cut)
		env_forget_reread(forget, file->node, plain);
	lock_release(&forget->lock);
	free(plain);
	if (!forget->no_device_sync && file->base->env->ops->drop_cached)
		file->base->env->ops->drop_cached(file->base);
}

static int
env_forget_sync_dir(struct env *env, const char *path)
{
	struct env_forget *f = env_forget_of(env);
	char *plain = env_forget_paths_plain(path);
	struct env_forget_sync s;
	int err = plain ? env_forget_sync_begin(f, &s) : -ENOMEM;

	if (err)
		goto out;
	if (!f->no_device_sync)
		err = f->base->ops->sync_dir(f->base, path);
	err = env_forget_sync_end(f, &s, err);
	if (err)
		goto out;
	env_forget_names_synced(&f->names, plain, s.op);
	lock_release(&f->lock);
out:
	free(plain);
	return err;
}

/* --- names ---------------------------------------------------------------- */

/* A change of one name or two (to may be NULL), with the lock held. */
static int
env_forget_change(struct env *env, const char *from, const char *to,
    int (*change)(struct env_forget_names *n, uint64_t op, const char *from,
	const char *to))
{
	struct env_forget *f = env_forget_of(env);
	char *plain_from = env_forget_paths_plain(from);
	char *plain_to = to ? env_forget_paths_plain(to) : NULL;
	int err = -ENOMEM;
	uint64_t op;

	if (!plain_from || (to && !plain_to))
		goto out;
	err = env_forget_begin(f, &op);
	if (err)
		goto out;
	err = change(&f->names, op, plain_from, plain_to);
	lock_release(&f->lock);
out:
	free(plain_from);
	free(plain_to);
	return err;
}

static int
env_forget_rename(struct env *env, const char *from, const char *to)
{
	return env_forget_change(env, from, to, env_forget_names_rename);
}

static int
env_forget_unlink_one(
    struct env_forget_names *n, uint64_t op, const char *path, const char *none)
{
	(void)none;
	return env_forget_names_unlink(n, op, path);
}

static int
env_forget_unlink(struct env *env, const char *path)
{
	return env_forget_change(env, path, NULL, env_forget_unlink_one);
}

static int
env_forget_link(struct env *env, const char *from, const char *to)
{
	return env_forget_change(env, from, to, env_forget_names_link);
}

/* A directory as such, which is as if it were synced at once. */
static int
env_forget_change_dir(struct env *env, const char *path,
    int (*change)(struct env *base, const char *path))
{
	struct env_forget *f = env_forget_of(env);
	uint64_t op;
	int err = env_forget_begin(f, &op);

	if (err)
		return err;
	err = change(f->base, path);
	lock_release(&f->lock);
	return err;
}

static int
env_forget_mkdir(struct env *env, const char *path)
{
	struct env *base = env_forget_of(env)->base;

	return env_forget_change_dir(env, path, base->ops->mkdir);
}

static int
env_forget_rmdir(struct env *env, const char *path)
{
	struct env *base = env_forget_of(env)->base;

	return env_forget_change_dir(env, path, base->ops->rmdir);
}

struct env_forget_listing {
	int (*each)(void *ctx, const char *name);
	void *ctx;
};

bool
env_forget_calls_hides(const char *name)
{
	return strncmp(name, ENV_FORGET_PREFIX, strlen(ENV_FORGET_PREFIX)) == 0;
}

static int
env_forget_list_one(void *ctx, const char *name)
{
	const struct env_forget_listing *l = ctx;

	return env_forget_calls_hides(name) ? 0 : l->each(l->ctx, name);
}

static int
env_forget_list(struct env *env, const char *path,
    int (*each)(void *ctx, const char *name), void *ctx)
{
	struct env_forget_listing l = {.each = each, .ctx = ctx};
	struct env *base = env_forget_of(env)->base;

	return base->ops->list(base, path, env_forget_list_one, &l);
}

/* --- the rest ------------------------------------------------------------- */

static int
env_forget_space(struct env *env, const char *path, uint64_t *free_bytes,
    uint64_t *total_bytes)
{
	struct env *base = env_forget_of(env)->base;

	return base->ops->space(base, path, free_bytes, total_bytes);
}

static uint64_t
env_forget_now_us(struct env *env)
{
	struct env *base = env_forget_of(env)->base;

	return base->ops->now_us(base);
}

static uint64_t
env_forget_wall_ns(struct env *env)
{
	struct env *base = env_forget_of(env)->base;

	return base->ops->wall_ns(base);
}

static void
env_forget_sleep_us(struct env *env, uint64_t us)
{
	struct env *base = env_forget_of(env)->base;

	base->ops->sleep_us(base, us);
}

const struct env_ops env_forget_calls = {
    .open = env_forget_open,
    .close = env_forget_close,
    .pread = env_forget_pread,
    .pwrite = env_forget_pwrite,
    .sync = env_forget_sync,
    .drop_cached = env_forget_drop_cached,
    .truncate = env_forget_truncate,
    .size = env_forget_size,
    .map = env_forget_map,
    .unmap = env_forget_unmap,
    .map_write = env_forget_map_write,
    .rename = env_forget_rename,
    .unlink = env_forget_unlink,
    .link = env_forget_link,
    .mkdir = env_forget_mkdir,
    .rmdir = env_forget_rmdir,
    .sync_dir = env_forget_sync_dir,
    .list = env_forget_list,
    .space = env_forget_space,
    .now_us = env_forget_now_us,
    .wall_ns = env_forget_wall_ns,
    .sleep_us = env_forget_sleep_us,
};
