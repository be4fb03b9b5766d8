#include "engine/table/wal_window.h"

#include "engine/base/must.h"

/* Larger records are written: with them the page faults cost more than the
 * call.  In a file that was written ahead, and in one that grows. */
#define WAL_WINDOW_RECORD_MAX_AHEAD (8u << 10)
#define WAL_WINDOW_RECORD_MAX       (32u << 10)

/*
 * A file that grows is filled with zeros so far ahead.  The kernel keeps what
 * one write(2) brings in one piece of memory if it can, so new pages come at a
 * third of what they cost one by one; a larger piece takes more to be synced,
 * and the put that has to fill it waits longer.
 */
#define WAL_WINDOW_FILL (64u << 10)

void
wal_window_init(struct wal_window *w, struct env_file *file, uint64_t room)
{
	*w = (struct wal_window){.file = file, .room = room, .ahead = room};
}

static void
wal_window_close(struct wal_window *w)
{
	env_unmap(w->map);
	w->map = NULL;
}

void
wal_window_fini(struct wal_window *w)
{
	wal_window_close(w);
}

void
wal_window_set(struct wal_window *w, const struct wal_mapping *how)
{
	must(how->step == 0 || how->step >= WAL_WINDOW_STEP_MIN);
	wal_window_close(w);
	w->how = *how;
}

void
wal_window_cut(struct wal_window *w, uint64_t room)
{
	wal_window_close(w);
	w->room = w->ahead = room;
	w->retry = 0;
}

/*
 * A sync takes the mapping away from the pages that were written, so that the
 * next copy into each costs a page fault, and the sync more, too: together as
 * much as a handful of write(2).  So it pays if there are many records since
 * the last sync, or were before it.
 */
static bool
wal_window_pays(
    struct wal_window *w, size_t size, uint64_t offset, unsigned syncs)
{
	if (syncs != w->syncs) {
		w->syncs = syncs;
		w->before = w->run;
		w->run = 0;
	}
	if (w->run < w->how.run)
		w->run++;
	return w->how.step > 0 && offset >= w->how.from &&
	       (w->run >= w->how.run || w->before >= w->how.run) &&
	       size <= (offset < w->ahead ? WAL_WINDOW_RECORD_MAX_AHEAD
					  : WAL_WINDOW_RECORD_MAX);
}

/* The first multiple of step behind end. */
static uint64_t
wal_window_next(uint64_t end, size_t step)
{
	return (end / step + 1) * step;
}

/* Room for size bytes at offset, and some more. */
static int
wal_window_fill(struct wal_window *w, size_t size, uint64_t offset)
{
	static uint8_t zeros[WAL_WINDOW_FILL + WAL_WINDOW_RECORD_MAX];
	size_t step = w->how.step;
	uint64_t begin = w->room > offset ? w->room : offset, end;
	int err;

	if (offset < w->retry)
		return -ENOSPC;
	if (step > WAL_WINDOW_FILL)
		step = WAL_WINDOW_FILL;
	end = wal_window_next(offset + size, step);
	err = env_pwrite(w->file, zeros, (size_t)(end - begin), begin);
	if (!err) {
		w->room = end;
		return 0;
	}
	w->retry = offset + w->how.step;
	/* What it got of them may be missed elsewhere.  A failure is logged,
	 * and no more than a file that is larger than need be. */
	(void)env_truncate(w->file, begin);
	return err;
}

static bool
wal_window_covers(const struct wal_window *w, size_t size, uint64_t offset)
{
	const struct env_map *m = w->map;

	return m && offset >= m->offset && size <= m->size &&
	       offset - m->offset <= m->size - size;
}

/* The window's new place: from offset on, over at least size bytes, to the next
 * multiple of a step. */
static int
wal_window_move(struct wal_window *w, size_t size, uint64_t offset)
{
	uint64_t end = wal_window_next(offset + size, w->how.step);

	wal_window_close(w);
	return env_map(w->file, offset, (size_t)(end - offset), &w->map);
}

static int
wal_window_copy(
    struct wal_window *w, const uint8_t *record, size_t size, uint64_t offset)
{
	int err = 0;

	if (!wal_window_covers(w, size, offset))
		err = wal_window_move(w, size, offset);
	if (!err && offset + size > w->room)
		err = wal_window_fill(w, size, offset);
	return err ? err : env_map_write(w->map, record, size, offset);
}

/* What does not pass is not tried again. */
static void
wal_window_failed(struct wal_window *w, int err)
{
	if (err_is_full(err) || err == -EAGAIN)
		return;
	wal_window_close(w);
	w->how.step = 0;
	if (err != -ENOTSUP)
		env_log(w->file->env, ERR_LEVEL_WARNING,
		    "%s: cannot be written through memory: %s; it is written"
		    " with write(2)",
		    w->file->path, err_text(err));
}

int
wal_window_write(struct wal_window *w, const uint8_t *record, size_t size,
    uint64_t offset, unsigned syncs)
{
	int err;

	if (wal_window_pays(w, size, offset, syncs)) {
		err = wal_window_copy(w, record, size, offset);
		if (!err)
			return 0;
		wal_window_failed(w, err);
	}
	return env_pwrite(w->file, record, size, offset);
}
