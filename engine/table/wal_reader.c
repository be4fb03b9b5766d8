#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/table/ikey.h"
#include "engine/table/wal.h"
#include "engine/table/wal_format.h"

/* Read at a time, when no record is larger. */
#define WINDOW_BYTES (256u << 10)

enum reader_state { READER_READS, READER_ENDED, READER_FAILED };

struct wal_reader {
	/* constant after open */
	struct env *env;
	struct env_file *file;
	struct wal_id id;
	uint64_t seed; /* of its checksums */
	uint32_t version;
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

/* --- the search behind the end ------------------------------------------ */

/*
 * For a header that a writer of this file wrote: its own checksum says so,
 * whatever became of the payload, and what it promises was true.  So there is
 * nothing large to be hashed on the way, and the search takes the time of
 * reading, whatever stands there.
 */
struct search {
	uint64_t at;          /* where to begin; then where it was found */
	uint64_t min_seq;     /* headers with less are not looked for */
	uint64_t min_durable; /* nor those that promise less */
	bool nonzero;         /* a byte other than 0 was passed */
	struct wal_stamp found;
};

/* Cheap, and false at almost every offset. */
static inline bool
search_fits(const struct search *s, const uint8_t *p)
{
	return wal_format_seq(p) - s->min_seq <= IKEY_SEQ_MAX - s->min_seq &&
	       wal_format_durable(p) >= s->min_durable;
}

/* Whether a byte other than 0 is there. */
static bool
any_nonzero(const uint8_t *p, size_t size)
{
	uint64_t any = 0;

	for (; size >= 8; size -= 8, p += 8)
		any |= wire_get_le64(p);
	for (; size > 0; size--, p++)
		any |= *p;
	return any != 0;
}

/* Offsets looked at together; a multiple of 8. */
#define SEARCH_BLOCK 64

/* Whether a header can be at one of these offsets: almost always not, in text
 * and in noise as in zeros. */
static bool
block_may_fit(const uint8_t *p)
{
	bool fits = false;

	for (size_t i = 0; i < SEARCH_BLOCK; i += 8)
		fits |= wal_format_may_be_records(p + i);
	return fits && any_nonzero(p, SEARCH_BLOCK + WAL_RECORD_HEADER - 1);
}

/* The first of n offsets from p on where a header is that s looks for, or n. */
static size_t
search_block(struct search *s, const uint8_t *p, size_t n, uint64_t seed)
{
	struct wal_format_record h;
	size_t i = 0;

	if (n == SEARCH_BLOCK && !block_may_fit(p))
		return n;
	while (i < n && !(search_fits(s, p + i) &&
			    wal_format_get_record(p + i, seed, &h)))
		i++;
	if (i < n)
		s->found = h.stamp;
	return i;
}

/* Tries the offsets of p, which is what stands at s->at, up to size; s->at is
 * then the header that was found, or the first offset not tried. */
static bool
search_window(struct search *s, const uint8_t *p, size_t size, uint64_t seed)
{
	size_t at = 0;

	while (at < size) {
		size_t n = size - at < SEARCH_BLOCK ? size - at : SEARCH_BLOCK;
		size_t i = search_block(s, p + at, n, seed);

		s->nonzero |= any_nonzero(p + at, n);
		at += i;
		if (i < n)
			break;
	}
	s->at += at;
	return at < size;
}

/* Tries every offset from s->at on: 1 found, 0 none, <0. */
static int
search_run(struct wal_reader *r, struct search *s)
{
	const uint8_t *p;
	int rc;

	while ((rc = window_get(r, s->at, WAL_RECORD_HEADER, &p)) > 0) {
		uint64_t left = r->window_at + r->window.size - s->at;

		if (search_window(
			s, p, (size_t)left - WAL_RECORD_HEADER + 1, r->seed))
			return 1;
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
	*nonzero |= any_nonzero(p, (size_t)size);
	return 0;
}

static int
damaged(struct wal_reader *r, uint64_t at, const struct search *s)
{
	env_log(r->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset %llu: no good record of number %llu, which"
	    " was on stable storage according to the record at offset %llu;"
	    " restore the file from a backup, or truncate it to %llu bytes to"
	    " do without the rest",
	    r->file->path, (unsigned long long)at,
	    (unsigned long long)r->next_seq, (unsigned long long)s->at,
	    (unsigned long long)at);
	return ERR_DAMAGED;
}

/* As search_run for a promise that the record missing at r->pos was durable;
 * smaller ones on the way are noted: they are about what comes before. */
static int
search_promises(struct wal_reader *r, struct search *s)
{
	int rc;

	while ((rc = search_run(r, s)) > 0 && s->found.durable < r->next_seq) {
		r->tail.promised = s->found.durable;
		s->min_durable = s->found.durable + 1;
		s->at++;
	}
	return rc;
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
	    .min_durable = r->tail.promised + 1,
	};
	int rc = search_promises(r, &s);

	if (rc < 0)
		return rc;
	if (rc > 0)
		return damaged(r, r->pos, &s);
	rc = rest_nonzero(r, s.at, &s.nonzero);
	if (rc)
		return rc;
	r->tail.end = r->pos;
	r->tail.torn = s.nonzero;
	return 0;
}

/* --- reading on ----------------------------------------------------------- */

/* 1 *out is the next record, 0 there is no good one, <0. */
static int
read_record(struct wal_reader *r, struct wal_record *out)
{
	struct wal_format_record h;
	const uint8_t *p;
	int rc = window_get(r, r->pos, WAL_RECORD_HEADER, &p);

	if (rc <= 0)
		return rc;
	if (!wal_format_get_record(p, r->seed, &h) ||
	    h.stamp.seq != r->next_seq)
		return 0;
	rc = window_get(r, r->pos + WAL_RECORD_HEADER, h.size, &p);
	if (rc <= 0)
		return rc;
	if (!wal_format_check_payload(&h, bytes_of(p, h.size), r->seed))
		return 0;
	out->stamp = h.stamp;
	out->offset = r->pos;
	out->payload = bytes_of(p, h.size);
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

uint32_t
wal_reader_version(const struct wal_reader *r)
{
	return r->version;
}

uint64_t
wal_reader_salt(const struct wal_reader *r)
{
	return r->id.salt;
}

/*
 * The header is zeros: a crash at creation, unless records behind it say that
 * the first of them was durable, and so the header was.
 */
static int
zero_header(struct wal_reader *r)
{
	struct search s = {.at = WAL_FILE_HEADER, .min_seq = 1};
	int rc = search_run(r, &s);

	if (rc > 0) {
		r->next_seq = s.min_seq = s.found.seq;
		r->tail.promised = s.found.durable;
		s.min_durable = s.found.durable + 1;
		rc = search_promises(r, &s);
	}
	if (rc <= 0)
		return rc < 0 ? rc : -ENODATA;
	env_log(r->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset 0: the header is zeros, but records follow;"
	    " restore the file from a backup",
	    r->file->path);
	return ERR_DAMAGED;
}

/* Checks what the header says against what the caller knows. */
static int
check_file(struct wal_reader *r, const struct wal_format_file *h)
{
	const struct wal_id *id = &r->id;

	if (h->kind != (uint32_t)id->kind || h->number != id->number) {
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: damaged at offset 0: the header says kind %u, number"
		    " %llu instead of kind %u, number %llu; was the file"
		    " renamed?",
		    r->file->path, h->kind, (unsigned long long)h->number,
		    (unsigned)id->kind, (unsigned long long)id->number);
		return ERR_DAMAGED;
	}
	if (id->salt != 0 && h->salt != id->salt) {
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: damaged at offset 0: the file is of another store",
		    r->file->path);
		return ERR_DAMAGED;
	}
	return 0;
}

static int
take_header(struct wal_reader *r, const struct wal_format_file *h)
{
	int err = check_file(r, h);

	if (err)
		return err;
	r->id.salt = h->salt;
	r->seed = wal_format_seed(h->number, h->salt);
	r->first_seq = r->next_seq = h->first_seq;
	r->pos = WAL_FILE_HEADER;
	return 0;
}

static int
read_header(struct wal_reader *r)
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
		r->version = version;
		return take_header(r, &h);
	case WAL_FORMAT_ZERO:
		return zero_header(r);
	case WAL_FORMAT_FOREIGN:
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: no log file: the first 8 bytes are wrong", path);
		return ERR_FORMAT;
	case WAL_FORMAT_NEWER:
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: log format version %u; this program knows versions 1"
		    " to %u; use a newer keyfs",
		    path, version, WAL_FORMAT_VERSION);
		return ERR_FORMAT;
	case WAL_FORMAT_EARLY:
		env_log(r->env, ERR_LEVEL_ERROR,
		    "%s: a format from before version 1, which was never"
		    " released: no program of today reads it; copy the data"
		    " with the one that wrote it",
		    path);
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
wal_reader_open_noting(struct env *env, const char *path,
    const struct wal_id *id, struct wal_reader **out, uint64_t *promised)
{
	struct wal_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->env = env;
	r->id = *id;
	r->seed = wal_format_seed(id->number, id->salt);
	err = env_open(env, path, ENV_OPEN_READ, &r->file);
	if (!err)
		err = env_size(r->file, &r->file_size);
	if (!err)
		err = read_header(r);
	if (err) {
		if (err == -ENODATA)
			*promised = r->tail.promised;
		wal_reader_close(r);
		return err;
	}
	*out = r;
	return 0;
}

int
wal_reader_open(struct env *env, const char *path, const struct wal_id *id,
    struct wal_reader **out)
{
	uint64_t promised;

	return wal_reader_open_noting(env, path, id, out, &promised);
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
