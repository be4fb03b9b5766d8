#include "tests/support/volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/vol/check.h"
#include "tests/check.h"

static void
volume_message(void *ctx, enum err_level level, const char *text)
{
	struct volume *t = ctx;

	(void)level;
	check_ok(buf_printf(&t->messages, "%s\n", text));
}

static void
volume_open(struct volume *t)
{
	check_ok(vol_open(t->s, &t->options, &t->v));
}

void
volume_init(struct volume *t)
{
	volume_init_sizes(t, 0, 0);
}

void
volume_init_sizes(struct volume *t, uint32_t block_bytes, uint32_t inline_bytes)
{
	*t = (struct volume){0};
	t->s = store_mem_new();
	t->ctx = (struct vol_ctx){.uid = 10, .gid = 20, .umask = 022};
	t->options = (struct vol_options){.root_uid = 1000, .root_gid = 1001};
	t->options.block_bytes = block_bytes;
	t->options.inline_bytes = inline_bytes;
	t->options.sink.write = volume_message;
	t->options.sink.ctx = t;
	volume_open(t);
}

void
volume_fini(struct volume *t)
{
	check_ok(vol_close(t->v));
	volume_check(t);
	check_ok(store_close(t->s));
	buf_fini(&t->messages);
}

void
volume_reopen(struct volume *t)
{
	check_ok(vol_close(t->v));
	volume_open(t);
}

void
volume_crash_and_fail(
    struct volume *t, enum store_mem_call call, uint64_t n, int err)
{
	struct store *left = store_mem_clone(t->s);

	check_ok(vol_close(t->v));
	check_ok(store_close(t->s));
	t->s = left;
	store_mem_fail(t->s, call, n, err);
	volume_open(t);
	check_true(n == 0 || store_mem_failed(t->s, call));
}

void
volume_crash(struct volume *t)
{
	volume_crash_and_fail(t, STORE_MEM_ITER, 0, 0);
}

int
volume_setup(void **state)
{
	volume_init(*state);
	return 0;
}

int
volume_setup_small(void **state)
{
	volume_init_sizes(*state, VOLUME_BLOCK, VOLUME_INLINE);
	return 0;
}

int
volume_teardown(void **state)
{
	volume_fini(*state);
	return 0;
}

/* --- paths ----------------------------------------------------------- */

/* The directory of the path's last name; name gets that. */
static int
volume_parent(struct volume *t, const char *path, uint64_t *ino, char *name)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];

	snprintf(name, 300, "%s", slash ? slash + 1 : path);
	snprintf(
	    dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 0, path);
	return volume_find(t, dir, ino);
}

int
volume_find(struct volume *t, const char *path, uint64_t *ino)
{
	uint64_t at = VOL_INO_ROOT;

	while (*path) {
		size_t n = strcspn(path, "/");
		struct vol_attr a;
		char name[300];
		int err;

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		err = vol_lookup(t->v, at, name, &a);
		if (err)
			return err;
		at = a.ino;
		path += n + (path[n] == '/');
	}
	*ino = at;
	return 0;
}

uint64_t
volume_at(struct volume *t, const char *path)
{
	uint64_t ino = 0;

	check_ok(volume_find(t, path, &ino));
	return ino;
}

bool
volume_exists(struct volume *t, const char *path)
{
	uint64_t ino;
	int err = volume_find(t, path, &ino);

	check_true(err == 0 || err == -ENOENT);
	return err == 0;
}

struct vol_attr
volume_attr(struct volume *t, const char *path)
{
	struct vol_attr a = {0};

	check_ok(vol_getattr(t->v, volume_at(t, path), &a));
	return a;
}

uint64_t
volume_mkdir(struct volume *t, const char *path)
{
	struct vol_attr a = {0};
	uint64_t parent = 0;
	char name[300];

	check_ok(volume_parent(t, path, &parent, name));
	check_ok(vol_mkdir(t->v, &t->ctx, parent, name, 0777, &a));
	return a.ino;
}

uint64_t
volume_file(struct volume *t, const char *path, const char *content)
{
	struct vol_attr how = {.mode = S_IFREG | 0666}, a = {0};
	uint64_t parent = 0;
	char name[300];

	check_ok(volume_parent(t, path, &parent, name));
	check_ok(vol_mknod(t->v, &t->ctx, parent, name, &how, &a));
	if (*content)
		check_ok(
		    vol_write(t->v, &t->ctx, a.ino, 0, bytes_str(content)));
	return a.ino;
}

uint64_t
volume_blocks(struct volume *t, const char *path, int blocks)
{
	struct vol_statfs s;
	uint64_t ino = volume_file(t, path, "");

	check_ok(vol_statfs(t->v, &s));
	for (int i = 0; i < blocks; i++)
		check_ok(vol_write(t->v, &t->ctx, ino,
		    (uint64_t)i * s.block_bytes, bytes_str("x")));
	return ino;
}

int
volume_truncate(struct volume *t, uint64_t ino, uint64_t size)
{
	struct vol_set set = {.mask = VOL_SET_SIZE, .size = size};
	struct vol_attr a;

	return vol_setattr(t->v, &t->ctx, ino, &set, &a);
}

int
volume_mv(struct volume *t, const char *from, const char *to, unsigned flags)
{
	struct vol_place a, b;
	char a_name[300], b_name[300];
	int err = volume_parent(t, from, &a.parent, a_name);

	if (err == 0)
		err = volume_parent(t, to, &b.parent, b_name);
	a.name = a_name;
	b.name = b_name;
	return err ? err : vol_rename(t->v, &t->ctx, a, b, flags);
}

int
volume_rm(struct volume *t, const char *path)
{
	uint64_t parent;
	char name[300];
	int err = volume_parent(t, path, &parent, name);

	return err ? err : vol_unlink(t->v, &t->ctx, parent, name);
}

int
volume_rmdir(struct volume *t, const char *path)
{
	uint64_t parent;
	char name[300];
	int err = volume_parent(t, path, &parent, name);

	return err ? err : vol_rmdir(t->v, &t->ctx, parent, name);
}

const char *
volume_text(struct volume *t, uint64_t ino)
{
	static char text[4096];
	size_t got = 0;

	check_ok(vol_read(t->v, ino, 0, text, sizeof(text) - 1, &got));
	text[got] = '\0';
	return text;
}

const char *
volume_cat(struct volume *t, const char *path)
{
	return volume_text(t, volume_at(t, path));
}

static int
volume_ls_each(void *ctx, const struct vol_dirent *e)
{
	if (strcmp(e->name, ".") && strcmp(e->name, ".."))
		check_ok(buf_printf(ctx, "%s ", e->name));
	return 0;
}

const char *
volume_ls(struct volume *t, const char *path)
{
	static char text[65536];
	struct buf b = {0};
	struct vol_dir *d = NULL;

	check_ok(vol_opendir(t->v, volume_at(t, path), &d));
	check_ok(vol_readdir(d, 0, false, volume_ls_each, &b));
	vol_releasedir(d);
	check_true(b.size < sizeof(text));
	if (b.size)
		memcpy(text, b.data, b.size);
	text[b.size] = '\0';
	buf_fini(&b);
	return text;
}

/* --- all records ----------------------------------------------------- */

static void
volume_finding(void *ctx, const char *text)
{
	(void)ctx;
	print_error("%s\n", text);
}

void
volume_check(struct volume *t)
{
	const struct vol_check_sink sink = {.finding = volume_finding};
	struct vol_check_totals totals;

	check_eq(vol_check(t->s, &sink, &totals), 0);
	check_eq(totals.orphans, 0);
}
