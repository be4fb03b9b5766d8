#include "engine/db/replay.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/db/batch.h"
#include "engine/db/db.h"
#include "engine/table/wal_format.h"

/* --- which logs there are ------------------------------------------------ */

static int
replay_add(void *ctx, const char *name)
{
	struct replay *r = ctx;
	struct replay_log *logs;
	uint64_t number;

	if (file_name_parse(name, &number) != FILE_NAME_LOG ||
	    number < atomic_load(&r->db->vset.log_number))
		return 0;
	logs = reallocarray(r->logs, r->count + 1, sizeof(*logs));
	if (!logs)
		return -ENOMEM;
	r->logs = logs;
	r->logs[r->count++] = (struct replay_log){.number = number};
	return 0;
}

static int
replay_cmp(const void *a, const void *b)
{
	const struct replay_log *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int
replay_list(struct replay *r)
{
	int err = env_list(r->db->env, r->db->dir, replay_add, r);

	if (!err && r->count > 0)
		qsort(r->logs, r->count, sizeof(*r->logs), replay_cmp);
	return err;
}

/* --- reading them --------------------------------------------------------- */

static int
replay_damaged(
    struct replay *r, uint64_t number, uint64_t offset, const char *what)
{
	env_log(r->db->env, ERR_LEVEL_ERROR,
	    "%s/%06" PRIu64 ".log: damaged at offset %" PRIu64 ": %s; restore"
	    " the file from a backup",
	    r->db->dir, number, offset, what);
	return ERR_DAMAGED;
}

/* Into the memtable of l, which then holds the file if it refers to it. */
static int
replay_batch(
    struct replay *r, struct replay_log *l, const struct wal_record *rec)
{
	const struct memtable_place place = {
	    .large = r->db->options.value_log_bytes,
	    .file = vref_file(l->number, VREF_KIND_LOG),
	    .offset = rec->offset + WAL_RECORD_HEADER,
	    .payload = rec->payload.data,
	};
	struct value_file *f = NULL;
	size_t bytes;
	bool refers;
	int err;

	err = memtable_measure(rec->payload, &place, &bytes, &refers);
	if (!err && refers) {
		err = values_hold(&r->db->values, place.file, &f);
		if (!err)
			err = memtable_hold_values(l->memtable, f);
		values_unref(f);
	}
	if (err)
		return err;
	return memtable_apply(
	    l->memtable, rec->payload, rec->stamp.seq, &place);
}

static int
replay_apply(
    struct replay *r, struct replay_log *l, const struct wal_record *rec)
{
	struct batch_cursor c;
	int err;

	if (rec->stamp.count > IKEY_SEQ_MAX - rec->stamp.seq)
		return replay_damaged(
		    r, l->number, rec->offset, "sequence numbers end");
	err = batch_cursor_init(&c, rec->payload);
	if (!err && c.left != rec->stamp.count)
		err = ERR_DAMAGED;
	if (!err)
		err = replay_batch(r, l, rec);
	if (err == ERR_DAMAGED)
		return replay_damaged(
		    r, l->number, rec->offset, "the record holds no batch");
	if (!err)
		r->seq = rec->stamp.seq + rec->stamp.count - 1;
	return err;
}

static void
replay_note_promise(
    struct replay *r, const struct replay_log *l, uint64_t promised)
{
	if (promised <= r->promised)
		return;
	r->promised = promised;
	r->promised_by = l->number;
}

/* Reads to the end of l; its records are applied if it has a memtable. */
static int
replay_records(
    struct replay *r, struct wal_reader *reader, struct replay_log *l)
{
	struct wal_record rec;
	struct wal_tail tail;
	int rc, err;

	while ((rc = wal_reader_next(reader, &rec)) > 0) {
		err = l->memtable ? replay_apply(r, l, &rec) : 0;
		if (err)
			return err;
	}
	if (rc < 0)
		return rc;
	wal_reader_tail(reader, &tail);
	l->end = tail.end;
	replay_note_promise(r, l, tail.promised);
	if (tail.torn && l->memtable)
		env_log(r->db->env, ERR_LEVEL_INFO,
		    "%s/%06" PRIu64 ".log: ends at offset %" PRIu64 "; behind"
		    " that is what was not written completely, or an older use "
		    "of"
		    " the file left",
		    r->db->dir, l->number, tail.end);
	return 0;
}

/* A log that can be opened: does it follow what was read so far? */
static int
replay_follow(struct replay *r, struct wal_reader *reader, struct replay_log *l)
{
	uint64_t first_seq = wal_reader_first_seq(reader), seq = r->seq;
	int err;

	l->is_old = wal_reader_version(reader) < WAL_FORMAT_VERSION;
	if (first_seq == seq + 1) {
		l->memtable = memtable_new_sized(
		    r->db->options.memtable_bytes, &r->db->chunks);
		if (!l->memtable)
			return -ENOMEM;
		l->memtable->log_no = l->number;
	}
	err = replay_records(r, reader, l);
	if (err)
		return err;
	if (l->memtable || l->end > WAL_FILE_HEADER)
		l->first_seq = first_seq;
	/* An empty one was begun in vain, and the one before it gone on with.
	 */
	if (l->first_seq > 0 && l->first_seq <= seq)
		return replay_damaged(r, l->number, 0,
		    "it begins with numbers that others have already");
	return 0;
}

static int
replay_log(struct replay *r, struct replay_log *l)
{
	const struct wal_id id = {WAL_KIND_LOG, l->number, r->db->vset.salt};
	struct wal_reader *reader;
	uint64_t promised = 0;
	char *path;
	int err;

	err = db_path(r->db, FILE_NAME_LOG, l->number, &path);
	if (err)
		return err;
	err = env_settle(r->db->env, path);
	if (!err)
		err = wal_reader_open_noting(
		    r->db->env, path, &id, &reader, &promised);
	free(path);
	if (err == -ENODATA &&
	    l->number == atomic_load(&r->db->vset.log_number))
		return replay_damaged(
		    r, l->number, 0, "it is empty, but the manifest names it");
	/* Created, but its header did not become durable. */
	if (err == -ENODATA) {
		replay_note_promise(r, l, promised);
		return 0;
	}
	if (err)
		return err;
	err = replay_follow(r, reader, l);
	wal_reader_close(reader);
	return err;
}

/* The last log that was applied, or NULL. */
static struct replay_log *
replay_last(struct replay *r)
{
	for (size_t i = r->count; i-- > 0;)
		if (r->logs[i].memtable)
			return &r->logs[i];
	return NULL;
}

static int
replay_check_promise(struct replay *r)
{
	const struct replay_log *l = replay_last(r);

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

/* The log was synced up to a snapshot's number before it got its name. */
static int
replay_check_snapshots(struct replay *r)
{
	uint64_t seq = named_last_seq(&r->db->vset.named);

	if (seq <= r->seq)
		return 0;
	env_log(r->db->env, ERR_LEVEL_ERROR,
	    "%s: the log is damaged: it can be read up to number %" PRIu64
	    ", but a snapshot of number %" PRIu64 " was made; restore the store"
	    " from a backup",
	    r->db->dir, r->seq, seq);
	return ERR_DAMAGED;
}

/* The manifest names the log that everything not in tables begins with. */
static int
replay_check_first(struct replay *r)
{
	uint64_t first = atomic_load(&r->db->vset.log_number);

	if (first == 0 || (r->count > 0 && r->logs[0].number == first))
		return 0;
	env_log(r->db->env, ERR_LEVEL_ERROR,
	    "%s/%06" PRIu64 ".log: missing, but the manifest names it;"
	    " restore the file from a backup",
	    r->db->dir, first);
	return ERR_DAMAGED;
}

int
replay_read(struct lsm *db, struct replay *r)
{
	int err;

	*r = (struct replay){
	    .db = db,
	    .seq = atomic_load(&db->vset.last_seq),
	};
	err = replay_list(r);
	if (!err)
		err = replay_check_first(r);
	for (size_t i = 0; i < r->count && !err; i++)
		err = replay_log(r, &r->logs[i]);
	if (!err)
		err = replay_check_promise(r);
	return err ? err : replay_check_snapshots(r);
}

void
replay_fini(struct replay *r)
{
	for (size_t i = 0; i < r->count; i++)
		memtable_unref(r->logs[i].memtable);
	free(r->logs);
}
