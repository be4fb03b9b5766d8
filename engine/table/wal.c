#include "engine/table/wal.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/lock.h"
#include "engine/base/must.h"
#include "engine/table/ikey.h"
#include "engine/table/wal_format.h"
#include "engine/table/wal_window.h"

struct wal {
	/* constant after open */
	struct env *env;
	struct env_file *file;
	uint64_t number;
	uint64_t seed; /* of its checksums */

	/* the appender's; end is read by others: so much a sync covers */
	uint64_t next_seq; /* 0: known from the first append on */
	_Atomic uint64_t end;
	uint64_t prepared; /* written ahead up to here */
	struct wal_window window;

	/* Syncs begun.  Relaxed: the appender does well to know. */
	atomic_uint syncs;

	/* Set once, never cleared.  Relaxed everywhere: it says nothing about
	 * other memory, and an appender that sees it late only writes a record
	 * that nobody can sync any more. */
	atomic_bool poisoned;

	/* lock protects everything below */
	struct lock lock;
	struct lock_cond sync_ended;
	bool syncing;
};

static bool
is_poisoned(const struct wal *w)
{
	return atomic_load_explicit(&w->poisoned, memory_order_relaxed);
}

static void
poison(struct wal *w, const char *what, int err)
{
	atomic_store_explicit(&w->poisoned, true, memory_order_relaxed);
	env_log(w->env, ERR_LEVEL_ERROR,
	    "%s: %s failed: %s; nothing more is written to this log",
	    w->file->path, what, err_text(err));
}

/* Takes the file; it is closed on error too. */
static int
wal_new(struct env *env, struct env_file *file, const struct wal_id *id,
    struct wal **out)
{
	struct wal *w = calloc(1, sizeof(*w));

	if (!w) {
		env_close(file);
		return -ENOMEM;
	}
	w->env = env;
	w->file = file;
	w->number = id->number;
	w->seed = wal_format_seed(id->number, id->salt);
	wal_window_init(&w->window, file, 0);
	lock_init(&w->lock, LOCK_RANK_LEAF);
	lock_cond_init(&w->sync_ended);
	*out = w;
	return 0;
}

/* A new log in this file, which is taken, and closed on an error. */
static int
begin(struct env *env, struct env_file *file, const struct wal_id *id,
    uint64_t first_seq, struct wal **out)
{
	const struct wal_format_file h = {
	    .kind = (uint32_t)id->kind,
	    .number = id->number,
	    .first_seq = first_seq,
	    .salt = id->salt,
	};
	uint8_t header[WAL_FILE_HEADER];
	struct wal *w;
	int err;

	must(first_seq > 0 && first_seq <= IKEY_SEQ_MAX);
	err = wal_new(env, file, id, &w);
	if (err)
		return err;
	wal_format_put_file(header, &h);
	err = env_size(file, &w->prepared);
	if (!err)
		err = env_pwrite(file, header, sizeof(header), 0);
	if (err) {
		wal_close(w);
		return err;
	}
	wal_window_init(&w->window, file, w->prepared);
	w->next_seq = first_seq;
	atomic_init(&w->end, sizeof(header));
	*out = w;
	return 0;
}

int
wal_create(struct env *env, const char *path, const struct wal_id *id,
    uint64_t first_seq, struct wal **out)
{
	struct env_file *file;
	int err;

	err = env_open(
	    env, path, ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_EXCL, &file);
	if (err)
		return err;
	err = begin(env, file, id, first_seq, out);
	/* So that the caller can try again under the same name. */
	if (err)
		env_unlink(env, path);
	return err;
}

int
wal_create_in(struct env *env, const char *path, const struct wal_id *id,
    uint64_t first_seq, struct wal **out)
{
	struct env_file *file;
	int err = env_open(env, path, ENV_OPEN_WRITE, &file);

	return err ? err : begin(env, file, id, first_seq, out);
}

/* Brings the file to end, which a reader found in it. */
static int
cut_to(struct env *env, struct env_file *file, uint64_t end)
{
	uint64_t size;
	int err = env_size(file, &size);

	if (err)
		return err;
	if (size < end) {
		env_log(env, ERR_LEVEL_ERROR,
		    "%s: shrank from %llu to %llu bytes while it was in use",
		    file->path, (unsigned long long)end,
		    (unsigned long long)size);
		return ERR_DAMAGED;
	}
	if (size == end)
		return 0;
	err = env_truncate(file, end);
	/* Synced: what stood there must not come back behind new records. */
	return err ? err : env_sync(file);
}

int
wal_append_to(struct env *env, const char *path, const struct wal_id *id,
    uint64_t end, struct wal **out)
{
	struct env_file *file;
	struct wal *w;
	int err;

	must(end >= WAL_FILE_HEADER);
	err = env_open(env, path, ENV_OPEN_WRITE, &file);
	if (err)
		return err;
	err = cut_to(env, file, end);
	if (err) {
		env_close(file);
		return err;
	}
	err = wal_new(env, file, id, &w);
	if (err)
		return err;
	atomic_init(&w->end, end);
	*out = w;
	return 0;
}

void
wal_close(struct wal *w)
{
	if (!w)
		return;
	must(!w->syncing);
	wal_window_fini(&w->window);
	env_close(w->file);
	lock_cond_fini(&w->sync_ended);
	lock_fini(&w->lock);
	free(w);
}

/*
 * Makes what was written of a record at end disappear.  Where the file had room
 * its header gives way to zeros: the rest means nothing without it, and the
 * room stays where the next record may need no other.
 */
static int
take_back(struct wal *w, uint64_t end)
{
	static const uint8_t zeros[WAL_RECORD_HEADER];
	uint64_t all = w->window.room;
	uint64_t room = all > end ? all - end : 0;
	size_t size = room < sizeof(zeros) ? (size_t)room : sizeof(zeros);

	if (room > 0 && env_pwrite(w->file, zeros, size, end) == 0)
		return env_truncate(w->file, all);
	w->prepared = 0;
	wal_window_cut(&w->window, 0);
	return env_truncate(w->file, end);
}

/* Undoes a failed append; what the append returns. */
static int
roll_back(struct wal *w, uint64_t end, int err)
{
	int cut_err = take_back(w, end);

	if (cut_err) {
		poison(w, "cutting off a record that failed", cut_err);
		/* Not -ENOSPC: that would invite another try. */
		return -EIO;
	}
	if (!err_is_full(err))
		poison(w, "writing", err);
	return err;
}

int
wal_append(
    struct wal *w, uint8_t *record, size_t size, const struct wal_stamp *stamp)
{
	uint64_t end = wal_size(w);
	int err;

	if (is_poisoned(w))
		return -EROFS;
	must(size >= WAL_RECORD_HEADER);
	must(size - WAL_RECORD_HEADER <= WAL_PAYLOAD_MAX);
	must(stamp->count > 0 && stamp->durable < stamp->seq);
	must(stamp->count == 1 || stamp->count <= size - WAL_RECORD_HEADER);
	must(stamp->seq <= IKEY_SEQ_MAX - (stamp->count - 1));
	must(w->next_seq == 0 || stamp->seq == w->next_seq);

	wal_format_put_record(record, size, stamp, w->seed);
	err = wal_window_write(&w->window, record, size, end,
	    atomic_load_explicit(&w->syncs, memory_order_relaxed));
	if (err)
		return roll_back(w, end, err);
	w->next_seq = stamp->seq + stamp->count;
	/* Release: who sees it and then syncs has the kernel see the record,
	 * which was copied without its help. */
	atomic_store_explicit(&w->end, end + size, memory_order_release);
	return 0;
}

void
wal_map(struct wal *w, const struct wal_mapping *how)
{
	wal_window_set(&w->window, how);
}

/*
 * One sync at a time.  The kernel reports a lost page to one fdatasync only:
 * a second one in flight would return 0 for the same bytes, perhaps before the
 * first has set the flag.  The lock itself is not held across the sync.
 */
static int
sync_begin(struct wal *w)
{
	int err = 0;

	lock_acquire(&w->lock);
	while (w->syncing)
		lock_cond_wait(&w->sync_ended, &w->lock);
	if (is_poisoned(w))
		err = -EROFS;
	else
		w->syncing = true;
	lock_release(&w->lock);
	return err;
}

static void
sync_end(struct wal *w)
{
	lock_acquire(&w->lock);
	w->syncing = false;
	lock_cond_broadcast(&w->sync_ended);
	lock_release(&w->lock);
}

int
wal_sync(struct wal *w)
{
	int err = sync_begin(w);

	if (err)
		return err;
	atomic_fetch_add_explicit(&w->syncs, 1, memory_order_relaxed);
	err = env_sync(w->file);
	if (err)
		poison(w, "syncing", err);
	sync_end(w);
	return err;
}

void
wal_sync_ahead(struct wal *w, size_t size)
{
	if (!is_poisoned(w))
		env_sync_ahead(w->file, wal_size(w) - size, size);
}

uint64_t
wal_size(const struct wal *w)
{
	return atomic_load_explicit(&w->end, memory_order_acquire);
}

uint64_t
wal_number(const struct wal *w)
{
	return w->number;
}

uint64_t
wal_prepared(const struct wal *w)
{
	return w->prepared;
}

int
wal_cut(struct wal *w)
{
	int err = 0;

	if (is_poisoned(w))
		return -EROFS;
	if (w->window.room > wal_size(w))
		err = env_truncate(w->file, wal_size(w));
	if (err)
		return err;
	w->prepared = 0;
	wal_window_cut(&w->window, 0);
	return 0;
}
