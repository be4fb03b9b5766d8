#include "engine/db/reserve.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/batch.h"
#include "engine/db/db.h"

/* Room for the tables of level 0 and of a level 1 of that size: what has come
 * last goes down in one piece. */
#define RESERVE_MEMTABLES 8
#define RESERVE_BYTES_MAX (256u << 20)

/* No more than this part of the filesystem. */
#define RESERVE_DISK_PART 16

/* It is made if so many times its size is free: something is left for puts. */
#define RESERVE_FREE_MIN 2

/* A store is large if it is so many times as large as its reserve. */
#define RESERVE_STORE_MIN 8

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

static enum reserve_state
reserve_state(struct lsm *db)
{
	return atomic_load_explicit(&db->reserve.state, memory_order_relaxed);
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
	atomic_store_explicit(&db->reserve.state, state, memory_order_relaxed);
}

static uint64_t
reserve_bytes(const struct lsm *db, uint64_t total_bytes)
{
	uint64_t bytes = RESERVE_BYTES_MAX;

	if (db->options.memtable_bytes < RESERVE_BYTES_MAX / RESERVE_MEMTABLES)
		bytes = db->options.memtable_bytes * RESERVE_MEMTABLES;
	if (bytes > total_bytes / RESERVE_DISK_PART)
		bytes = total_bytes / RESERVE_DISK_PART;
	return bytes / 4096 * 4096;
}

/* --- the file ------------------------------------------------------------- */

static int
reserve_allocate(struct lsm *db, const char *path, uint64_t bytes)
{
	struct env_file *f;
	int err = env_open(db->env, path, ENV_OPEN_WRITE | ENV_OPEN_CREATE, &f);

	if (err)
		return err;
	err = env_allocate(f, bytes);
	env_close(f);
	if (err)
		env_unlink(db->env, path);
	return err;
}

/* -ENOSPC also if there is less than shall be free. */
static int
reserve_make_file(struct lsm *db)
{
	uint64_t free_bytes, total_bytes, bytes;
	char *path;
	int err;

	err = env_space(db->env, db->dir, &free_bytes, &total_bytes);
	if (err)
		return err;
	bytes = reserve_bytes(db, total_bytes);
	if (bytes == 0 || free_bytes / RESERVE_FREE_MIN < bytes)
		return -ENOSPC;
	err = db_path(db, FILE_NAME_RESERVE, 0, &path);
	if (err)
		return err;
	err = reserve_allocate(db, path, bytes);
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

/* HELD if that can be.  Caller holds the lock. */
static int
reserve_make(struct lsm *db)
{
	struct reserve *r = &db->reserve;
	int err;

	if (reserve_state(db) == RESERVE_HELD)
		return 0;
	if (r->never)
		return -ENOTSUP;
	err = reserve_make_file(db);
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
	/* While it is spent, puts look for space, not flushes that need it. */
	if (reserve_state(db) != RESERVE_NONE)
		return;
	lock_acquire(&db->reserve.lock);
	if (reserve_state(db) == RESERVE_NONE)
		(void)reserve_make(db);
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
	int err;

	if (!reserve_is_spent(db) || reserve_serves(b))
		return false;
	lock_acquire(&db->reserve.lock);
	err = reserve_make(db);
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
		reserve_set(db, RESERVE_SPENT);
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
reserve_store_is_large(struct lsm *db)
{
	struct version *v = vset_current(&db->vset);
	uint64_t free_bytes, total_bytes, bytes = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		bytes += v->levels[i].bytes;
	for (size_t i = 0; i < v->use_count; i++)
		bytes += v->uses[i].bytes;
	version_unref(v);
	return env_space(db->env, db->dir, &free_bytes, &total_bytes) == 0 &&
	       bytes / RESERVE_STORE_MIN >= reserve_bytes(db, total_bytes);
}

/* A file that is there, made whole if a crash has left it half; -ENOENT. */
static int
reserve_take_file(struct lsm *db, const char *path)
{
	uint64_t free_bytes, total_bytes;
	struct env_file *f;
	int err = env_open(db->env, path, ENV_OPEN_WRITE, &f);

	if (err)
		return err;
	env_close(f);
	err = env_space(db->env, db->dir, &free_bytes, &total_bytes);
	return err ? err
		   : reserve_allocate(db, path, reserve_bytes(db, total_bytes));
}

/* A large store without one has spent it, or would have had one. */
static int
reserve_find(struct lsm *db)
{
	char *path;
	int err = db_path(db, FILE_NAME_RESERVE, 0, &path);

	if (err)
		return err;
	err = reserve_take_file(db, path);
	free(path);
	if (err == -ENOENT && reserve_store_is_large(db))
		err = reserve_make_file(db);
	return err;
}

/* Recovery may have to begin files. */
static bool
reserve_is_needed(struct lsm *db)
{
	uint64_t free_bytes, total_bytes;

	return env_space(db->env, db->dir, &free_bytes, &total_bytes) == 0 &&
	       free_bytes < reserve_bytes(db, total_bytes);
}

void
reserve_open(struct lsm *db)
{
	int err = reserve_find(db);

	lock_acquire(&db->reserve.lock);
	db->reserve.never = err == -ENOTSUP;
	if (!err)
		reserve_set(db, RESERVE_HELD);
	else if (err_is_full(err))
		reserve_set(db, RESERVE_SPENT);
	lock_release(&db->reserve.lock);
	if (!err && reserve_is_needed(db))
		(void)reserve_spend(db);
}

void
reserve_close(struct lsm *db)
{
	if (reserve_state(db) == RESERVE_HELD && !reserve_store_is_large(db))
		reserve_remove_file(db);
}
