#include "engine/os/env.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/must.h"

/* Offsets are off_t to the kernel: no file reaches beyond this. */
#define ENV_OFFSET_MAX ((uint64_t)INT64_MAX)

/* One line for a failed call on a path; hands the error through. */
static int
env_failed(struct env *env, const char *path, const char *what, int err)
{
	env_log(env, ERR_LEVEL_ERROR, "%s: %s: %s", path, what, err_text(err));
	return err;
}

/* The same for a call at an offset of an open file. */
static int
env_failed_at(
    struct env_file *f, const char *what, size_t size, uint64_t offset, int err)
{
	env_log(f->env, ERR_LEVEL_ERROR,
	    "%s: %s of %zu bytes at offset %llu: %s", f->path, what, size,
	    (unsigned long long)offset, err_text(err));
	return err;
}

int
env_open(struct env *env, const char *path, int flags, struct env_file **out)
{
	int err;

	must(!(flags & ENV_OPEN_EXCL) || flags & ENV_OPEN_CREATE);
	must(!(flags & ENV_OPEN_TRUNC) || flags & ENV_OPEN_WRITE);
	err = env->ops->open(env, path, flags, out);
	/* Whether a file is there is a question, and no is an answer. */
	if (err == 0 || err == -ENOENT || err == -EEXIST)
		return err;
	return env_failed(env, path, "open", err);
}

void
env_close(struct env_file *f)
{
	if (f)
		f->env->ops->close(f);
}

int
env_pread(
    struct env_file *f, void *data, size_t size, uint64_t offset, size_t *got)
{
	uint8_t *p = data;
	size_t done = 0;

	if (offset > ENV_OFFSET_MAX)
		size = 0;
	else if (size > ENV_OFFSET_MAX - offset)
		size = (size_t)(ENV_OFFSET_MAX - offset);
	while (done < size) {
		ssize_t n =
		    f->env->ops->pread(f, p + done, size - done, offset + done);

		if (n < 0)
			return env_failed_at(
			    f, "read", size - done, offset + done, (int)n);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return 0;
}

int
env_pread_full(struct env_file *f, void *data, size_t size, uint64_t offset)
{
	size_t got;
	int err = env_pread(f, data, size, offset, &got);

	if (err || got == size)
		return err;
	env_log(f->env, ERR_LEVEL_ERROR,
	    "%s: damaged: the file ends %zu bytes into the %zu bytes at "
	    "offset %llu",
	    f->path, got, size, (unsigned long long)offset);
	return ERR_DAMAGED;
}

int
env_pwrite(struct env_file *f, const void *data, size_t size, uint64_t offset)
{
	const uint8_t *p = data;

	if (offset > ENV_OFFSET_MAX || size > ENV_OFFSET_MAX - offset)
		return env_failed_at(f, "write", size, offset, -EFBIG);
	while (size) {
		ssize_t n = f->env->ops->pwrite(f, p, size, offset);

		/* Writing nothing without a reason would go on for ever. */
		if (n <= 0)
			return env_failed_at(
			    f, "write", size, offset, n ? (int)n : -EIO);
		p += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int
env_sync(struct env_file *f)
{
	int err = f->env->ops->sync(f);

	return err ? env_failed(f->env, f->path, "sync", err) : 0;
}

void
env_sync_ahead(struct env_file *f, uint64_t offset, size_t size)
{
	if (f->env->ops->sync_ahead)
		f->env->ops->sync_ahead(f, offset, size);
}

int
env_settle(struct env *env, const char *path)
{
	struct env_file *f;
	int err = env_open(env, path, ENV_OPEN_READ, &f);

	if (err)
		return err;
	err = env_sync(f);
	if (!err && env->ops->drop_cached)
		env->ops->drop_cached(f);
	env_close(f);
	return err;
}

int
env_truncate(struct env_file *f, uint64_t size)
{
	int err =
	    size > ENV_OFFSET_MAX ? -EFBIG : f->env->ops->truncate(f, size);

	return err ? env_failed_at(f, "truncate", 0, size, err) : 0;
}

int
env_size(struct env_file *f, uint64_t *out)
{
	int err = f->env->ops->size(f, out);

	return err ? env_failed(f->env, f->path, "size", err) : 0;
}

int
env_allocate(struct env_file *f, uint64_t size)
{
	must(size > 0);
	if (!f->env->ops->allocate)
		return -ENOTSUP;
	return size > ENV_OFFSET_MAX ? -EFBIG : f->env->ops->allocate(f, size);
}

int
env_map(struct env_file *f, uint64_t offset, size_t size, struct env_map **out)
{
	must(size > 0);
	if (!f->env->ops->map)
		return -ENOTSUP;
	if (offset > ENV_OFFSET_MAX || size > ENV_OFFSET_MAX - offset)
		return -EFBIG;
	return f->env->ops->map(f, offset, size, out);
}

void
env_unmap(struct env_map *m)
{
	if (m)
		m->file->env->ops->unmap(m);
}

int
env_map_write(struct env_map *m, const void *data, size_t size, uint64_t offset)
{
	must(offset >= m->offset && size <= m->size &&
	     offset - m->offset <= m->size - size);
	return m->file->env->ops->map_write(m, data, size, offset);
}

void
env_map_reads(struct env_file *f)
{
	if (f->env->ops->map_reads)
		f->env->ops->map_reads(f);
}

int
env_rename(struct env *env, const char *from, const char *to)
{
	int err = env->ops->rename(env, from, to);

	if (err)
		env_log(env, ERR_LEVEL_ERROR, "%s: rename to %s: %s", from, to,
		    err_text(err));
	return err;
}

int
env_unlink(struct env *env, const char *path)
{
	int err = env->ops->unlink(env, path);

	return err ? env_failed(env, path, "unlink", err) : 0;
}

bool
env_cannot_link(int err)
{
	return err == -EXDEV || err == -EPERM || err == -EMLINK ||
	       err == -EOPNOTSUPP;
}

int
env_link(struct env *env, const char *from, const char *to)
{
	int err = env->ops->link(env, from, to);

	if (err && !env_cannot_link(err))
		env_log(env, ERR_LEVEL_ERROR, "%s: link to %s: %s", from, to,
		    err_text(err));
	return err;
}

int
env_mkdir(struct env *env, const char *path)
{
	int err = env->ops->mkdir(env, path);

	if (err == 0 || err == -EEXIST)
		return err;
	return env_failed(env, path, "mkdir", err);
}

int
env_rmdir(struct env *env, const char *path)
{
	int err = env->ops->rmdir(env, path);

	return err ? env_failed(env, path, "rmdir", err) : 0;
}

int
env_sync_parent(struct env *env, const char *path)
{
	char *copy = strdup(path);
	int err;

	if (!copy)
		return env_failed(env, path, "sync of its parent", -ENOMEM);
	err = env_sync_dir(env, dirname(copy));
	free(copy);
	return err;
}

int
env_sync_dir(struct env *env, const char *path)
{
	int err = env->ops->sync_dir(env, path);

	return err ? env_failed(env, path, "sync of the directory", err) : 0;
}

int
env_list(struct env *env, const char *path,
    int (*each)(void *ctx, const char *name), void *ctx)
{
	int r = env->ops->list(env, path, each, ctx);

	return r < 0 ? env_failed(env, path, "listing", r) : r;
}

int
env_space(struct env *env, const char *path, uint64_t *free_bytes,
    uint64_t *total_bytes)
{
	int err = env->ops->space(env, path, free_bytes, total_bytes);

	return err ? env_failed(env, path, "free space", err) : 0;
}

uint64_t
env_now_us(struct env *env)
{
	return env->ops->now_us(env);
}

uint64_t
env_wall_ns(struct env *env)
{
	return env->ops->wall_ns(env);
}

uint64_t
env_wall_ms(struct env *env)
{
	return env_wall_ns(env) / 1000000;
}

void
env_sleep_us(struct env *env, uint64_t us)
{
	env->ops->sleep_us(env, us);
}

static int
env_read_open_file(struct env_file *f, size_t max, uint8_t **data, size_t *size)
{
	uint64_t there;
	uint8_t *p;
	int err = env_size(f, &there);

	if (err)
		return err;
	if (there > max)
		return env_failed(f->env, f->path, "read", -EFBIG);
	p = malloc(there ? (size_t)there : 1);
	if (!p)
		return env_failed(f->env, f->path, "read", -ENOMEM);
	err = env_pread(f, p, (size_t)there, 0, size);
	if (err)
		free(p);
	else
		*data = p;
	return err;
}

int
env_read_file(
    struct env *env, const char *path, size_t max, uint8_t **data, size_t *size)
{
	struct env_file *f;
	int err = env_open(env, path, ENV_OPEN_READ, &f);

	if (err)
		return err;
	err = env_read_open_file(f, max, data, size);
	env_close(f);
	return err;
}

static int
env_write_new_file(struct env *env, const char *path, struct bytes content)
{
	struct env_file *f;
	int err = env_open(
	    env, path, ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_TRUNC, &f);

	if (err)
		return err;
	err = env_pwrite(f, content.data, content.size, 0);
	if (err == 0)
		err = env_sync(f);
	env_close(f);
	return err;
}

int
env_replace_file(
    struct env *env, const char *dir, const char *name, struct bytes content)
{
	char *path, *tmp;
	int err;

	/* One block: the path, and behind its NUL the temporary's. */
	if (asprintf(&path, "%s/%s%c%s/%s.tmp", dir, name, 0, dir, name) < 0)
		return env_failed(env, dir, "replacing a file", -ENOMEM);
	tmp = path + strlen(path) + 1;
	/* Synced before the rename, or a power cut could leave an empty file
	 * under the final name. */
	err = env_write_new_file(env, tmp, content);
	if (err == 0)
		err = env_rename(env, tmp, path);
	if (err == 0)
		err = env_sync_dir(env, dir);
	else
		env->ops->unlink(env, tmp); /* may not even be there */
	free(path);
	return err;
}
