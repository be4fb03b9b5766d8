#include "tests/support/wal_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/wire.h"
#include "tests/check.h"

static void
keep_message(void *ctx, enum err_level level, const char *text)
{
	struct wal_file *f = ctx;

	(void)level;
	snprintf(f->message, sizeof(f->message), "%s", text);
}

void
wal_file_init(struct wal_file *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "%s/000007.log", check_tmpdir());
	env_posix_init(
	    &f->posix, (struct err_sink){.write = keep_message, .ctx = f});
	env_fault_init(&f->fault, &f->posix);
	f->env = &f->fault.env;
	env_unlink(&f->posix, f->path);
}

void
wal_file_fini(struct wal_file *f)
{
	env_unlink(&f->posix, f->path);
	env_fault_fini(&f->fault);
}

struct wal *
wal_file_create(struct wal_file *f)
{
	struct wal *w;

	check_ok(wal_create(f->env, f->path,
	    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), 1, &w));
	return w;
}

bool
wal_file_can_map(struct wal_file *f)
{
	struct env_file *file;
	struct env_map *m = NULL;
	int err;

	check_ok(env_open(
	    &f->posix, f->path, ENV_OPEN_WRITE | ENV_OPEN_CREATE, &file));
	err = env_map(file, 0, 4096, &m);
	env_unmap(m);
	env_close(file);
	env_unlink(&f->posix, f->path);
	return err == 0;
}

void
wal_file_need_mapping(struct wal_file *f)
{
	if (!wal_file_can_map(f))
		check_skip("no mapping on this filesystem");
}

int
wal_file_append(struct wal *w, struct wal_stamp stamp, const char *text)
{
	size_t size = WAL_RECORD_HEADER + strlen(text);
	uint8_t *record = calloc(1, size + 1);
	int rc;

	check_true(record != NULL);
	memcpy(record + WAL_RECORD_HEADER, text, strlen(text));
	rc = wal_append(w, record, size, &stamp);
	free(record);
	return rc;
}

int
wal_file_append_one(struct wal *w, uint64_t seq, size_t size)
{
	char *text = malloc(size + 1);
	int err;

	check_true(text != NULL);
	memset(text, (int)('a' + seq % 20), size);
	text[size] = '\0';
	err = wal_file_append(w, (struct wal_stamp){seq, 1, 0}, text);
	free(text);
	return err;
}

struct wal *
wal_file_lay_over_old(struct wal_file *f, uint64_t size)
{
	struct wal *w;

	check_ok(wal_create(
	    &f->posix, f->path, WAL_FILE_ID(WAL_KIND_LOG, 6), 1, &w));
	for (uint64_t i = 1; wal_size(w) < size; i++)
		check_ok(wal_file_append_one(w, i, i * 37 % 3000));
	wal_close(w);
	check_ok(wal_create_in(f->env, f->path,
	    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), 1, &w));
	return w;
}

void
wal_file_load(struct wal_file *f, struct buf *out)
{
	uint8_t *data;
	size_t size;

	check_ok(env_read_file(&f->posix, f->path, SIZE_MAX / 2, &data, &size));
	check_ok(buf_assign(out, bytes_of(data, size)));
	free(data);
}

void
wal_file_store(struct wal_file *f, struct bytes content)
{
	struct env_file *file;

	check_ok(env_open(&f->posix, f->path,
	    ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_TRUNC, &file));
	check_ok(env_pwrite(file, content.data, content.size, 0));
	env_close(file);
}

uint64_t
wal_file_size(struct wal_file *f)
{
	struct env_file *file;
	uint64_t size;

	check_ok(env_open(&f->posix, f->path, ENV_OPEN_READ, &file));
	check_ok(env_size(file, &size));
	env_close(file);
	return size;
}

/* The payload of record i is the digit of i, i times. */
static void
payload_of(unsigned i, char *text)
{
	memset(text, (int)('0' + i % 10), i);
	text[i] = '\0';
}

int
wal_file_read(struct wal_file *f, uint64_t *last, struct wal_tail *tail)
{
	struct wal_reader *r;
	struct wal_record record;
	int rc;

	*last = 0;
	f->message[0] = '\0';
	rc = wal_reader_open(
	    f->env, f->path, WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), &r);
	if (rc)
		return rc;
	while ((rc = wal_reader_next(r, &record)) > 0) {
		check_eq(record.stamp.seq, *last + 1);
		*last = record.stamp.seq + record.stamp.count - 1;
	}
	/* What was said once is said for ever. */
	check_eq(wal_reader_next(r, &record), rc);
	if (rc == 0)
		wal_reader_tail(r, tail);
	wal_reader_close(r);
	return rc;
}

void
wal_file_fill(struct wal_file *f, unsigned n, uint64_t (*durable)(unsigned i),
    uint64_t *offsets)
{
	struct wal *w;
	char text[64];

	check_true(n < sizeof(text));
	env_unlink(&f->posix, f->path);
	w = wal_file_create(f);
	for (unsigned i = 1; i <= n; i++) {
		if (offsets)
			offsets[i] = wal_size(w);
		payload_of(i, text);
		check_ok(wal_file_append(
		    w, (struct wal_stamp){i, 1, durable(i)}, text));
	}
	if (offsets)
		offsets[n + 1] = wal_size(w);
	wal_close(w);
}

uint64_t
wal_file_nothing_durable(unsigned i)
{
	(void)i;
	return 0;
}

uint64_t
wal_file_two_behind(unsigned i)
{
	return i > 2 ? i - 2 : 0;
}

void
wal_file_check_end(
    struct wal_file *f, uint64_t want_last, uint64_t want_end, bool want_torn)
{
	struct wal_tail tail;
	uint64_t last;

	check_ok(wal_file_read(f, &last, &tail));
	check_eq(last, want_last);
	check_eq(tail.end, want_end);
	check_eq(tail.torn, want_torn);
}

void
wal_file_check_damaged(struct wal_file *f, uint64_t want_last, uint64_t offset)
{
	struct wal_tail tail;
	uint64_t last;
	char place[64];

	check_err(wal_file_read(f, &last, &tail), -EUCLEAN);
	check_eq(last, want_last);
	check_contains(f->message, f->path);
	snprintf(place, sizeof(place),
	    "damaged at offset %llu:", (unsigned long long)offset);
	check_contains(f->message, place);
	snprintf(place, sizeof(place), "truncate it to %llu bytes",
	    (unsigned long long)offset);
	check_contains(f->message, place);
}

void
wal_file_set_version(const char *path, uint32_t version)
{
	uint8_t header[WAL_FILE_HEADER];
	FILE *f = fopen(path, "r+");

	check_true(f != NULL);
	check_eq(fread(header, 1, sizeof(header), f), sizeof(header));
	wire_put_le32(header + 8, version);
	/* Of what is in front of it, seeded with the number. */
	wire_put_le64(header + 40,
	    hash_64(bytes_of(header, 40), wire_get_le64(header + 16)));
	rewind(f);
	check_eq(fwrite(header, 1, sizeof(header), f), sizeof(header));
	check_ok(fclose(f));
}
