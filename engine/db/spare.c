#include "engine/db/spare.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"

#define SPARE_BYTES_MAX (64u << 20)

/* Synced at a time: a sync of the log that comes meanwhile waits for 2 ms at
 * worst, behind the whole file it would be 10. */
#define SPARE_SYNC (1u << 20)

/*
 * Written at a time.  The kernel keeps what one write(2) brings in one piece of
 * memory if it can, and its price for a small write or a sync grows with that
 * piece: over one of 1 MiB 156 bytes take 2.3 us, over small ones 0.9.
 */
#define SPARE_PIECE (16u << 10)

/* A new one is made only if so many times its size is free: the log can do
 * without, tables cannot. */
#define SPARE_FREE_MIN 4

void
spare_pool_init(struct spare_pool *p)
{
	*p = (struct spare_pool){0};
	STAILQ_INIT(&p->ready);
	STAILQ_INIT(&p->retired);
}

void
spare_free(struct spare *s)
{
	if (!s)
		return;
	free(s->path);
	free(s);
}

void
spare_pool_fini(struct spare_pool *p)
{
	struct spare *s;

	STAILQ_CONCAT(&p->ready, &p->retired);
	while ((s = STAILQ_FIRST(&p->ready))) {
		STAILQ_REMOVE_HEAD(&p->ready, link);
		spare_free(s);
	}
}

size_t
spare_bytes(const struct lsm *db)
{
	size_t memtable = db->options.memtable_bytes;

	/* The log of a memtable is a little larger if entries are small. */
	if (memtable > SPARE_BYTES_MAX - SPARE_BYTES_MAX / 8)
		return SPARE_BYTES_MAX;
	return (memtable + memtable / 8 + 4095) / 4096 * 4096;
}

/* Caller does not hold state_lock. */
static void
spare_wake(struct lsm *db)
{
	lock_acquire(&db->state_lock);
	work_want(&db->spare);
	lock_release(&db->state_lock);
}

void
spare_want(struct lsm *db)
{
	bool before;

	lock_acquire(&db->sync_lock);
	before = db->spares.wanted;
	db->spares.wanted = true;
	lock_release(&db->sync_lock);
	if (!before)
		spare_wake(db);
}

void
spare_want_memory(struct lsm *db)
{
	spare_wake(db);
}

/* The first of the list, or NULL.  Caller holds sync_lock. */
static struct spare *
spare_shift(struct spare_list *l)
{
	struct spare *s = STAILQ_FIRST(l);

	if (s)
		STAILQ_REMOVE_HEAD(l, link);
	return s;
}

/* Caller holds sync_lock. */
static struct spare *
spare_shift_ready(struct lsm *db)
{
	struct spare *s = spare_shift(&db->spares.ready);

	if (!s)
		return NULL;
	db->spares.count--;
	spare_wake(db);
	return s;
}

struct spare *
spare_take(struct lsm *db)
{
	struct spare *s;

	lock_acquire(&db->sync_lock);
	s = spare_shift_ready(db);
	lock_release(&db->sync_lock);
	return s;
}

struct spare *
spare_take_or_number(struct lsm *db, uint64_t *number)
{
	struct spare *s;

	lock_acquire(&db->sync_lock);
	s = spare_shift_ready(db);
	if (!s)
		*number = db->spares.newest_other = vset_new_number(&db->vset);
	lock_release(&db->sync_lock);
	return s;
}

void
spare_drop(struct lsm *db, struct spare *s)
{
	/* A failure was logged; the next open removes it. */
	env_unlink(db->env, s->path);
	spare_free(s);
}

/* Into the pool, if it wants it.  Caller holds sync_lock. */
static bool
spare_retire(struct lsm *db, struct segment *segment, struct spare *s)
{
	struct spare_pool *p = &db->spares;

	/* Nobody syncs any more: to zero its header durably would take all of
	 * it to the disk, for nothing. */
	if (wal_size(segment->wal) - segment->synced > spare_bytes(db) / 2)
		p->wanted = false;
	if (!p->wanted || p->count >= SPARE_MAX)
		return false;
	p->count++;
	s->path = segment->path;
	segment->path = NULL;
	STAILQ_INSERT_TAIL(&p->retired, s, link);
	spare_wake(db);
	return true;
}

bool
spare_offer(struct lsm *db, struct segment *segment)
{
	struct spare *s;
	bool taken;

	/* Acquire: who had it before has done with it.  Nobody can get it any
	 * more, for it is in no list. */
	if (atomic_load_explicit(&segment->refs, memory_order_acquire) > 1)
		return false;
	/* As long as a spare: made by this process, and not outgrown. */
	if (wal_prepared(segment->wal) < wal_size(segment->wal) ||
	    db_failed(db))
		return false;
	s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	lock_acquire(&db->sync_lock);
	taken = spare_retire(db, segment, s);
	lock_release(&db->sync_lock);
	if (!taken)
		spare_free(s);
	return taken;
}

/* --- making them ---------------------------------------------------------- */

static int
spare_write_piece(struct lsm *db, struct env_file *f, uint64_t at)
{
	static const uint8_t zeros[SPARE_PIECE];
	uint64_t left = spare_bytes(db) - at;
	size_t size = left < SPARE_PIECE ? (size_t)left : SPARE_PIECE;
	int err;

	/* Relaxed: nothing else is read on the strength of it. */
	if (atomic_load_explicit(&db->stop, memory_order_relaxed))
		return -ECANCELED;
	err = env_pwrite(f, zeros, size, at);
	if (err || ((at + size) % SPARE_SYNC != 0 && size < left))
		return err;
	return env_sync(f);
}

/* Zeros to the end, synced. */
static int
spare_write(struct lsm *db, struct env_file *f)
{
	int err = 0;

	for (uint64_t at = 0; at < spare_bytes(db) && !err; at += SPARE_PIECE)
		err = spare_write_piece(db, f, at);
	return err;
}

/* A new file, under a name that the next open removes. */
static int
spare_fill(struct lsm *db, struct spare *s)
{
	uint64_t free_bytes, total_bytes;
	struct env_file *f;
	char *path;
	int err;

	err = env_space(db->env, db->dir, &free_bytes, &total_bytes);
	if (err)
		return err;
	if (free_bytes / SPARE_FREE_MIN < spare_bytes(db))
		return -ENOSPC;
	err = db_path(db, FILE_NAME_LOG, vset_new_number(&db->vset), &path);
	if (err)
		return err;
	if (asprintf(&s->path, "%s.tmp", path) < 0)
		s->path = NULL;
	free(path);
	if (!s->path)
		return -ENOMEM;
	err = env_open(db->env, s->path,
	    ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_EXCL, &f);
	if (err)
		return err;
	err = spare_write(db, f);
	env_close(f);
	return err;
}

/*
 * A file that was a segment.  Without its header it is nothing, under the old
 * name and under the new one, so that goes first; the records behind it are
 * of the old number, which is in their checksums.
 */
static int
spare_clear(struct lsm *db, struct spare *s)
{
	static const uint8_t zeros[WAL_FILE_HEADER];
	struct env_file *f;
	int err = env_open(db->env, s->path, ENV_OPEN_WRITE, &f);

	if (err)
		return err;
	err = env_pwrite(f, zeros, sizeof(zeros), 0);
	if (!err)
		err = env_sync(f);
	env_close(f);
	return err;
}

/* The file gets a new number, and its name is durable. */
static int
spare_rename(struct lsm *db, struct spare *s)
{
	char *path;
	int err;

	s->number = vset_new_number(&db->vset);
	err = db_path(db, FILE_NAME_LOG, s->number, &path);
	if (err)
		return err;
	err = env_rename(db->env, s->path, path);
	if (err) {
		free(path);
		return err;
	}
	free(s->path);
	s->path = path;
	return env_sync_dir(db->env, db->dir);
}

/*
 * Segments are read in the order of their numbers, so a spare's must be above
 * that of each one begun before.  Files are begun without a spare only while
 * none is ready, and one that is overtaken while it gets its name gets another
 * one; so those that are ready are above all segments, now and later.
 */
static bool
spare_push(struct lsm *db, struct spare *s)
{
	struct spare_pool *p = &db->spares;
	bool above;

	lock_acquire(&db->sync_lock);
	above = s->number > p->newest_other;
	if (above)
		STAILQ_INSERT_TAIL(&p->ready, s, link);
	lock_release(&db->sync_lock);
	return above;
}

static int
spare_make(struct lsm *db, struct spare *s)
{
	int err = s->path ? spare_clear(db, s) : spare_fill(db, s);

	while (!err) {
		err = spare_rename(db, s);
		if (!err && spare_push(db, s))
			return 0;
	}
	return err;
}

/*
 * What the step works on: *s is a retired file, or NULL.  Files in use come
 * back, so none is made of zeros while one waits.
 */
static bool
spare_begin(struct lsm *db, struct spare **s)
{
	struct spare_pool *p = &db->spares;
	bool begin = false;

	lock_acquire(&db->sync_lock);
	*s = spare_shift(&p->retired);
	if (*s) {
		begin = true; /* and is counted already */
	} else if (p->wanted && p->count == 0) {
		begin = true;
		p->count++;
	}
	lock_release(&db->sync_lock);
	return begin;
}

static void
spare_failed(struct lsm *db, struct spare *s)
{
	lock_acquire(&db->sync_lock);
	db->spares.count--;
	lock_release(&db->sync_lock);
	if (s && s->path)
		env_unlink(db->env, s->path);
	spare_free(s);
}

/* That of the segment that is being written.  An error has ended writing. */
static void
spare_sync_header(struct lsm *db)
{
	struct segment *s;

	lock_acquire(&db->sync_lock);
	s = TAILQ_LAST(&db->segments, segment_list);
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	lock_release(&db->sync_lock);
	(void)segment_sync_header(db, s);
	segment_unref(s);
}

int
spare_step(struct lsm *db)
{
	struct spare *s;
	int err = 0;

	if (!db->options.no_background) {
		chunk_pool_prepare(&db->chunks);
		spare_sync_header(db);
	}
	if (db_failed(db) || !spare_begin(db, &s))
		return 0;
	if (!s)
		s = calloc(1, sizeof(*s));
	err = s ? spare_make(db, s) : -ENOMEM;
	if (!err)
		return 1;
	spare_failed(db, s);
	return err;
}

/* One of those that wait, or NULL. */
static struct spare *
spare_take_any(struct lsm *db)
{
	struct spare_pool *p = &db->spares;
	struct spare *s;

	lock_acquire(&db->sync_lock);
	s = spare_shift(&p->ready);
	if (!s)
		s = spare_shift(&p->retired);
	if (s)
		p->count--;
	lock_release(&db->sync_lock);
	return s;
}

bool
spare_remove_all(struct lsm *db)
{
	bool some = false;
	struct spare *s;

	while ((s = spare_take_any(db))) {
		spare_drop(db, s);
		some = true;
	}
	return some;
}
