#include "tests/support/forget.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"

void
forget_begin(struct forget *f)
{
	struct env_forget_options o = {.dir = f->dir, .no_device_sync = true};

	check_ok(env_forget_new(&f->base.env, &o, &f->forget));
	f->env = env_forget_env(f->forget);
}

void
forget_end(struct forget *f)
{
	env_forget_free(f->forget);
	f->forget = NULL;
}

void
forget_init(struct forget *f)
{
	*f = (struct forget){.env = NULL};
	env_posix_init(&f->posix, log_sink(&f->log));
	env_fault_init(&f->base, &f->posix);
	snprintf(f->dir, sizeof(f->dir), "%s", check_tmpdir());
	forget_begin(f);
}

void
forget_fini(struct forget *f)
{
	forget_end(f);
	env_fault_fini(&f->base);
	check_rmtree(f->dir);
}

int
forget_setup(void **state)
{
	forget_init(*state);
	return 0;
}

int
forget_teardown(void **state)
{
	forget_fini(*state);
	return 0;
}

const char *
forget_path(struct forget *f, const char *name)
{
	static char paths[4][400];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", f->dir, name);
	return path;
}

struct env_file *
forget_open(struct forget *f, const char *name)
{
	struct env_file *file;

	check_ok(env_open(f->env, forget_path(f, name),
	    ENV_OPEN_WRITE | ENV_OPEN_CREATE, &file));
	return file;
}

void
forget_put_at(
    struct forget *f, const char *name, const char *text, uint64_t offset)
{
	struct env_file *file = forget_open(f, name);

	check_ok(env_pwrite(file, text, strlen(text), offset));
	env_close(file);
}

void
forget_put(struct forget *f, const char *name, const char *text)
{
	forget_put_at(f, name, text, 0);
}

void
forget_cut_off(struct forget *f, const char *name, uint64_t size)
{
	struct env_file *file = forget_open(f, name);

	check_ok(env_truncate(file, size));
	env_close(file);
}

void
forget_sync(struct forget *f, const char *name)
{
	struct env_file *file = forget_open(f, name);

	check_ok(env_sync(file));
	env_close(file);
}

void
forget_sync_names(struct forget *f)
{
	check_ok(env_sync_dir(f->env, f->dir));
}

void
forget_put_synced(struct forget *f, const char *name, const char *text)
{
	forget_put(f, name, text);
	forget_sync(f, name);
	forget_sync_names(f);
}

struct env_forget_report
forget_restart(struct forget *f, enum env_forget_keep keep, uint64_t seed)
{
	struct env_forget_how how = {.keep = keep, .seed = seed};
	struct env_forget_report report;

	env_forget_cut(f->forget, &how);
	check_ok(env_forget_restart(f->forget, &report));
	return report;
}

struct env_forget_report
forget_lose_all(struct forget *f)
{
	return forget_restart(f, ENV_FORGET_KEEP_NONE, 0);
}

int
forget_read(struct forget *f, const char *name, uint8_t **data, size_t *size)
{
	return env_read_file(f->env, forget_path(f, name), 1 << 20, data, size);
}

void
forget_check(struct forget *f, const char *name, const char *text)
{
	uint8_t *data;
	size_t size;

	check_ok(forget_read(f, name, &data, &size));
	check_bytes_eq(bytes_of(data, size), bytes_str(text));
	free(data);
}

bool
forget_has(struct forget *f, const char *name)
{
	struct env_file *file;
	int err = env_open(f->env, forget_path(f, name), ENV_OPEN_READ, &file);

	if (err == -ENOENT)
		return false;
	check_ok(err);
	env_close(file);
	return true;
}

const char *
forget_text(struct forget *f, const char *name)
{
	static char texts[2][100];
	static unsigned next;
	char *text = texts[next++ % 2];
	uint8_t *data;
	size_t size;

	if (!forget_has(f, name))
		return "-";
	check_ok(forget_read(f, name, &data, &size));
	check_le(size, sizeof(texts[0]) - 1);
	memcpy(text, data, size);
	text[size] = 0;
	free(data);
	return text;
}

static int
count_one(void *ctx, const char *name)
{
	(void)name;
	++*(unsigned *)ctx;
	return 0;
}

unsigned
forget_count(struct forget *f, struct env *env)
{
	unsigned n = 0;

	check_ok(env_list(env, f->dir, count_one, &n));
	return n;
}
