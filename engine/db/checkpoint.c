/*
 * checkpoint: a copy of the store in another directory.
 *
 * Tables never change, so a second name of the file is a copy.  So it is with
 * files of the log that only hold values for tables, once they are marked as
 * not to be used again.  The log itself is being written: of it the records up
 * to the copy's number are copied.  The salt stays the same, for the files are
 * bound to it.  CURRENT comes last: before it the directory is no store that
 * opens.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/db/checkpoint_state.h"
#include "engine/db/db.h"
#include "engine/db/holder.h"
#include "engine/db/manifest.h"

#define CHECKPOINT_PIECE (1u << 20)

struct checkpoint {
	struct lsm *db;
	const char *dir;
	struct filelock *lock;
	bool made;    /* the directory was not there */
	bool claimed; /* what is in it is ours */
};

/* --- the directory -------------------------------------------------------- */

static int
checkpoint_refuse_name(void *ctx, const char *name)
{
	uint64_t number;

	(void)ctx;
	/* A lock file tells nothing, lost+found is mkfs's. */
	if (file_name_parse(name, &number) == FILE_NAME_LOCK ||
	    strcmp(name, "lost+found") == 0)
		return 0;
	return 1;
}

static int
checkpoint_check_empty(struct checkpoint *c)
{
	int rc = env_list(c->db->env, c->dir, checkpoint_refuse_name, NULL);

	if (rc <= 0)
		return rc;
	env_log(c->db->env, ERR_LEVEL_ERROR,
	    "%s: not empty; choose an empty or new directory", c->dir);
	return -ENOTEMPTY;
}

static int
checkpoint_mkdir(struct checkpoint *c)
{
	int err = env_mkdir(c->db->env, c->dir);

	if (err == -EEXIST)
		return checkpoint_check_empty(c);
	if (!err)
		c->made = true;
	return err;
}

/* The directory is there, durably, empty, and nobody else's. */
static int
checkpoint_claim(struct checkpoint *c)
{
	int err = checkpoint_mkdir(c);

	if (!err)
		err = holder_acquire(c->db->env, c->dir, &c->lock);
	/* Again: somebody else may have had it meanwhile. */
	if (!err)
		err = checkpoint_check_empty(c);
	if (err)
		return err;
	c->claimed = true;
	return env_sync_parent(c->db->env, c->dir);
}

static void
checkpoint_unlink(struct checkpoint *c, const char *name)
{
	char *path;

	/* What stays is told by env, and is no store. */
	if (asprintf(&path, "%s/%s", c->dir, name) < 0)
		return;
	(void)env_unlink(c->db->env, path);
	free(path);
}

static int
checkpoint_remove_current(void *ctx, const char *name)
{
	uint64_t number;

	if (file_name_parse(name, &number) == FILE_NAME_CURRENT)
		checkpoint_unlink(ctx, name);
	return 0;
}

static int
checkpoint_remove_name(void *ctx, const char *name)
{
	struct checkpoint *c = ctx;
	uint64_t number;
	enum file_name_kind kind = file_name_parse(name, &number);

	/* LOCK goes with its directory only (engine/os/filelock.c). */
	if (kind != FILE_NAME_OTHER && (kind != FILE_NAME_LOCK || c->made))
		checkpoint_unlink(c, name);
	return 0;
}

/* After an error, whatever it was.  CURRENT goes first, durably: what is left
 * of the rest is no store then. */
static void
checkpoint_remove(struct checkpoint *c)
{
	struct env *env = c->db->env;

	if (!c->claimed) {
		if (c->made && c->lock)
			checkpoint_unlink(c, "LOCK");
		/* Unless somebody else has put something there. */
		if (c->made)
			(void)env->ops->rmdir(env, c->dir);
		return;
	}
	(void)env_list(env, c->dir, checkpoint_remove_current, c);
	(void)env_sync_dir(env, c->dir);
	(void)env_list(env, c->dir, checkpoint_remove_name, c);
	(void)env_sync_dir(env, c->dir);
	if (c->made && env_rmdir(env, c->dir) == 0)
		(void)env_sync_parent(env, c->dir);
}

/* --- files ---------------------------------------------------------------- */

static int
checkpoint_pieces(
    struct env_file *from, struct env_file *to, uint64_t size, uint8_t *piece)
{
	int err = 0;

	for (uint64_t at = 0; at < size && !err; at += CHECKPOINT_PIECE) {
		size_t n = size - at < CHECKPOINT_PIECE ? (size_t)(size - at)
							: CHECKPOINT_PIECE;

		err = env_pread_full(from, piece, n, at);
		if (!err)
			err = env_pwrite(to, piece, n, at);
	}
	return err;
}

/* The first size bytes, synced. */
static int
checkpoint_copy(struct checkpoint *c, struct env_file *from, uint64_t size,
    const char *path)
{
	uint8_t *piece = malloc(CHECKPOINT_PIECE);
	struct env_file *to;
	int err;

	if (!piece)
		return -ENOMEM;
	err = env_open(c->db->env, path,
	    ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_EXCL, &to);
	if (!err) {
		err = checkpoint_pieces(from, to, size, piece);
		if (!err)
			err = env_sync(to);
		env_close(to);
	}
	free(piece);
	return err;
}

static int
checkpoint_copy_path(
    struct checkpoint *c, const char *from, uint64_t size, const char *path)
{
	struct env_file *file;
	int err = env_open(c->db->env, from, ENV_OPEN_READ, &file);

	if (err)
		return err;
	err = checkpoint_copy(c, file, size, path);
	env_close(file);
	return err;
}

/* A link, or a copy of the first size bytes.  They are on stable storage, as
 * the manifest names the file. */
static int
checkpoint_link(struct checkpoint *c, const char *from, uint64_t size,
    enum file_name_kind kind, uint64_t number)
{
	char *path = file_name_path(c->dir, kind, number);
	int err;

	if (!path)
		return -ENOMEM;
	err = env_link(c->db->env, from, path);
	if (env_cannot_link(err))
		err = checkpoint_copy_path(c, from, size, path);
	free(path);
	return err;
}

static int
checkpoint_values(struct checkpoint *c, const struct checkpoint_values *v)
{
	struct value_file *f = v->file;
	enum file_name_kind kind = vref_kind(f->file) == VREF_KIND_LOG
				       ? FILE_NAME_LOG
				       : FILE_NAME_VALUES;

	values_set_shared(f);
	return checkpoint_link(c, f->path, v->end, kind, vref_number(f->file));
}

/* Where the last record ends that is copied.  What stands behind it is being
 * written: it is not looked at. */
static int
checkpoint_log_end(
    struct checkpoint *c, const struct checkpoint_log *l, uint64_t *end)
{
	uint64_t seq = l->segment->first_seq - 1, at = WAL_FILE_HEADER;
	struct wal_record rec;
	int rc = 1;

	while (
	    seq < l->last_seq && (rc = wal_reader_next(l->reader, &rec)) > 0) {
		seq = rec.stamp.seq + rec.stamp.count - 1;
		at = rec.offset + WAL_RECORD_HEADER + rec.payload.size;
	}
	if (rc < 0)
		return rc;
	if (seq == l->last_seq) {
		*end = at;
		return 0;
	}
	env_log(c->db->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset %" PRIu64
	    ": it can be read up to number %" PRIu64 ", but %" PRIu64
	    " was written",
	    l->segment->path, at, seq, l->last_seq);
	return ERR_DAMAGED;
}

/* Number, salt and first number are the same, and so is every checksum. */
static int
checkpoint_log(struct checkpoint *c, const struct checkpoint_log *l)
{
	char *path = file_name_path(c->dir, FILE_NAME_LOG, l->segment->number);
	uint64_t end;
	int err;

	if (!path)
		return -ENOMEM;
	err = checkpoint_log_end(c, l, &end);
	if (!err)
		err = checkpoint_copy(c, l->file, end, path);
	free(path);
	return err;
}

/* --- all of it ------------------------------------------------------------ */

/* Where nothing of the log is to be copied.  What the manifest does not name
 * would be taken for log: files that only hold values. */
static int
checkpoint_begin_log(struct checkpoint *c, const struct checkpoint_state *st)
{
	const struct wal_id id = {
	    WAL_KIND_LOG, st->whole.log_number, c->db->vset.salt};
	char *path = file_name_path(c->dir, FILE_NAME_LOG, id.number);
	struct wal *w;
	int err;

	if (!path)
		return -ENOMEM;
	err = wal_create(c->db->env, path, &id, st->seq + 1, &w);
	free(path);
	if (err)
		return err;
	err = wal_sync(w);
	wal_close(w);
	return err;
}

static int
checkpoint_logs(struct checkpoint *c, struct checkpoint_state *st)
{
	int err = 0;

	if (st->log_count == 0) {
		st->whole.log_number = vset_new_number(&c->db->vset);
		return checkpoint_begin_log(c, st);
	}
	st->whole.log_number = st->logs[0].segment->number;
	for (size_t i = 0; i < st->log_count && !err; i++)
		err = checkpoint_log(c, &st->logs[i]);
	return err;
}

/* The manifest, a sync of the directory with all names in it, then CURRENT:
 * from there on it is a store. */
static int
checkpoint_manifest(struct checkpoint *c, struct edit *whole)
{
	const struct version_place place = {.env = c->db->env, .dir = c->dir};
	const struct wal_id id = {
	    WAL_KIND_MANIFEST, vset_new_number(&c->db->vset), c->db->vset.salt};
	struct wal *w;
	bool named;
	int err;

	whole->next_number = id.number + 1;
	err = manifest_begin(&place, &id, whole, &w, &named);
	if (!err)
		wal_close(w);
	return err;
}

static int
checkpoint_write(struct checkpoint *c, struct checkpoint_state *st)
{
	int err = 0;

	for (size_t i = 0; i < st->whole.add_count && !err; i++) {
		const struct version_file *f = st->whole.adds[i].file;

		err = checkpoint_link(
		    c, f->path, f->bytes, FILE_NAME_TABLE, f->number);
	}
	for (size_t i = 0; i < st->value_count && !err; i++)
		err = checkpoint_values(c, &st->values[i]);
	if (!err)
		err = checkpoint_logs(c, st);
	return err ? err : checkpoint_manifest(c, &st->whole);
}

int
lsm_checkpoint(struct lsm *db, const char *dir)
{
	struct checkpoint c = {.db = db, .dir = dir};
	struct checkpoint_state st = {0};
	int err = checkpoint_claim(&c);

	if (!err)
		err = checkpoint_state_take(db, &st);
	if (!err)
		err = checkpoint_write(&c, &st);
	checkpoint_state_fini(&st);
	if (err)
		checkpoint_remove(&c);
	filelock_release(c.lock);
	return err;
}
