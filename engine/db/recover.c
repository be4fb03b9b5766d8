#include "engine/db/recover.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/batch.h"
#include "engine/db/db.h"

/* A log file. */
struct recover_log {
	uint64_t number;
	uint64_t first_seq;
	uint64_t end;              /* of the intact records */
	struct memtable *memtable; /* NULL: empty or beyond a hole */
};

struct recover {
	struct lsm *db;
	struct recover_log *logs; /* in order */
	size_t count;
	uint64_t seq;         /* read without a gap up to here */
	uint64_t promised;    /* the highest number promised to be durable */
	uint64_t promised_by; /* the log that promises it */
};

/* --- which logs there are ------------------------------------------------ */

static int
recover_add(void *ctx, const char *name)
{
	struct recover *r = ctx;
	struct recover_log *logs;
	uint64_t number;

	if (file_name_parse(name, &number) != FILE_NAME_LOG ||
	    number < atomic_load(&r->db->vset.log_number))
		return 0;
	logs = reallocarray(r->logs, r->count + 1, sizeof(*logs));
	if (!logs)
		return -ENOMEM;
	r->logs = logs;
	r->logs[r->count++] = (struct recover_log){.number = number};
	return 0;
}

static int
recover_cmp(const void *a, const void *b)
{
	const struct recover_log *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int
recover_list(struct recover *r)
{
	int err = env_list(r->db->env, r->db->dir, recover_add, r);

	if (!err && r->count > 0)
		qsort(r->logs, r->count, sizeof(*r->logs), recover_cmp);
	return err;
}

/* --- reading them --------------------------------------------------------- */

static int
recover_damaged(
    struct recover *r, uint64_t number, uint64_t offset, const char *what)
{
	env_log(r->db->env, ERR_LEVEL_ERROR,
	    "%s/%06" PRIu64 ".log: damaged at offset %" PRIu64 ": %s; restore"
	    " the file from a backup",
	    r->db->dir, number, offset, what);
	return ERR_DAMAGED;
}

static int
recover_apply(
    struct recover *r, struct recover_log *l, const struct wal_record *rec)
{
	struct batch_cursor c;
	int err;

	if (rec->stamp.count > IKEY_SEQ_MAX - rec->stamp.seq)
		return recover_damaged(
		    r, l->number, rec->offset, "sequence numbers end");
	err = batch_cursor_init(&c, rec->payload);
	if (!err && c.left != rec->stamp.count)
		err = ERR_DAMAGED;
	if (!err)
		err = memtable_apply(l->memtable, rec->payload, rec->stamp.seq);
	if (err == ERR_DAMAGED)
		return recover_damaged(
		    r, l->number, rec->offset, "the record holds no batch");
	if (!err)
		r->seq = rec->stamp.seq + rec->stamp.count - 1;
	return err;
}

/* Reads to the end of l; its records are applied if it has a memtable. */
static int
recover_records(
    struct recover *r, struct wal_reader *reader, struct recover_log *l)
{
	struct wal_record rec;
	struct wal_tail tail;
	int rc, err;

	while ((rc = wal_reader_next(reader, &rec)) > 0) {
		err = l->memtable ? recover_apply(r, l, &rec) : 0;
		if (err)
			return err;
	}
	if (rc < 0)
		return rc;
	wal_reader_tail(reader, &tail);
	l->end = tail.end;
	if (tail.promised > r->promised) {
		r->promised = tail.promised;
		r->promised_by = l->number;
	}
	if (tail.torn && l->memtable)
		env_log(r->db->env, ERR_LEVEL_INFO,
		    "%s/%06" PRIu64 ".log: ends at offset %" PRIu64 " with a"
		    " record that was not written completely",
		    r->db->dir, l->number, tail.end);
	return 0;
}

/* A log that can be opened: does it follow what was read so far? */
static int
recover_follow(
    struct recover *r, struct wal_reader *reader, struct recover_log *l)
{
	l->first_seq = wal_reader_first_seq(reader);
	if (l->first_seq <= r->seq)
		return recover_damaged(r, l->number, 0,
		    "it begins with numbers that others have already");
	if (l->first_seq == r->seq + 1) {
		l->memtable = memtable_new();
		if (!l->memtable)
			return -ENOMEM;
		l->memtable->log_no = l->number;
	}
	return recover_records(r, reader, l);
}

static int
recover_log(struct recover *r, struct recover_log *l)
{
	struct wal_reader *reader;
	char *path;
	int err;

	err = db_path(r->db, FILE_NAME_LOG, l->number, &path);
	if (err)
		return err;
	err =
	    wal_reader_open(r->db->env, path, WAL_KIND_LOG, l->number, &reader);
	free(path);
	if (err == -ENODATA)
		return 0; /* created, but nothing of it became durable */
	if (err)
		return err;
	err = recover_follow(r, reader, l);
	wal_reader_close(reader);
	return err;
}

/* The last log that was applied, or NULL. */
static struct recover_log *
recover_last(struct recover *r)
{
	for (size_t i = r->count; i-- > 0;)
		if (r->logs[i].memtable)
			return &r->logs[i];
	return NULL;
}

static int
recover_check_promise(struct recover *r)
{
	const struct recover_log *l = recover_last(r);

	if (r->promised <= r->seq)
		return 0;
	env_log(r->db->env, ERR_LEVEL_ERROR,
	    "%s: the log is damaged behind offset %" PRIu64 " of %06" PRIu64
	    ".log: it can be read up to number %" PRIu64 ", but %06" PRIu64
	    ".log says that %" PRIu64 " was on stable storage; restore the"
	    " store from a backup",
	    r->db->dir, l ? l->end : 0,
	    l ? l->number : atomic_load(&r->db->vset.log_number), r->seq,
	    r->promised_by, r->promised);
	return ERR_DAMAGED;
}

static int
recover_read(struct recover *r)
{
	int err = 0;

	for (size_t i = 0; i < r->count && !err; i++)
		err = recover_log(r, &r->logs[i]);
	return err ? err : recover_check_promise(r);
}

/* --- the manifest -----------------------------------------------------------
 */

/*
 * After kill -9 the last edit, or CURRENT, may be in the kernel's memory only.
 * Made durable before anything is done on the strength of them: logs are
 * deleted, and what is in tables counts as durable.
 */
static int
recover_settle(struct lsm *db)
{
	struct env_file *f;
	char *path;
	int err;

	err = db_path(db, FILE_NAME_MANIFEST, db->vset.manifest_number, &path);
	if (err)
		return err;
	err = env_open(db->env, path, ENV_OPEN_READ, &f);
	free(path);
	if (err)
		return err;
	err = env_sync(f);
	env_close(f);
	return err ? err : env_sync_dir(db->env, db->dir);
}

/* --- what comes of them --------------------------------------------------- */

static int
recover_delete(struct recover *r, const struct recover_log *l)
{
	char *path;
	int err;

	err = db_path(r->db, FILE_NAME_LOG, l->number, &path);
	if (err)
		return err;
	if (l->first_seq > 0)
		env_log(r->db->env, ERR_LEVEL_INFO,
		    "%s: deleted: it follows writes that were lost before"
		    " they were synced",
		    path);
	err = env_unlink(r->db->env, path);
	free(path);
	return err;
}

/* Durably, before their numbers are given again. */
static int
recover_delete_rest(struct recover *r)
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < r->count && !err; i++) {
		if (r->logs[i].memtable)
			continue;
		any = true;
		err = recover_delete(r, &r->logs[i]);
	}
	return any && !err ? env_sync_dir(r->db->env, r->db->dir) : err;
}

/* Writing goes on in s, which holds what is in m. */
static void
recover_push(struct lsm *db, struct segment *s, struct memtable *m)
{
	segment_push(db, s);
	db->log = s;
	db->active = m;
}

/* The logs with memtables, and a new one if there is none. */
static int
recover_segments(struct recover *r)
{
	struct lsm *db = r->db;
	struct segment *s;
	int err;

	for (size_t i = 0; i < r->count; i++) {
		const struct recover_log *l = &r->logs[i];

		if (!l->memtable)
			continue;
		err =
		    segment_append_to(db, l->number, l->first_seq, l->end, &s);
		if (err)
			return err;
		recover_push(db, s, l->memtable);
	}
	if (db->log)
		return 0;
	err = segment_create(db, vset_new_number(&db->vset), r->seq + 1, &s);
	if (!err)
		recover_push(db, s, NULL);
	return err;
}

/* Takes the memtables of the logs. */
static int
recover_view(struct recover *r)
{
	struct lsm *db = r->db;
	struct view *v;

	db->full_max = db->options.memtables_max + r->count;
	v = view_new(db->full_max);
	if (!v)
		return -ENOMEM;
	if (!db->active) {
		db->active = memtable_new();
		if (!db->active) {
			view_unref(v);
			return -ENOMEM;
		}
		db->active->log_no = db->log->number;
	}
	for (size_t i = r->count; i-- > 0;) {
		struct memtable *m = r->logs[i].memtable;

		if (m && m != db->active)
			v->full[v->full_count++] = m;
		r->logs[i].memtable = NULL;
	}
	v->active = db->active;
	v->version = vset_current(&db->vset);
	db->view = v;
	return 0;
}

static int
recover_install(struct recover *r)
{
	struct lsm *db = r->db;
	int err;

	err = recover_settle(db);
	if (!err)
		err = vset_delete_unnamed(&db->vset);
	if (!err)
		err = recover_delete_rest(r);
	if (!err)
		err = recover_segments(r);
	if (!err)
		err = recover_view(r);
	if (err)
		return err;
	db->next_seq = r->seq + 1;
	atomic_store(&db->written, r->seq);
	atomic_store(&db->durable, atomic_load(&db->vset.last_seq));
	return 0;
}

int
recover_run(struct lsm *db)
{
	struct recover r = {.db = db, .seq = atomic_load(&db->vset.last_seq)};
	int err;

	err = recover_list(&r);
	if (!err)
		err = recover_read(&r);
	if (!err)
		err = recover_install(&r);
	for (size_t i = 0; i < r.count; i++)
		memtable_unref(r.logs[i].memtable);
	free(r.logs);
	return err;
}
