/*
 * check: reading everything there is, while the store goes on working.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/db/batch.h"
#include "engine/db/db.h"
#include "engine/db/span.h"
#include "engine/db/value_read.h"
#include "engine/table/value.h"

struct check {
	struct lsm *db;
	const struct lsm_check_sink *sink;
	int findings;
	uint64_t done; /* bytes */
	uint64_t total;
};

__attribute__((format(printf, 2, 3))) static int
check_say(struct check *c, const char *fmt, ...)
{
	va_list ap;
	char *line;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (!line)
		return -ENOMEM;
	c->sink->finding(c->sink->ctx, line);
	c->findings++;
	free(line);
	return 0;
}

static void
check_advance(struct check *c, uint64_t bytes)
{
	c->done += bytes;
	if (c->done > c->total)
		c->done = c->total;
	if (c->sink->progress)
		c->sink->progress(c->sink->ctx, c->done, c->total);
}

/* --- tables ----------------------------------------------------------------
 */

/* The large value that an entry refers to, if it does. */
static int
check_value(struct check *c, const struct version_file *f,
    const struct iter *it, struct buf *room)
{
	struct value_file *values;
	struct ikey key;
	struct value v;
	struct vref r;
	int err;

	if (ikey_decode(it->key, &key) || key.kind == IKEY_KIND_DELETE ||
	    value_decode(key.kind, it->value, &v) || !v.is_reference ||
	    vref_decode(v.bytes, &r))
		return 0;
	err = value_read_check(&c->db->values, v.bytes, room);
	if (err == 0 || err == -ENOMEM)
		return err;
	values = values_find(&c->db->values, r.file);
	return check_say(c,
	    "%s: offset %" PRIu64 ": a value of %" PRIu64
	    " bytes, which %s refers to, cannot be read: %s",
	    values ? values->path : "file of values", r.offset, r.size, f->path,
	    err_text(err));
}

static int
check_values(struct check *c, const struct version_file *f, struct table *t)
{
	struct buf room = {0};
	struct iter *it;
	int rc, err = 0;

	rc = table_iter_open(t, false, &it);
	if (rc)
		return rc;
	for (rc = iter_first(it); rc > 0 && !err; rc = iter_next(it))
		err = check_value(c, f, it, &room);
	iter_close(it);
	buf_fini(&room);
	return err ? err : rc;
}

static int
check_table(struct check *c, struct version_file *f)
{
	struct table *t;
	int rc = version_file_table(f, &t);

	if (rc == -ENOMEM)
		return rc;
	if (rc)
		return check_say(c,
		    "%s: offset 0: the table cannot be opened:"
		    " %s",
		    f->path, err_text(rc));
	rc = table_check(t, c->sink->finding, c->sink->ctx);
	if (rc < 0)
		return rc;
	c->findings += rc;
	/* Only what is whole can be gone through. */
	return rc > 0 || f->value_refs.count == 0 ? 0 : check_values(c, f, t);
}

/* Order and overlap; opening a table compares it with the manifest. */
static int
check_order(
    struct check *c, const struct version_level *l, unsigned level, size_t i)
{
	const struct version_file *f = l->files[i];
	const struct version_file *before = i > 0 ? l->files[i - 1] : NULL;

	if (f->entries > 0 &&
	    ikey_cmp(buf_bytes(&f->smallest), buf_bytes(&f->largest)) > 0)
		return check_say(c,
		    "%s: offset 0: its first key is behind its"
		    " last",
		    f->path);
	if (before && level > 0 && !span_before(&before->span, &f->span))
		return check_say(c,
		    "%s: offset 0: overlaps with %s in level"
		    " %u",
		    f->path, before->path, level);
	if (before && level == 0 && before->number <= f->number)
		return check_say(c, "%s: offset 0: is not older than %s",
		    f->path, before->path);
	return 0;
}

static int
check_level(struct check *c, const struct version_level *l, unsigned level)
{
	int err = 0;

	for (size_t i = 0; i < l->count && !err; i++) {
		err = check_order(c, l, level, i);
		if (!err)
			err = check_table(c, l->files[i]);
		check_advance(c, l->files[i]->bytes);
	}
	return err;
}

static int
check_version(struct check *c, const struct version *v)
{
	int err = 0;

	for (unsigned i = 0; i < LSM_LEVELS && !err; i++)
		err = check_level(c, &v->levels[i], i);
	return err;
}

/* --- logs ------------------------------------------------------------------
 */

static int
check_payload(struct bytes payload, uint32_t count)
{
	struct batch_cursor cursor;
	struct batch_op op;
	int rc = batch_cursor_init(&cursor, payload);

	if (rc == 0 && cursor.left != count)
		return ERR_DAMAGED;
	while (rc == 0 && (rc = batch_cursor_next(&cursor, &op)) == 1)
		rc = 0;
	return rc;
}

/* Reads on while records are good: *seq is the last number, *offset the end. */
static int
check_records(struct wal_reader *reader, uint64_t *seq, uint64_t *offset)
{
	struct wal_record rec;
	int rc;

	while ((rc = wal_reader_next(reader, &rec)) > 0) {
		rc = check_payload(rec.payload, rec.stamp.count);
		if (rc)
			break;
		*seq = rec.stamp.seq + rec.stamp.count - 1;
		*offset = rec.offset + WAL_RECORD_HEADER + rec.payload.size;
	}
	return rc;
}

static bool
check_is_listed(struct check *c, const struct segment *s)
{
	bool listed;

	lock_acquire(&c->db->sync_lock);
	listed = segment_from(c->db, s->number) == s;
	lock_release(&c->db->sync_lock);
	return listed;
}

static int
check_log_read(struct check *c, const struct segment *s, uint64_t last_seq)
{
	const struct wal_id id = {WAL_KIND_LOG, s->number, c->db->vset.salt};
	struct wal_reader *reader;
	uint64_t seq = s->first_seq - 1, offset = 0;
	int rc;

	rc = wal_reader_open(c->db->env, s->path, &id, &reader);
	if (rc == 0) {
		offset = WAL_FILE_HEADER;
		rc = check_records(reader, &seq, &offset);
		wal_reader_close(reader);
	}
	if (rc == -ENOMEM)
		return rc;
	/* Flushed and deleted meanwhile: it is a table now. */
	if (!check_is_listed(c, s))
		return 0;
	if (rc)
		return check_say(c,
		    "%s: offset %" PRIu64 ": cannot be read:"
		    " %s",
		    s->path, offset, err_text(rc));
	if (seq != last_seq)
		return check_say(c,
		    "%s: offset %" PRIu64 ": the log ends with"
		    " number %" PRIu64 ", but %" PRIu64 " was written",
		    s->path, offset, seq, last_seq);
	return 0;
}

/* next NULL: s is the last, and being written. */
static int
check_log(struct check *c, const struct segment *s, const struct segment *next)
{
	struct lsm *db = c->db;
	int err;

	if (next) {
		err = check_log_read(c, s, next->first_seq - 1);
	} else {
		/* Writers wait, for a record half written looks torn. */
		lock_acquire(&db->write_lock);
		err = db->log == s ? check_log_read(c, s, db->next_seq - 1)
				   : 0; /* full by now: others follow it */
		lock_release(&db->write_lock);
	}
	check_advance(c, wal_size(s->wal));
	return err;
}

static int
check_logs(struct check *c, struct segment *const *logs, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = check_log(c, logs[i], i + 1 < count ? logs[i + 1] : NULL);
	return err;
}

/* --- the manifest ----------------------------------------------------------
 */

static void
check_manifest_message(void *ctx, enum err_level level, const char *text)
{
	(void)level;
	(void)check_say(ctx, "%s", text);
}

static int
check_manifest(struct check *c)
{
	const struct err_sink sink = {check_manifest_message, c};

	return vset_check(&c->db->vset, &sink) == -ENOMEM ? -ENOMEM : 0;
}

int
lsm_check(struct lsm *db, const struct lsm_check_sink *sink)
{
	struct check c = {.db = db, .sink = sink};
	struct segment **logs;
	struct version *v;
	size_t count;
	int err;

	/* Logs first: what is flushed in between is in the version, too. */
	err = segment_take_all(db, &logs, &count);
	if (err)
		return err;
	v = vset_current(&db->vset);
	for (size_t i = 0; i < count; i++)
		c.total += wal_size(logs[i]->wal);
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		c.total += v->levels[i].bytes;

	err = check_manifest(&c);
	if (!err)
		err = check_logs(&c, logs, count);
	if (!err)
		err = check_version(&c, v);
	version_unref(v);
	segment_drop_all(logs, count);
	return err ? err : c.findings;
}
