#include "engine/db/reserve.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/batch.h"
#include "engine/db/db.h"

#define RESERVE_BLOCK 4096

/*
 * What a full memtable needs to become a table, for the log of deletes goes as
 * they are flushed; and a part of the store, for the compactions that meet what
 * they delete.  Of a store that is smaller than a memtable as much as there is:
 * to delete small values takes no less than they do.
 */
#define RESERVE_STORE_PART 16

/* The log, a manifest and a table, each begun anew. */
#define RESERVE_BYTES_MIN (256u << 10)

/* Room for the tables of level 0 and of a level 1 of that size: what has come
 * last goes down in one piece. */
#define RESERVE_MEMTABLES 8
#define RESERVE_BYTES_MAX (256u << 20)

/* No more than this part of the filesystem. */
#define RESERVE_DISK_PART 16

/* It is made, or grows, if twice of that is free: something is left for puts.
 * But a small store has to lose no more than this part of itself for it. */
#define RESERVE_FREE_PART 4

/* A store is large if it is so many times as large as its reserve. */
#define RESERVE_STORE_MIN 8

/* It shrinks when it is so many times as large as it need be. */
#define RESERVE_SHRINK_MIN 2

/* The part of it that the log of a memtable may have. */
#define RESERVE_LOG_PART 8

/* Bytes of values that a batch may put beside its deletes: what goes with the
 * removal of a name, not the content that a rename brings. */
#define RESERVE_PUT_MAX (16u << 10)

void
reserve_init(struct reserve *r)
{
	*r = (struct reserve){.never = false};
	lock_init(&r->lock, LOCK_RANK_DB_RESERVE);
}

void
reserve_fini(struct reserve *r)
{
	lock_fini(&r->lock);
}

/* Acquire: who sees it spent without the lock then sees that log_max. */
static enum reserve_state
reserve_state(struct lsm *db)
{
	return atomic_load_explicit(&db->reserve.state, memory_order_acquire);
}

bool
reserve_is_spent(struct lsm *db)
{
	return reserve_state(db) == RESERVE_SPENT;
}

static void
reserve_set(struct lsm *db, enum reserve_state state)
{
	lock_assert_held(&db->reserve.lock);
	/* Release: see reserve_state. */
	atomic_store_explicit(&db->reserve.state, state, memory_order_release);
}

/* It had so many bytes, or would have. */
static void
reserve_set_spent(struct lsm *db, uint64_t bytes)
{
	atomic_store_explicit(&db->reserve.log_max, bytes / RESERVE_LOG_PART,
	    memory_order_relaxed);
	reserve_set(db, RESERVE_SPENT);
}

/* --- how large ------------------------------------------------------------ */

/* What it depends on. */
struct reserve_scene {
	uint64_t store_bytes; /* of tables, values they refer to, and the log */
	uint64_t free_bytes;
	uint64_t want_bytes; /* so much is to be held */
};

static uint64_t
reserve_store_bytes(struct lsm *db)
{
	struct version *v = vset_current(&db->vset);
	uint64_t bytes = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		bytes += v->levels[i].bytes;
	for (size_t i = 0; i < v->use_count; i++)
		bytes += v->uses[i].bytes;
	version_unref(v);
	return bytes + segment_bytes(db);
}

uint64_t
reserve_log_max(struct lsm *db)
{
	return atomic_load_explicit(&db->reserve.log_max, memory_order_relaxed);
}

static uint64_t
reserve_bytes_max(const struct lsm *db, uint64_t total_bytes)
{
	uint64_t bytes = RESERVE_BYTES_MAX;

	if (db->options.memtable_bytes < RESERVE_BYTES_MAX / RESERVE_MEMTABLES)
		bytes = db->options.memtable_bytes * RESERVE_MEMTABLES;
	if (bytes > total_bytes / RESERVE_DISK_PART)
		bytes = total_bytes / RESERVE_DISK_PART;
	return bytes / RESERVE_BLOCK * RESERVE_BLOCK;
}

static uint64_t
reserve_bytes(const struct lsm *db, uint64_t store_bytes, uint64_t total_bytes)
{
	uint64_t bytes = db->options.memtable_bytes;
	uint64_t max = reserve_bytes_max(db, total_bytes);

	if (bytes > store_bytes)
		bytes = store_bytes;
	bytes += store_bytes / RESERVE_STORE_PART;
	if (bytes < RESERVE_BYTES_MIN)
		bytes = RESERVE_BYTES_MIN;
	bytes = (bytes + RESERVE_BLOCK - 1) / RESERVE_BLOCK * RESERVE_BLOCK;
	return bytes < max ? bytes : max;
}

static int
reserve_look(struct lsm *db, struct reserve_scene *out)
{
	struct reserve_scene s = {.store_bytes = reserve_store_bytes(db)};
	uint64_t total_bytes;
	int err = env_space(db->env, db->dir, &s.free_bytes, &total_bytes);

	if (err)
		return err;
	s.want_bytes = reserve_bytes(db, s.store_bytes, total_bytes);
	*out = s;
	return 0;
}

/* --- the file ------------------------------------------------------------- */

/* Makes it larger.  After an error it has what it had: none if that was none.
 */
static int
reserve_grow_file(struct lsm *db, const char *path, uint64_t from, uint64_t to)
{
	struct env_file *f;
	int err = env_open(db->env, path, ENV_OPEN_WRITE | ENV_OPEN_CREATE, &f);

	if (err)
		return err;
	err = env_allocate(f, to);
	/* A failure was logged: then it has some more. */
	if (err && from > 0)
		(void)env_truncate(f, from);
	env_close(f);
	if (err && from == 0)
		env_unlink(db->env, path);
	return err;
}

static int
reserve_cut_file(struct lsm *db, const char *path, uint64_t to)
{
	struct env_file *f;
	int err = env_open(db->env, path, ENV_OPEN_WRITE, &f);

	if (err)
		return err;
	err = env_truncate(f, to);
	env_close(f);
	return err;
}

/* Brings it from so many bytes to so many. */
static int
reserve_size_file(struct lsm *db, uint64_t from, uint64_t to)
{
	char *path;
	int err = db_path(db, FILE_NAME_RESERVE, 0, &path);

	if (err)
		return err;
	err = to > from ? reserve_grow_file(db, path, from, to)
			: reserve_cut_file(db, path, to);
	free(path);
	return err;
}

/* A failure is logged, and costs space. */
static void
reserve_remove_file(struct lsm *db)
{
	char *path;

	if (db_path(db, FILE_NAME_RESERVE, 0, &path) < 0)
		return;
	env_unlink(db->env, path);
	free(path);
}

/* --- states --------------------------------------------------------------- */

static bool
reserve_fits(uint64_t have, uint64_t want)
{
	return want <= have && have / RESERVE_SHRINK_MIN <= want;
}

static bool
reserve_is_free(const struct reserve_scene *s, uint64_t more)
{
	uint64_t left = s->store_bytes / RESERVE_FREE_PART;

	return s->free_bytes >= more + (left < more ? left : more);
}

/* As large as it is to be; -ENOSPC also if there is less than shall be free.
 * What is held stays held.  Caller holds the lock. */
static int
reserve_size(struct lsm *db, const struct reserve_scene *s)
{
	struct reserve *r = &db->reserve;
	uint64_t have = r->bytes, want = s->want_bytes;
	int err;

	/* The filesystem does not say how large it is. */
	if (want == 0)
		return -ENOTSUP;
	if (reserve_fits(have, want))
		return 0;
	if (want > have && !reserve_is_free(s, want - have))
		return -ENOSPC;
	err = reserve_size_file(db, have, want);
	if (!err)
		r->bytes = want;
	return err;
}

/* HELD if that can be, and as large as it is to be.  Caller holds the lock. */
static int
reserve_make(struct lsm *db, const struct reserve_scene *s)
{
	struct reserve *r = &db->reserve;
	int err;

	if (r->never)
		return -ENOTSUP;
	err = reserve_size(db, s);
	if (err == -ENOTSUP)
		r->never = true;
	if (err)
		return err;
	if (reserve_is_spent(db))
		env_log(db->env, ERR_LEVEL_INFO,
		    "%s: there is space again; everything is written", db->dir);
	reserve_set(db, RESERVE_HELD);
	return 0;
}

void
reserve_want(struct lsm *db)
{
	struct reserve_scene s;

	/* While it is spent, puts look for space, not flushes that need it. */
	if (reserve_is_spent(db) || reserve_look(db, &s) < 0)
		return;
	lock_acquire(&db->reserve.lock);
	if (!reserve_is_spent(db))
		(void)reserve_make(db, &s);
	lock_release(&db->reserve.lock);
}

bool
reserve_serves(const struct lsm_batch *b)
{
	struct batch_cursor c;
	struct batch_op op;
	bool deletes = false;
	size_t bytes = 0;

	must(batch_cursor_init(&c, batch_payload(b)) == 0);
	while (batch_cursor_next(&c, &op) == 1) {
		if (op.kind == IKEY_KIND_DELETE || op.kind == IKEY_KIND_RANGE)
			deletes = true;
		else
			bytes += op.value.size;
		if (bytes > RESERVE_PUT_MAX)
			return false;
	}
	return deletes;
}

bool
reserve_refuses(struct lsm *db, const struct lsm_batch *b)
{
	struct reserve_scene s;
	int err;

	/* No space would help a log that has failed. */
	if (!reserve_is_spent(db) || reserve_serves(b) || db_failed(db))
		return false;
	err = reserve_look(db, &s);
	if (err)
		return true;
	lock_acquire(&db->reserve.lock);
	err = reserve_is_spent(db) ? reserve_make(db, &s) : 0;
	lock_release(&db->reserve.lock);
	return err != 0;
}

bool
reserve_spend(struct lsm *db)
{
	bool some = reaper_empty(&db->reaper);

	/* Tables need the space more than the log does. */
	some |= spare_remove_all(db);
	lock_acquire(&db->reserve.lock);
	if (reserve_state(db) == RESERVE_HELD) {
		reserve_remove_file(db);
		reserve_set_spent(db, db->reserve.bytes);
		db->reserve.bytes = 0;
		env_log(db->env, ERR_LEVEL_WARNING,
		    "%s: the disk is full; until there is space only deletes"
		    " are taken",
		    db->dir);
		some = true;
	}
	lock_release(&db->reserve.lock);
	return some;
}

/* --- from one process to the next ----------------------------------------- */

static bool
reserve_store_is_large(const struct reserve_scene *s)
{
	return s->store_bytes / RESERVE_STORE_MIN >= s->want_bytes;
}

/* A file that is there, made whole if a crash has left it half; -ENOENT. */
static int
reserve_take_file(struct lsm *db, uint64_t *bytes)
{
	struct env_file *f;
	char *path;
	int err = db_path(db, FILE_NAME_RESERVE, 0, &path);

	if (err)
		return err;
	err = env_open(db->env, path, ENV_OPEN_WRITE, &f);
	free(path);
	if (err)
		return err;
	err = env_size(f, bytes);
	if (!err && *bytes > 0)
		err = env_allocate(f, *bytes);
	env_close(f);
	return err;
}

/* A large store without one has spent it, or would have had one. */
static int
reserve_find(struct lsm *db, const struct reserve_scene *s)
{
	struct reserve *r = &db->reserve;
	uint64_t bytes;
	int err = reserve_take_file(db, &bytes);

	if (err == -ENOENT)
		return reserve_store_is_large(s) ? reserve_size(db, s) : err;
	if (err) {
		reserve_remove_file(db);
		return err;
	}
	r->bytes = bytes;
	err = reserve_size(db, s);
	/* What there is of it counts. */
	return err && r->bytes > 0 ? 0 : err;
}

void
reserve_open(struct lsm *db)
{
	struct reserve_scene s;
	int err = reserve_look(db, &s);

	if (err)
		return;
	lock_acquire(&db->reserve.lock);
	err = reserve_find(db, &s);
	db->reserve.never = err == -ENOTSUP;
	if (!err)
		reserve_set(db, RESERVE_HELD);
	else if (err_is_full(err))
		reserve_set_spent(db, s.want_bytes);
	lock_release(&db->reserve.lock);
	/* Recovery may have to begin files. */
	if (!err && s.free_bytes < s.want_bytes)
		(void)reserve_spend(db);
}

void
reserve_close(struct lsm *db)
{
	struct reserve_scene s;

	if (reserve_state(db) == RESERVE_HELD &&
	    (reserve_look(db, &s) < 0 || !reserve_store_is_large(&s)))
		reserve_remove_file(db);
}
