#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/table/ikey.h"
#include "engine/table/wal.h"
#include "engine/table/wal_format.h"

/* Read at a time, when no record is larger. */
#define WINDOW_BYTES (256u << 10)

/* Bytes of false records that one search may hash: a file made to hold many
 * false headers must not keep recovery busy for hours. */
#define SEARCH_HASH_MAX (UINT64_C(1) << 30)

/* Sequence numbers that may be missing without a trace. */
#define SEARCH_GAP_MAX 65536

enum reader_state { READER_READS, READER_ENDED, READER_FAILED };

struct wal_reader {
	/* constant after open */
	struct env *env;
	struct env_file *file;
	uint64_t number;
	uint64_t first_seq;
	uint64_t file_size;

	/* the part of the file that is in memory */
	struct buf window;
	uint64_t window_at;

	enum reader_state state;
	int error;
	uint64_t pos;      /* the next record */
	uint64_t next_seq; /* which it must have */
	struct wal_tail tail;
};

/* Fills the window from `at` with at least size bytes, which the file has. */
static int
window_load(struct wal_reader *r, uint64_t at, uint64_t size)
{
	uint64_t left = r->file_size - at;
	size_t want = (size_t)(size > WINDOW_BYTES ? size : WINDOW_BYTES);
	size_t got = 0;
	int err;

	if (want > left)
		want = (size_t)left;
	buf_clear(&r->window);
	err = buf_reserve(&r->window, want);
	if (err)
		return err;
	err = env_pread(r->file, r->window.data, want, at, &got);
	if (err)
		return err;
	r->window_at = at;
	r->window.size = got;
	return 0;
}

/* 1: *p is size bytes of the file, valid until the next call; 0: the file ends
 * before. */
static inline int
window_get(struct wal_reader *r, uint64_t at, uint64_t size, const uint8_t **p)
{
	int err;

	if (at > r->file_size || size > r->file_size - at)
		return 0;
	if (at < r->window_at || at + size > r->window_at + r->window.size) {
		err = window_load(r, at, size);
		if (err < 0)
			return err;
		if (size > r->window.size)
			return 0; /* the file has shrunk since it was opened */
	}
	*p = r->window.data + (at - r->window_at);
	return 1;
}

/* 1: an intact record with the plausible header h is at `at`, whole at *p. */
static int
record_at(struct wal_reader *r, uint64_t at, const struct wal_format_record *h,
    const uint8_t **p)
{
	size_t size = (size_t)h->size + WAL_RECORD_HEADER;
	int rc = window_get(r, at, size, p);

	if (rc <= 0)
		return rc;
	return wal_format_check_record(*p, size, r->number);
}

struct search {
	uint64_t at;      /* where to begin; then where it was found */
	uint64_t min_seq; /* records before that are not looked for */
	uint64_t max_seq; /* what a record at `at` can have; grows with it */
	uint64_t min_durable; /* nor those that promise less */
	uint64_t hash_left;   /* bytes */
	bool nonzero;         /* a byte other than 0 was passed */
	bool gave_up;         /* hash_left did not suffice */
	struct wal_stamp found;
};

/*
 * Whether a record of this file can stand at s->at: this spares almost all
 * hashing.  *h is its header then.
 */
static bool
search_fits(const struct wal_reader *r, const struct search *s,
    const uint8_t *p, struct wal_format_record *h)
{
	if (wal_format_seq(p) - s->min_seq > s->max_seq - s->min_seq)
		return false; /* almost every offset */
	return wal_format_get_record(p, h) &&
	       h->size <= r->file_size - s->at - WAL_RECORD_HEADER;
}

static void
search_step(struct search *s, uint64_t bytes)
{
	s->at += bytes;
	s->max_seq += bytes;
}

/* What is at s->at: 1 what s looks for, 0 not that (and s goes on), <0. */
static int
search_try(struct wal_reader *r, struct search *s, const uint8_t *p)
{
	struct wal_format_record h;
	int rc;

	if (!search_fits(r, s, p, &h)) {
		search_step(s, 1);
		return 0;
	}
	rc = record_at(r, s->at, &h, &p);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		s->gave_up = h.size > s->hash_left;
		s->hash_left -= h.size;
		search_step(s, 1);
		return 0;
	}
	s->found = h.stamp;
	if (h.stamp.durable >= s->min_durable)
		return 1;
	/* Intact, and no promise: nothing inside it is a record. */
	s->nonzero = true;
	search_step(s, WAL_RECORD_HEADER + h.size);
	return 0;
}

/* Tries every offset from s->at on: 1 an intact record found, 0 none, <0. */
static int
search_run(struct wal_reader *r, struct search *s)
{
	const uint8_t *p;
	int rc = 0;

	while (rc == 0 && !s->gave_up) {
		rc = window_get(r, s->at, WAL_RECORD_HEADER, &p);
		if (rc <= 0)
			break;
		s->nonzero |= *p != 0;
		rc = search_try(r, s, p);
	}
	return rc;
}

/* The bytes too few for a record that search_run leaves at the end. */
static int
rest_nonzero(struct wal_reader *r, uint64_t at, bool *nonzero)
{
	uint64_t size = r->file_size - at;
	const uint8_t *p;
	int rc = window_get(r, at, size, &p);

	if (rc <= 0)
		return rc;
	for (uint64_t i = 0; i < size; i++)
		*nonzero |= p[i] != 0;
	return 0;
}

static int
damaged(struct wal_reader *r, uint64_t at, const struct search *s)
{
	const char *path = r->file->path;
	unsigned long long offset = at, seq = r->next_seq;

	if (s->gave_up)
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: damaged at offset %llu: no good record of number %llu,"
		    " and too much behind it looks like records to tell a"
		    " power cut from damage; restore the file from a backup,"
		    " or truncate it to %llu bytes to do without the rest",
		    path, offset, seq, offset);
	else
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: damaged at offset %llu: no good record of number %llu,"
		    " which was on stable storage according to the record at"
		    " offset %llu; restore the file from a backup, or truncate"
		    " it to %llu bytes to do without the rest",
		    path, offset, seq, (unsigned long long)s->at, offset);
	return ERR_DAMAGED;
}

/*
 * At a place where no good record is: the end, or damage if a later record
 * promises that the one missing here was durable.
 */
static int
resolve_tail(struct wal_reader *r)
{
	struct search s = {
	    .at = r->pos,
	    .min_seq = r->next_seq,
	    /* A record covers no more numbers than it has bytes.  A few
	     * may have vanished together with their bytes. */
	    .max_seq = r->next_seq + SEARCH_GAP_MAX,
	    .min_durable = r->next_seq,
	    .hash_left = SEARCH_HASH_MAX,
	};
	int rc = search_run(r, &s);

	if (rc < 0)
		return rc;
	if (rc > 0 || s.gave_up)
		return damaged(r, r->pos, &s);
	rc = rest_nonzero(r, s.at, &s.nonzero);
	if (rc)
		return rc;
	r->tail.end = r->pos;
	r->tail.torn = s.nonzero;
	return 0;
}

/* 1 *out is the next record, 0 there is no good one, <0. */
static int
read_record(struct wal_reader *r, struct wal_record *out)
{
	struct wal_format_record h;
	const uint8_t *p;
	int rc = window_get(r, r->pos, WAL_RECORD_HEADER, &p);

	if (rc <= 0)
		return rc;
	if (!wal_format_get_record(p, &h) || h.stamp.seq != r->next_seq)
		return 0;
	rc = record_at(r, r->pos, &h, &p);
	if (rc <= 0)
		return rc;
	out->stamp = h.stamp;
	out->offset = r->pos;
	out->payload = bytes_of(p + WAL_RECORD_HEADER, h.size);
	return 1;
}

int
wal_reader_next(struct wal_reader *r, struct wal_record *out)
{
	int rc;

	if (r->state != READER_READS)
		return r->error;
	rc = read_record(r, out);
	if (rc == 0) {
		rc = resolve_tail(r);
		r->state = READER_ENDED;
	}
	if (rc < 0) {
		r->state = READER_FAILED;
		r->error = rc;
	}
	if (rc <= 0)
		return rc;
	r->pos += WAL_RECORD_HEADER + out->payload.size;
	r->next_seq = out->stamp.seq + out->stamp.count;
	if (out->stamp.durable > r->tail.promised)
		r->tail.promised = out->stamp.durable;
	return 1;
}

void
wal_reader_tail(const struct wal_reader *r, struct wal_tail *out)
{
	must(r->state == READER_ENDED);
	*out = r->tail;
}

uint64_t
wal_reader_first_seq(const struct wal_reader *r)
{
	return r->first_seq;
}

/*
 * The header is zeros: a crash at creation, unless records behind it say that
 * the first of them was durable, and so the header was.
 */
static int
zero_header(struct wal_reader *r)
{
	struct search s = {
	    .at = WAL_FILE_HEADER,
	    .min_seq = 1,
	    .max_seq = IKEY_SEQ_MAX,
	    .hash_left = SEARCH_HASH_MAX,
	};
	int rc = search_run(r, &s);

	if (rc > 0) {
		s.min_seq = s.min_durable = s.max_seq = s.found.seq;
		rc = search_run(r, &s);
	}
	if (rc < 0)
		return rc;
	if (rc == 0 && !s.gave_up)
		return -ENODATA;
	env_log(r->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset 0: the header is zeros, but records follow;"
	    " restore the file from a backup",
	    r->file->path);
	return ERR_DAMAGED;
}

/* Checks what the header says against what the caller knows. */
static int
check_file(
    struct wal_reader *r, enum wal_kind kind, const struct wal_format_file *h)
{
	if (h->kind == (uint32_t)kind && h->number == r->number)
		return 0;
	env_log(r->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset 0: the header says kind %u, number %llu"
	    " instead of kind %u, number %llu; was the file renamed?",
	    r->file->path, h->kind, (unsigned long long)h->number,
	    (unsigned)kind, (unsigned long long)r->number);
	return ERR_DAMAGED;
}

static int
read_header(struct wal_reader *r, enum wal_kind kind)
{
	const char *path = r->file->path;
	struct wal_format_file h;
	uint32_t version = 0;
	const uint8_t *p;
	int rc = window_get(r, 0, WAL_FILE_HEADER, &p);

	if (rc <= 0)
		return rc < 0 ? rc : -ENODATA;
	switch (wal_format_get_file(p, &h, &version)) {
	case WAL_FORMAT_OK:
		r->first_seq = r->next_seq = h.first_seq;
		r->pos = WAL_FILE_HEADER;
		return check_file(r, kind, &h);
	case WAL_FORMAT_ZERO:
		return zero_header(r);
	case WAL_FORMAT_FOREIGN:
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: no log file: the first 8 bytes are wrong", path);
		return ERR_FORMAT;
	case WAL_FORMAT_NEWER:
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: log format version %u; this program knows version %u",
		    path, version, WAL_FORMAT_VERSION);
		return ERR_FORMAT;
	case WAL_FORMAT_BAD:
		break;
	}
	env_log(r->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset 0: the header's checksum is wrong; restore"
	    " the file from a backup",
	    path);
	return ERR_DAMAGED;
}

int
wal_reader_open(struct env *env, const char *path, enum wal_kind kind,
    uint64_t number, struct wal_reader **out)
{
	struct wal_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->env = env;
	r->number = number;
	err = env_open(env, path, ENV_OPEN_READ, &r->file);
	if (!err)
		err = env_size(r->file, &r->file_size);
	if (!err)
		err = read_header(r, kind);
	if (err) {
		wal_reader_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void
wal_reader_close(struct wal_reader *r)
{
	if (!r)
		return;
	env_close(r->file);
	buf_fini(&r->window);
	free(r);
}
