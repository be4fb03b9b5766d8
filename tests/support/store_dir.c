#include "tests/support/store_dir.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/db/file_name.h"

#define NAMES_MAX 256
#define FILE_MAX  (64u << 20)

void
store_dir_init(struct store_dir *d)
{
	*d = (struct store_dir){0};
	snprintf(d->path, sizeof(d->path), "%s", check_tmpdir());
	d->sink = log_sink(&d->log);
	env_posix_init(&d->posix, d->sink);
	env_fault_init(&d->fault, &d->posix);
	d->cache = cache_new(1u << 20);
	check_true(d->cache != NULL);
	d->place = (struct version_place){
	    .env = &d->fault.env, .dir = d->path, .cache = d->cache};
}

void
store_dir_fini(struct store_dir *d)
{
	cache_free(d->cache);
	env_fault_fini(&d->fault);
}

static int
store_dir_unlink(void *ctx, const char *name)
{
	struct store_dir *d = ctx;

	return env_unlink(&d->posix, store_dir_file(d, name));
}

void
store_dir_clear(struct store_dir *d)
{
	check_ok(env_list(&d->posix, d->path, store_dir_unlink, d));
}

const char *
store_dir_file(const struct store_dir *d, const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	return path;
}

struct names {
	char *list[NAMES_MAX];
	size_t count;
};

static int
store_dir_collect(void *ctx, const char *name)
{
	struct names *n = ctx;

	check_true(n->count < NAMES_MAX);
	n->list[n->count++] = strdup(name);
	return 0;
}

static int
store_dir_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *
store_dir_names(const struct store_dir *d)
{
	static char text[NAMES_MAX * 32];
	struct env env = d->posix;
	struct names n = {0};
	size_t size = 0;

	text[0] = '\0';
	check_ok(env_list(&env, d->path, store_dir_collect, &n));
	qsort(n.list, n.count, sizeof(n.list[0]), store_dir_cmp);
	for (size_t i = 0; i < n.count; i++) {
		size += (size_t)snprintf(text + size, sizeof(text) - size,
		    "%s%s", i ? " " : "", n.list[i]);
		free(n.list[i]);
		check_true(size < sizeof(text));
	}
	return text;
}

bool
store_dir_has(const struct store_dir *d, const char *name)
{
	struct env env = d->posix;
	struct env_file *f;
	int err = env_open(&env, store_dir_file(d, name), ENV_OPEN_READ, &f);

	if (err == -ENOENT)
		return false;
	check_ok(err);
	env_close(f);
	return true;
}

void
store_dir_load(const struct store_dir *d, const char *name, struct buf *out)
{
	struct env env = d->posix;
	uint8_t *data;
	size_t size;

	check_ok(env_read_file(
	    &env, store_dir_file(d, name), FILE_MAX, &data, &size));
	check_ok(buf_assign(out, bytes_of(data, size)));
	free(data);
}

void
store_dir_store(
    const struct store_dir *d, const char *name, struct bytes content)
{
	struct env env = d->posix;

	check_ok(env_replace_file(&env, d->path, name, content));
}

struct version_file *
store_dir_table(struct store_dir *d, uint64_t number, const struct sorted *s,
    size_t first, size_t end)
{
	const struct table_writer_options o = {
	    .block_bytes = 128, .filter_bits = 10, .compress = true};
	char *path = file_name_path(d->path, FILE_NAME_TABLE, number);
	struct table_info info = {0};
	struct table_writer *w;
	struct version_file *f;

	check_true(path != NULL && first < end);
	check_ok(table_writer_open(&d->posix, path, number, &o, &w));
	for (size_t i = first; i < end; i++)
		check_ok(table_writer_add(
		    w, s->entries[i].key, s->entries[i].value));
	check_ok(table_writer_finish(w, &info));
	check_ok(version_file_new(&d->place, &info, &f));
	table_info_fini(&info);
	free(path);
	return f;
}

void
store_dir_add(struct store_dir *d, struct edit *e, unsigned level,
    uint64_t number, const char *first, const char *last)
{
	struct sorted s = {0};
	struct version_file *f;

	sorted_add(&s, bytes_str(first), number * 10 + 1, IKEY_KIND_PUT,
	    bytes_str("first"));
	sorted_add(
	    &s, bytes_str(last), number * 10, IKEY_KIND_PUT, bytes_str("last"));
	sorted_sort(&s);
	f = store_dir_table(d, number, &s, 0, s.count);
	check_ok(edit_add_file(e, level, f));
	version_file_unref(f);
	sorted_fini(&s);
}
