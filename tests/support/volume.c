#include "tests/support/volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/record/entry.h"
#include "fs/record/key.h"
#include "fs/record/super.h"
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

struct volume_record {
	struct key_parts key;
	struct entry e;
	uint64_t ino; /* P */
	uint32_t dirs;
	bool seen;
	uint8_t *bytes; /* what the views point to */
};

struct volume_records {
	struct volume_record *all;
	size_t count;
	uint64_t next_ino;
};

static struct bytes
volume_copy(uint8_t **to, struct bytes s)
{
	struct bytes copy = bytes_of(*to, s.size);

	if (s.size)
		memcpy(*to, s.data, s.size);
	*to += s.size;
	return copy;
}

static void
volume_read_record(
    struct volume_records *rs, struct bytes key, struct bytes value)
{
	struct volume_record r = {0};
	uint8_t *p = malloc(key.size + value.size + 1);

	check_true(p != NULL);
	r.bytes = p;
	key = volume_copy(&p, key);
	value = volume_copy(&p, value);
	check_ok(key_decode(key, &r.key));
	if (r.key.tag == KEY_ENTRY)
		check_ok(entry_decode(value, &r.e));
	if (r.key.tag == KEY_PREFIX)
		check_ok(super_prefix_decode(value, &r.ino));
	if (r.key.tag == KEY_SUPER && bytes_eq(r.key.name, bytes_str("ino")))
		check_ok(super_ino_decode(value, &rs->next_ino));
	rs->all =
	    reallocarray(rs->all, rs->count + 1, sizeof(struct volume_record));
	check_true(rs->all != NULL);
	rs->all[rs->count++] = r;
}

static void
volume_read_all(struct volume *t, struct volume_records *rs)
{
	struct store_iter *it = NULL;
	int r;

	check_ok(
	    store_iter_open(t->s, bytes_of(NULL, 0), bytes_of(NULL, 0), &it));
	for (r = store_iter_seek(it, bytes_of("", 0)); r == 1;
	     r = store_iter_next(it))
		volume_read_record(rs, it->key, it->value);
	check_eq(r, 0);
	store_iter_close(it);
}

/* The directory that has the prefix; there must be exactly one. */
static struct volume_record *
volume_dir_of(struct volume_records *rs, struct bytes prefix)
{
	struct volume_record *found = NULL;

	for (size_t i = 0; i < rs->count; i++) {
		struct volume_record *r = &rs->all[i];

		if (r->key.tag != KEY_ENTRY || r->e.type != ENTRY_DIR ||
		    !bytes_eq(r->e.prefix, prefix))
			continue;
		if (found)
			check_fail("two directories with prefix '%.*s'",
			    (int)prefix.size, (const char *)prefix.data);
		found = r;
	}
	if (!found)
		check_fail("no directory with prefix '%.*s'", (int)prefix.size,
		    (const char *)prefix.data);
	return found;
}

/* Is there a P record, and of this ino? */
static bool
volume_is_taken(struct volume_records *rs, const struct entry *dir)
{
	for (size_t i = 0; i < rs->count; i++) {
		struct volume_record *r = &rs->all[i];

		if (r->key.tag == KEY_PREFIX &&
		    bytes_eq(r->key.prefix, dir->prefix)) {
			check_eq(r->ino, dir->ino);
			r->seen = true;
			return true;
		}
	}
	return false;
}

static void
volume_check_prefix(struct volume_records *rs, struct volume_record *r)
{
	struct buf natural = {0}, fresh = {0};
	bool want;

	check_ok(key_natural_prefix(&natural, r->key.prefix, r->key.name));
	check_ok(key_fresh_prefix(&fresh, r->e.ino));
	want = !bytes_eq(buf_bytes(&natural), r->e.prefix) &&
	       !bytes_eq(buf_bytes(&fresh), r->e.prefix);
	if (volume_is_taken(rs, &r->e) != want)
		check_fail("P of '%.*s' at '%.*s': want %d",
		    (int)r->e.prefix.size, (const char *)r->e.prefix.data,
		    (int)natural.size, (const char *)natural.data, want);
	buf_fini(&natural);
	buf_fini(&fresh);
}

static void
volume_check_entry(struct volume_records *rs, struct volume_record *r)
{
	struct volume_record *up = r;

	check_true(r->e.ino < rs->next_ino);
	for (size_t i = 0; i < rs->count; i++)
		if (&rs->all[i] != r && rs->all[i].key.tag == KEY_ENTRY)
			check_ne(rs->all[i].e.ino, r->e.ino);
	if (r->key.name.size == 0)
		return;
	if (r->e.type == ENTRY_DIR) {
		volume_dir_of(rs, r->key.prefix)->dirs++;
		volume_check_prefix(rs, r);
	} else {
		check_eq(r->e.nlink, 1);
	}
	/* Up to the root in fewer steps than there are records. */
	for (size_t i = 0; up->key.name.size; i++) {
		check_le(i, rs->count);
		up = volume_dir_of(rs, up->key.prefix);
	}
}

static void
volume_check_block(struct volume_records *rs, const struct volume_record *b)
{
	for (size_t i = 0; i < rs->count; i++)
		if (rs->all[i].key.tag == KEY_ENTRY &&
		    rs->all[i].e.ino == b->key.ino)
			return;
	check_fail("a %c record of nobody: ino %llu", b->key.tag,
	    (unsigned long long)b->key.ino);
}

void
volume_check(struct volume *t)
{
	struct volume_records rs = {0};

	volume_read_all(t, &rs);
	for (size_t i = 0; i < rs.count; i++)
		if (rs.all[i].key.tag == KEY_ENTRY)
			volume_check_entry(&rs, &rs.all[i]);
	for (size_t i = 0; i < rs.count; i++) {
		struct volume_record *r = &rs.all[i];

		if (r->key.tag == KEY_ENTRY && r->e.type == ENTRY_DIR)
			check_eq(r->e.nlink, 2 + r->dirs);
		if (r->key.tag == KEY_PREFIX)
			check_true(r->seen);
		if (r->key.tag == KEY_ORPHAN)
			check_fail("an orphan was left behind");
		if (r->key.tag == KEY_BLOCK || r->key.tag == KEY_XATTR)
			volume_check_block(&rs, r);
	}
	for (size_t i = 0; i < rs.count; i++)
		free(rs.all[i].bytes);
	free(rs.all);
}
