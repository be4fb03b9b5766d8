#include "engine/os/env_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"

struct env_fault_file {
	struct env_file file;
	struct env_file *base;
};

static struct env_fault *
env_fault_of(struct env *env)
{
	return (struct env_fault *)(void *)env;
}

static struct env_file *
env_fault_base(struct env_file *f)
{
	return ((struct env_fault_file *)(void *)f)->base;
}

/* Caller holds f->lock. */
static bool
env_fault_matches(const struct env_fault *f, const char *path)
{
	return !f->match || strstr(path, f->match);
}

/* An error of 0 would be no fault at all. */
static int
env_fault_error(const struct env_fault *f)
{
	return f->error ? -f->error : -EIO;
}

static bool
env_fault_due(const struct env_fault *f)
{
	uint64_t last = f->at_end > f->at ? f->at_end : f->at;

	if (f->at == 0 || f->ops < f->at)
		return false;
	return f->kind == ENV_FAULT_DEAD || f->ops <= last;
}

/* The first one; the rest is as if it had not been. */
static void
env_fault_note(struct env_fault *f, const char *op, const char *path)
{
	const char *name = strrchr(path, '/');

	if (f->hits++ > 0)
		return;
	f->hit = op;
	(void)snprintf(
	    f->hit_name, sizeof(f->hit_name), "%s", name ? name + 1 : path);
}

/* Counts a changing operation; tells what is to happen to it. */
static enum env_fault_kind
env_fault_step(struct env_fault *f, const char *op, const char *path, int *err)
{
	enum env_fault_kind kind = ENV_FAULT_NONE;
	bool counted, due;
	uint64_t n;

	lock_acquire(&f->lock);
	counted = env_fault_matches(f, path);
	if (counted)
		f->ops++;
	n = f->ops;
	due = env_fault_due(f);
	/* Death, once it came, is for every path. */
	if (due && (counted || f->kind == ENV_FAULT_DEAD))
		kind = f->kind;
	if (kind != ENV_FAULT_NONE)
		env_fault_note(f, op, path);
	*err = env_fault_error(f);
	lock_release(&f->lock);
	if (counted && f->seen)
		f->seen(f, true, n);
	return kind;
}

/* The same for operations that cannot be done by half. */
static int
env_fault_pass(struct env_fault *f, const char *op, const char *path)
{
	int err;

	return env_fault_step(f, op, path, &err) == ENV_FAULT_NONE ? 0 : err;
}

static int
env_fault_pass_two(
    struct env_fault *f, const char *op, const char *from, const char *to)
{
	bool first;

	lock_acquire(&f->lock);
	first = env_fault_matches(f, from);
	lock_release(&f->lock);
	return env_fault_pass(f, op, first ? from : to);
}

static int
env_fault_open(
    struct env *env, const char *path, int flags, struct env_file **out)
{
	struct env_fault *f = env_fault_of(env);
	struct env_fault_file *file;
	int err = 0;

	if (flags & (ENV_OPEN_CREATE | ENV_OPEN_TRUNC))
		err = env_fault_pass(f, "create", path);
	if (err)
		return err;
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->file.env = env;
	file->file.path = strdup(path);
	err = -ENOMEM;
	if (!file->file.path)
		goto fail;
	err = f->base->ops->open(f->base, path, flags, &file->base);
	if (err)
		goto fail;
	*out = &file->file;
	return 0;
fail:
	free(file->file.path);
	free(file);
	return err;
}

static void
env_fault_close(struct env_file *file)
{
	struct env_file *base = env_fault_base(file);

	base->env->ops->close(base);
	free(file->path);
	free(file);
}

/* Counts a read; tells whether it is to fail. */
static int
env_fault_step_read(struct env_fault *f, const char *path)
{
	bool counted;
	uint64_t n;
	int err = 0;

	lock_acquire(&f->lock);
	counted = env_fault_matches(f, path);
	if (counted)
		f->reads++;
	n = f->reads;
	if (counted && n == f->reads_fail_at) {
		err = env_fault_error(f);
		env_fault_note(f, "pread", path);
	}
	lock_release(&f->lock);
	if (counted && f->seen)
		f->seen(f, false, n);
	return err;
}

static ssize_t
env_fault_pread(struct env_file *file, void *data, size_t size, uint64_t offset)
{
	struct env_file *base = env_fault_base(file);
	int err = env_fault_step_read(env_fault_of(file->env), file->path);

	return err ? err : base->env->ops->pread(base, data, size, offset);
}

/* Takes up to size bytes from the space left; the rest is given back. */
static size_t
env_fault_take_space(struct env_fault *f, size_t size)
{
	lock_acquire(&f->lock);
	if (f->space_left != UINT64_MAX) {
		if (size > f->space_left)
			size = (size_t)f->space_left;
		f->space_left -= size;
	}
	lock_release(&f->lock);
	return size;
}

/* As a full disk does: what fits is written, and the next write fails. */
static ssize_t
env_fault_pwrite_in_space(
    struct env_file *file, const void *data, size_t size, uint64_t offset)
{
	struct env_file *base = env_fault_base(file);
	size_t fits = env_fault_take_space(env_fault_of(file->env), size);

	if (size && fits == 0)
		return -ENOSPC;
	return base->env->ops->pwrite(base, data, fits, offset);
}

static int
env_fault_pwrite_half(struct env_file *file, const void *data, size_t size,
    uint64_t offset, int err)
{
	const uint8_t *p = data;
	size_t done = 0;

	while (done < size / 2) {
		ssize_t n = env_fault_pwrite_in_space(
		    file, p + done, size / 2 - done, offset + done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return err;
}

static void
env_fault_map_reads(struct env_file *file)
{
	env_map_reads(env_fault_base(file));
}

static void
env_fault_sync_ahead(struct env_file *file, uint64_t offset, size_t size)
{
	if (!env_fault_of(file->env)->syncs_kept)
		env_sync_ahead(env_fault_base(file), offset, size);
}

static void
env_fault_drop_cached(struct env_file *file)
{
	struct env_file *base = env_fault_base(file);

	if (base->env->ops->drop_cached)
		base->env->ops->drop_cached(base);
}

static ssize_t
env_fault_pwrite(
    struct env_file *file, const void *data, size_t size, uint64_t offset)
{
	int err;

	switch (env_fault_step(
	    env_fault_of(file->env), "pwrite", file->path, &err)) {
	case ENV_FAULT_NONE:
		return env_fault_pwrite_in_space(file, data, size, offset);
	case ENV_FAULT_SHORT:
		return env_fault_pwrite_half(file, data, size, offset, err);
	case ENV_FAULT_ERROR:
	case ENV_FAULT_DEAD:
		break;
	}
	return err;
}

static int
env_fault_sync(struct env_file *file)
{
	struct env_fault *f = env_fault_of(file->env);
	struct env_file *base = env_fault_base(file);
	int err = env_fault_pass(f, "sync", file->path);

	if (err)
		return err;
	lock_acquire(&f->lock);
	f->syncs++;
	lock_release(&f->lock);
	return f->syncs_kept ? 0 : base->env->ops->sync(base);
}

static int
env_fault_truncate(struct env_file *file, uint64_t size)
{
	struct env_file *base = env_fault_base(file);
	int err =
	    env_fault_pass(env_fault_of(file->env), "truncate", file->path);

	return err ? err : base->env->ops->truncate(base, size);
}

static int
env_fault_size(struct env_file *file, uint64_t *out)
{
	struct env_file *base = env_fault_base(file);

	return base->env->ops->size(base, out);
}

/* All of it, or nothing. */
static int
env_fault_allocate_in_space(struct env_file *file, uint64_t size)
{
	struct env_fault *f = env_fault_of(file->env);
	struct env_file *base = env_fault_base(file);
	uint64_t had;
	bool fits;
	int err = base->env->ops->size(base, &had);

	if (err)
		return err;
	size = size > had ? size : had;
	lock_acquire(&f->lock);
	fits = f->space_left >= size - had;
	if (fits && f->space_left != UINT64_MAX)
		f->space_left -= size - had;
	lock_release(&f->lock);
	return fits ? env_allocate(base, size) : -ENOSPC;
}

static int
env_fault_allocate(struct env_file *file, uint64_t size)
{
	int err =
	    env_fault_pass(env_fault_of(file->env), "allocate", file->path);

	return err ? err : env_fault_allocate_in_space(file, size);
}

/* --- files in memory ------------------------------------------------------ */

struct env_fault_map {
	struct env_map map;
	struct env_map *base;
};

static struct env_map *
env_fault_base_map(struct env_map *m)
{
	return ((struct env_fault_map *)(void *)m)->base;
}

static int
env_fault_map(
    struct env_file *file, uint64_t offset, size_t size, struct env_map **out)
{
	struct env_fault *f = env_fault_of(file->env);
	struct env_fault_map *m;
	int err = 0;

	lock_acquire(&f->lock);
	if (env_fault_matches(f, file->path) && ++f->maps == f->maps_fail_at) {
		err = env_fault_error(f);
		env_fault_note(f, "map", file->path);
	}
	lock_release(&f->lock);
	if (err)
		return err;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->map = (struct env_map){file, offset, size};
	err = env_map(env_fault_base(file), offset, size, &m->base);
	if (err) {
		free(m);
		return err;
	}
	*out = &m->map;
	return 0;
}

static void
env_fault_unmap(struct env_map *m)
{
	env_unmap(env_fault_base_map(m));
	free(m);
}

static int
env_fault_map_write(
    struct env_map *m, const void *data, size_t size, uint64_t offset)
{
	struct env_fault *f = env_fault_of(m->file->env);
	struct env_map *base = env_fault_base_map(m);
	int err;

	switch (env_fault_step(f, "map_write", m->file->path, &err)) {
	case ENV_FAULT_NONE:
		lock_acquire(&f->lock);
		f->map_writes++;
		lock_release(&f->lock);
		return env_map_write(base, data, size, offset);
	case ENV_FAULT_SHORT:
		(void)env_map_write(base, data, size / 2, offset);
		break;
	case ENV_FAULT_ERROR:
	case ENV_FAULT_DEAD:
		break;
	}
	return err;
}

/* --- names ---------------------------------------------------------------- */

static int
env_fault_rename(struct env *env, const char *from, const char *to)
{
	struct env_fault *f = env_fault_of(env);
	int err = env_fault_pass_two(f, "rename", from, to);

	return err ? err : f->base->ops->rename(f->base, from, to);
}

static int
env_fault_unlink(struct env *env, const char *path)
{
	struct env_fault *f = env_fault_of(env);
	int err = env_fault_pass(f, "unlink", path);

	return err ? err : f->base->ops->unlink(f->base, path);
}

static int
env_fault_link(struct env *env, const char *from, const char *to)
{
	struct env_fault *f = env_fault_of(env);
	int err = env_fault_pass_two(f, "link", from, to);

	return err ? err : f->base->ops->link(f->base, from, to);
}

static int
env_fault_mkdir(struct env *env, const char *path)
{
	struct env_fault *f = env_fault_of(env);
	int err = env_fault_pass(f, "mkdir", path);

	return err ? err : f->base->ops->mkdir(f->base, path);
}

static int
env_fault_rmdir(struct env *env, const char *path)
{
	struct env_fault *f = env_fault_of(env);
	int err = env_fault_pass(f, "rmdir", path);

	return err ? err : f->base->ops->rmdir(f->base, path);
}

static int
env_fault_sync_dir(struct env *env, const char *path)
{
	struct env_fault *f = env_fault_of(env);
	int err = env_fault_pass(f, "sync_dir", path);

	if (err || f->syncs_kept)
		return err;
	return f->base->ops->sync_dir(f->base, path);
}

static int
env_fault_list(struct env *env, const char *path,
    int (*each)(void *ctx, const char *name), void *ctx)
{
	struct env *base = env_fault_of(env)->base;

	return base->ops->list(base, path, each, ctx);
}

static int
env_fault_space(struct env *env, const char *path, uint64_t *free_bytes,
    uint64_t *total_bytes)
{
	struct env_fault *f = env_fault_of(env);
	int err = f->base->ops->space(f->base, path, free_bytes, total_bytes);

	if (err)
		return err;
	lock_acquire(&f->lock);
	if (*free_bytes > f->space_left)
		*free_bytes = f->space_left;
	lock_release(&f->lock);
	return 0;
}

static uint64_t
env_fault_now_us(struct env *env)
{
	struct env *base = env_fault_of(env)->base;

	return base->ops->now_us(base);
}

static uint64_t
env_fault_wall_ns(struct env *env)
{
	struct env_fault *f = env_fault_of(env);
	/* Relaxed: a time and a figure, with nothing behind them. */
	uint64_t ns = atomic_load_explicit(&f->wall_ns, memory_order_relaxed);

	atomic_fetch_add_explicit(&f->wall_reads, 1, memory_order_relaxed);
	return ns > 0 ? ns : f->base->ops->wall_ns(f->base);
}

static void
env_fault_sleep_us(struct env *env, uint64_t us)
{
	struct env *base = env_fault_of(env)->base;

	base->ops->sleep_us(base, us);
}

static const struct env_ops env_fault_ops = {
    .open = env_fault_open,
    .close = env_fault_close,
    .pread = env_fault_pread,
    .map_reads = env_fault_map_reads,
    .sync_ahead = env_fault_sync_ahead,
    .drop_cached = env_fault_drop_cached,
    .pwrite = env_fault_pwrite,
    .sync = env_fault_sync,
    .truncate = env_fault_truncate,
    .size = env_fault_size,
    .allocate = env_fault_allocate,
    .map = env_fault_map,
    .unmap = env_fault_unmap,
    .map_write = env_fault_map_write,
    .rename = env_fault_rename,
    .unlink = env_fault_unlink,
    .link = env_fault_link,
    .mkdir = env_fault_mkdir,
    .rmdir = env_fault_rmdir,
    .sync_dir = env_fault_sync_dir,
    .list = env_fault_list,
    .space = env_fault_space,
    .now_us = env_fault_now_us,
    .wall_ns = env_fault_wall_ns,
    .sleep_us = env_fault_sleep_us,
};

void
env_fault_init(struct env_fault *f, struct env *base)
{
	*f = (struct env_fault){
	    .env = {.ops = &env_fault_ops, .sink = base->sink},
	    .base = base,
	    .space_left = UINT64_MAX,
	};
	lock_init(&f->lock, LOCK_RANK_ENV);
}

void
env_fault_fini(struct env_fault *f)
{
	lock_fini(&f->lock);
}

void
env_fault_arm(
    struct env_fault *f, enum env_fault_kind kind, int error, uint64_t n)
{
	must(n >= 1 && error > 0);
	lock_acquire(&f->lock);
	f->kind = kind;
	f->error = error;
	f->at = f->ops + n;
	f->at_end = 0;
	f->hits = 0;
	lock_release(&f->lock);
}

void
env_fault_disarm(struct env_fault *f)
{
	lock_acquire(&f->lock);
	f->kind = ENV_FAULT_NONE;
	f->at = 0;
	f->at_end = 0;
	lock_release(&f->lock);
}
