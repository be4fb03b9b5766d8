#include "tests/support/env_trace.h"

#include "tests/check.h"

static struct env_trace *
env_trace_of(struct env *env)
{
	return (struct env_trace *)(void *)env;
}

static const char *
env_trace_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool
env_trace_ends_with(const struct buf *lines, struct bytes line)
{
	return lines->size >= line.size &&
	       bytes_eq(
		   bytes_of(lines->data + lines->size - line.size, line.size),
		   line);
}

static void
env_trace_add(struct env *env, const char *what, const char *a, const char *b)
{
	struct env_trace *t = env_trace_of(env);
	struct buf line = {0};

	check_ok(buf_printf(&line, "%s%s%s%s%s\n", what, *a ? " " : "",
	    env_trace_name(a), *b ? " " : "", env_trace_name(b)));
	if (!env_trace_ends_with(&t->lines, buf_bytes(&line)))
		check_ok(buf_append_bytes(&t->lines, buf_bytes(&line)));
	buf_fini(&line);
}

static int
env_trace_open(
    struct env *env, const char *path, int flags, struct env_file **out)
{
	if (flags & ENV_OPEN_CREATE)
		env_trace_add(env, "create", path, "");
	return env_trace_of(env)->base->open(env, path, flags, out);
}

static ssize_t
env_trace_pwrite(
    struct env_file *f, const void *data, size_t size, uint64_t offset)
{
	env_trace_add(f->env, "write", f->path, "");
	return env_trace_of(f->env)->base->pwrite(f, data, size, offset);
}

static int
env_trace_map_write(
    struct env_map *m, const void *data, size_t size, uint64_t offset)
{
	env_trace_add(m->file->env, "write", m->file->path, "");
	return env_trace_of(m->file->env)
	    ->base->map_write(m, data, size, offset);
}

static int
env_trace_sync(struct env_file *f)
{
	env_trace_add(f->env, "sync", f->path, "");
	return env_trace_of(f->env)->base->sync(f);
}

static int
env_trace_rename(struct env *env, const char *from, const char *to)
{
	env_trace_add(env, "rename", from, to);
	return env_trace_of(env)->base->rename(env, from, to);
}

static int
env_trace_unlink(struct env *env, const char *path)
{
	env_trace_add(env, "unlink", path, "");
	return env_trace_of(env)->base->unlink(env, path);
}

static int
env_trace_sync_dir(struct env *env, const char *path)
{
	env_trace_add(env, "sync-dir", "", "");
	return env_trace_of(env)->base->sync_dir(env, path);
}

void
env_trace_init(struct env_trace *t)
{
	*t = (struct env_trace){0};
	env_posix_init(&t->env, (struct err_sink){0});
	t->base = t->env.ops;
	t->ops = *t->base;
	t->ops.open = env_trace_open;
	t->ops.pwrite = env_trace_pwrite;
	t->ops.map_write = env_trace_map_write;
	t->ops.sync = env_trace_sync;
	t->ops.rename = env_trace_rename;
	t->ops.unlink = env_trace_unlink;
	t->ops.sync_dir = env_trace_sync_dir;
	t->env.ops = &t->ops;
}

void
env_trace_fini(struct env_trace *t)
{
	buf_fini(&t->lines);
}

const char *
env_trace_text(struct env_trace *t)
{
	check_ok(buf_append_u8(&t->lines, 0));
	t->lines.size--;
	return (const char *)t->lines.data;
}
