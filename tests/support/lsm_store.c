#include "tests/support/lsm_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/table/wal.h"

static void
on_message(void *ctx, enum err_level level, const char *text)
{
	struct lsm_store *s = ctx;

	lock_acquire(&s->lock);
	if (level > ERR_LEVEL_INFO)
		(void)buf_printf(&s->messages, "%s\n", text);
	lock_release(&s->lock);
}

void
lsm_store_init(struct lsm_store *s)
{
	memset(s, 0, sizeof(*s));
	lock_init(&s->lock, LOCK_RANK_LEAF);
	s->dir = check_tmpdir();
	env_posix_init(&s->posix, (struct err_sink){on_message, s});
	env_fault_init(&s->fault, &s->posix);
	s->fault.env.sink = s->posix.sink;
	lsm_options_init(&s->options);
	s->options.create = true;
	s->options.memtable_bytes = 8192;
	s->options.table_bytes = 4096;
	s->options.level_base_bytes = 16384;
	s->options.block_bytes = 512;
	s->options.cache_bytes = 1u << 20;
	s->options.no_background = true;
	s->options.env = &s->fault.env;
}

void
lsm_store_init_values(struct lsm_store *s)
{
	lsm_store_init(s);
	s->options.value_log_bytes = 1024;
	s->options.compression = LSM_COMPRESSION_NONE;
}

void
lsm_store_fini(struct lsm_store *s)
{
	lsm_store_close(s);
	env_fault_fini(&s->fault);
	check_rmtree(s->dir);
	buf_fini(&s->messages);
	lock_fini(&s->lock);
}

int
lsm_store_try_open(struct lsm_store *s)
{
	check_true(s->db == NULL);
	return lsm_open(s->dir, &s->options, &s->db);
}

void
lsm_store_open(struct lsm_store *s)
{
	int err = lsm_store_try_open(s);

	if (err && s->messages.size > 0)
		fprintf(stderr, "%.*s", (int)s->messages.size,
		    (const char *)s->messages.data);
	check_ok(err);
}

void
lsm_store_close(struct lsm_store *s)
{
	if (s->db)
		(void)lsm_close(s->db);
	s->db = NULL;
}

void
lsm_store_reopen(struct lsm_store *s)
{
	lsm_store_close(s);
	lsm_store_open(s);
}

bool
lsm_store_said(struct lsm_store *s, const char *text)
{
	bool said;

	lock_acquire(&s->lock);
	said = s->messages.size > 0 &&
	       memmem(s->messages.data, s->messages.size, text, strlen(text));
	lock_release(&s->lock);
	return said;
}

/* --- writing ----------------------------------------------------------------
 */

static int
write_one(struct lsm_store *s, const char *key, const struct bytes *value,
    uint64_t *seq)
{
	struct lsm_batch *b = lsm_batch_new();
	int err;

	check_true(b != NULL);
	if (value)
		check_ok(lsm_batch_put(b, bytes_str(key), *value));
	else
		check_ok(lsm_batch_delete(b, bytes_str(key)));
	err = lsm_write(s->db, b, seq);
	lsm_batch_free(b);
	return err;
}

int
lsm_store_try_put(
    struct lsm_store *s, const char *key, const char *value, uint64_t *seq)
{
	struct bytes v = bytes_str(value);

	return write_one(s, key, &v, seq);
}

uint64_t
lsm_store_put(struct lsm_store *s, const char *key, const char *value)
{
	uint64_t seq = 0;

	check_ok(lsm_store_try_put(s, key, value, &seq));
	return seq;
}

uint64_t
lsm_store_delete(struct lsm_store *s, const char *key)
{
	uint64_t seq = 0;

	check_ok(write_one(s, key, NULL, &seq));
	return seq;
}

static void
fill_value(uint8_t *value, size_t size, unsigned i, char tag)
{
	struct check_rand r = check_rand_of(i * 256 + (unsigned char)tag);

	check_rand_fill(&r, value, size);
}

uint64_t
lsm_store_delete_range(struct lsm_store *s, const char *begin, const char *end)
{
	struct lsm_batch *b = lsm_batch_new();
	uint64_t seq = 0;

	check_true(b != NULL);
	check_ok(lsm_batch_delete_range(b, bytes_str(begin),
	    end ? bytes_str(end) : (struct bytes){NULL, 0}));
	check_ok(lsm_write(s->db, b, &seq));
	lsm_batch_free(b);
	return seq;
}

void
lsm_store_fill(
    struct lsm_store *s, unsigned from, unsigned to, size_t size, char tag)
{
	uint8_t *data = malloc(size + 1);
	struct bytes value = bytes_of(data, size);
	char key[32];

	check_true(data != NULL);
	for (unsigned i = from; i < to; i++) {
		fill_value(data, size, i, tag);
		(void)snprintf(key, sizeof(key), "KEY%06u", i);
		check_ok(write_one(s, key, &value, NULL));
	}
	free(data);
}

void
lsm_store_unfill(struct lsm_store *s, unsigned from, unsigned to)
{
	char key[32];

	for (unsigned i = from; i < to; i++) {
		(void)snprintf(key, sizeof(key), "KEY%06u", i);
		lsm_store_delete(s, key);
	}
}

/* --- reading ----------------------------------------------------------------
 */

static int
get_into(struct lsm_store *s, const struct lsm_snapshot *at, const char *key,
    struct buf *out)
{
	struct lsm_value value;
	int rc = lsm_get(s->db, at, bytes_str(key), &value);

	if (rc <= 0)
		return rc;
	check_ok(buf_assign(out, value.bytes));
	check_ok(buf_append_u8(out, 0));
	lsm_value_release(&value);
	return 1;
}

const char *
lsm_store_get_at(
    struct lsm_store *s, const struct lsm_snapshot *at, const char *key)
{
	static struct buf text;
	int rc = get_into(s, at, key, &text);

	if (rc < 0)
		check_ok(rc);
	return rc > 0 ? (const char *)text.data : NULL;
}

const char *
lsm_store_get(struct lsm_store *s, const char *key)
{
	return lsm_store_get_at(s, NULL, key);
}

const char *
lsm_store_keys(
    struct lsm_store *s, const struct lsm_iter_options *o, bool reverse)
{
	static struct buf text;
	struct lsm_iter *it;
	int rc;

	buf_clear(&text);
	check_ok(lsm_iter_open(s->db, o, &it));
	rc = reverse ? lsm_iter_last(it) : lsm_iter_first(it);
	while (rc > 0) {
		if (text.size > 0)
			check_ok(buf_append_u8(&text, ' '));
		check_ok(buf_append_bytes(&text, lsm_iter_key(it)));
		rc = reverse ? lsm_iter_prev(it) : lsm_iter_next(it);
	}
	check_ok(rc);
	lsm_iter_close(it);
	check_ok(buf_append_u8(&text, 0));
	return (const char *)text.data;
}

void
lsm_store_expect(
    struct lsm_store *s, unsigned from, unsigned to, size_t size, char tag)
{
	uint8_t *data = malloc(size + 1);
	struct buf found = {0};
	char key[32];

	check_true(data != NULL);
	for (unsigned i = from; i < to; i++) {
		fill_value(data, size, i, tag);
		(void)snprintf(key, sizeof(key), "KEY%06u", i);
		check_eq(get_into(s, NULL, key, &found), 1);
		check_bytes_eq(
		    bytes_of(found.data, found.size - 1), bytes_of(data, size));
	}
	buf_fini(&found);
	free(data);
}

/* --- care -------------------------------------------------------------------
 */

static void
print_finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "finding: %s\n", text);
}

void
lsm_store_check(struct lsm_store *s)
{
	struct lsm_check_sink sink = {.finding = print_finding};

	check_ok(lsm_check(s->db, &sink));
}

struct lsm_stats
lsm_store_stats(struct lsm_store *s)
{
	struct lsm_stats stats;

	lsm_stats(s->db, &stats);
	return stats;
}

/* --- files ------------------------------------------------------------------
 */

struct find {
	const char *ending;
	char path[512];
	size_t count;
};

/* A file of the log that stands ready (spare.h): it holds nothing. */
static bool
is_spare(const char *path)
{
	uint8_t header[WAL_FILE_HEADER], zeros[WAL_FILE_HEADER] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	check_le(0, fd);
	n = read(fd, header, sizeof(header));
	check_ok(close(fd));
	return n == sizeof(header) && memcmp(header, zeros, sizeof(zeros)) == 0;
}

static int
find_file(void *ctx, const char *path)
{
	struct find *f = ctx;
	size_t size = strlen(path), end = strlen(f->ending);

	if (size >= end && strcmp(path + size - end, f->ending) == 0 &&
	    !is_spare(path)) {
		(void)snprintf(f->path, sizeof(f->path), "%s", path);
		f->count++;
	}
	return 0;
}

static struct find *
find_files(struct lsm_store *s, const char *ending)
{
	static struct find f;

	f.ending = ending;
	f.count = 0;
	check_ok(lsm_list_files(s->dir, find_file, &f));
	return &f;
}

const char *
lsm_store_file(struct lsm_store *s, const char *ending)
{
	struct find *f = find_files(s, ending);

	return f->count > 0 ? f->path : NULL;
}

size_t
lsm_store_file_count(struct lsm_store *s, const char *ending)
{
	return find_files(s, ending)->count;
}

void
lsm_store_damage(const char *path, long offset)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	uint8_t byte;

	check_le(0, fd);
	check_ok(fstat(fd, &st));
	if (offset < 0)
		offset += st.st_size;
	check_eq(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x20;
	check_eq(pwrite(fd, &byte, 1, offset), 1);
	check_ok(close(fd));
}

static void
copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char block[65536];
	ssize_t n;

	check_true(in >= 0 && out >= 0);
	while ((n = read(in, block, sizeof(block))) > 0)
		check_eq(write(out, block, (size_t)n), n);
	check_eq(n, 0);
	check_ok(close(in));
	check_ok(close(out));
}

const char *
lsm_store_copy(struct lsm_store *s)
{
	const char *to = check_tmpdir();
	DIR *dir = opendir(s->dir);
	char from_path[512], to_path[512];
	struct dirent *e;

	check_true(dir != NULL);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "LOCK") == 0)
			continue;
		(void)snprintf(
		    from_path, sizeof(from_path), "%s/%s", s->dir, e->d_name);
		(void)snprintf(
		    to_path, sizeof(to_path), "%s/%s", to, e->d_name);
		copy_file(from_path, to_path);
	}
	check_ok(closedir(dir));
	return to;
}
