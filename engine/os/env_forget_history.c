#include "engine/os/env_forget_history.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/array.h"
#include "engine/base/must.h"

#define ENV_FORGET_CHUNK ((uint64_t)64 << 10)

void
env_forget_history_fini(struct env_forget_history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->all[i].old);
	free(h->all);
	*h = (struct env_forget_history){0};
}

static int
env_forget_history_reserve(struct env_forget_history *h)
{
	return array_reserve(&h->all, sizeof(*h->all), h->count + 1, &h->cap);
}

static size_t
env_forget_history_without_zeros(const uint8_t *data, size_t size)
{
	while (size > 0 && data[size - 1] == 0)
		size--;
	return size;
}

/* Keeps what is at offset to end of f, without the zeros at the end. */
static int
env_forget_history_keep(
    struct env_forget_done *d, struct env_file *f, uint64_t size)
{
	uint8_t *old, *fit;
	size_t got;
	int err;

	if (size == 0)
		return 0;
	old = malloc(size);
	if (!old)
		return -ENOMEM;
	err = env_pread(f, old, size, d->offset, &got);
	if (err)
		goto out_free;
	d->old_size = env_forget_history_without_zeros(old, got);
	if (d->old_size == 0)
		goto out_free;
	fit = realloc(old, d->old_size);
	d->old = fit ? fit : old;
	return 0;
out_free:
	free(old);
	return err;
}

int
env_forget_history_write(struct env_forget_history *h, struct env_file *f,
    uint64_t op, uint64_t offset, uint64_t size)
{
	struct env_forget_done d = {.op = op, .offset = offset, .size = size};
	uint64_t there = 0;
	int err = env_forget_history_reserve(h);

	if (!err)
		err = env_size(f, &d.size_before);
	if (err)
		return err;
	if (offset < d.size_before)
		there = d.size_before - offset;
	err = env_forget_history_keep(&d, f, there < size ? there : size);
	if (!err)
		h->all[h->count++] = d;
	return err;
}

int
env_forget_history_truncate(struct env_forget_history *h, struct env_file *f,
    uint64_t op, uint64_t size)
{
	struct env_forget_done d = {.op = op, .offset = size, .truncate = true};
	int err = env_forget_history_reserve(h);

	if (!err)
		err = env_size(f, &d.size_before);
	if (err)
		return err;
	if (size < d.size_before)
		d.size = d.size_before - size;
	err = env_forget_history_keep(&d, f, d.size);
	if (!err)
		h->all[h->count++] = d;
	return err;
}

void
env_forget_history_shorten(struct env_forget_history *h, uint64_t size)
{
	struct env_forget_done *d = &h->all[h->count - 1];

	must(h->count > 0 && size <= d->size);
	d->size = size;
	if (d->old_size > size)
		d->old_size = (size_t)size;
}

void
env_forget_history_drop(struct env_forget_history *h, uint64_t op)
{
	size_t n = 0;

	while (n < h->count && h->all[n].op < op)
		free(h->all[n++].old);
	if (n == 0)
		return;
	h->count -= n;
	if (h->count == 0)
		env_forget_history_fini(h);
	else
		memmove(h->all, h->all + n, h->count * sizeof(*h->all));
}

/* --- after a cut ---------------------------------------------------------- */

/* A file while it is brought back. */
struct env_forget_back {
	const struct env_forget_history *history;
	const struct env_forget_pick *pick;
	struct env_file *file;
	uint64_t prefix;     /* operations that survive, if not random */
	uint64_t size_state; /* operations that the size has got */
	uint64_t size;       /* that the file will have */
	uint8_t *chunk;
};

static uint64_t
env_forget_history_prefix(
    const struct env_forget_history *h, const struct env_forget_pick *p)
{
	uint64_t n = 0;

	if (p->keep == ENV_FORGET_KEEP_PREFIX)
		while (n < h->count && h->all[n].op <= p->last)
			n++;
	return n;
}

/* How many of the file's operations the sector has got. */
static uint64_t
env_forget_history_state(const struct env_forget_back *b, uint64_t sector)
{
	const struct env_forget_history *h = b->history;

	if (b->pick->keep != ENV_FORGET_KEEP_RANDOM)
		return b->prefix;
	return env_forget_pick_state(b->pick, h->all[0].op, sector, h->count);
}

/* Writes back what was at `at` to end before d; what lies beyond the file's
 * coming end is left to the truncate. */
static int
env_forget_history_put_back(const struct env_forget_back *b,
    const struct env_forget_done *d, uint64_t at, uint64_t end)
{
	int err = 0;

	if (end > b->size)
		end = b->size;
	while (!err && at < end) {
		uint64_t n =
		    end - at < ENV_FORGET_CHUNK ? end - at : ENV_FORGET_CHUNK;
		uint64_t from = at - d->offset, kept = 0;

		if (from < d->old_size)
			kept = d->old_size - from < n ? d->old_size - from : n;
		if (kept > 0)
			memcpy(b->chunk, d->old + from, kept);
		memset(b->chunk + kept, 0, n - kept);
		err = env_pwrite(b->file, b->chunk, n, at);
		at += n;
	}
	return err;
}

/* Bytes that d wrote between at and end, which all got it, but which lie
 * behind an end of the file that has not. */
static uint64_t
env_forget_history_cut_off(
    const struct env_forget_back *b, uint64_t i, uint64_t at, uint64_t end)
{
	if (i < b->size_state || end <= b->size)
		return 0;
	return end - (at > b->size ? at : b->size);
}

/* Undoes the i-th operation in the sectors that have not got it. */
static int
env_forget_history_undo(
    const struct env_forget_back *b, uint64_t i, uint64_t *bytes_lost)
{
	const struct env_forget_done *d = &b->history->all[i];
	uint64_t at = d->offset, end = d->offset + d->size;
	uint64_t undo_from = at; /* all from here to `at` is to be undone */
	int err = 0;

	*bytes_lost = 0;
	while (!err && at < end) {
		uint64_t sector = at / ENV_FORGET_SECTOR;
		uint64_t next = (sector + 1) * ENV_FORGET_SECTOR;

		if (next > end)
			next = end;
		if (i >= env_forget_history_state(b, sector)) {
			*bytes_lost += next - at;
		} else {
			err = env_forget_history_put_back(b, d, undo_from, at);
			*bytes_lost +=
			    env_forget_history_cut_off(b, i, at, next);
			undo_from = next;
		}
		at = next;
	}
	return err ? err : env_forget_history_put_back(b, d, undo_from, end);
}

/* The size after `state` operations; now: after all. */
static uint64_t
env_forget_history_size(
    const struct env_forget_history *h, uint64_t state, uint64_t now)
{
	return state < h->count ? h->all[state].size_before : now;
}

/* Newest first, so that every sector passes through its states backwards. */
static int
env_forget_history_undo_all(const struct env_forget_back *b, uint64_t now,
    struct env_forget_report *report)
{
	const struct env_forget_history *h = b->history;
	uint64_t lost;
	int err = 0;

	for (uint64_t i = h->count; !err && i-- > 0;) {
		bool resized = h->all[i].size_before !=
			       env_forget_history_size(h, i + 1, now);

		err = env_forget_history_undo(b, i, &lost);
		report->writes++;
		if (lost > 0 || (resized && i >= b->size_state))
			report->writes_lost++;
		if (!h->all[i].truncate)
			report->bytes_lost += lost;
	}
	return err;
}

int
env_forget_history_restore(const struct env_forget_history *h,
    struct env_file *f, const struct env_forget_pick *p,
    struct env_forget_report *report)
{
	struct env_forget_back b = {.history = h, .pick = p, .file = f};
	uint64_t now;
	int err;

	if (h->count == 0)
		return 0;
	b.chunk = malloc(ENV_FORGET_CHUNK);
	if (!b.chunk)
		return -ENOMEM;
	err = env_size(f, &now);
	if (err)
		goto out;
	b.prefix = env_forget_history_prefix(h, p);
	b.size_state = env_forget_history_state(&b, ENV_FORGET_PICK_SIZE);
	b.size = env_forget_history_size(h, b.size_state, now);
	err = env_forget_history_undo_all(&b, now, report);
	/* Also if the size is right: what was put back may have changed it. */
	if (!err)
		err = env_truncate(f, b.size);
out:
	free(b.chunk);
	return err;
}

void
env_forget_history_report(const struct env_forget_history *h, bool lost,
    struct env_forget_report *report)
{
	report->writes += h->count;
	if (!lost)
		return;
	report->writes_lost += h->count;
	for (size_t i = 0; i < h->count; i++)
		if (!h->all[i].truncate)
			report->bytes_lost += h->all[i].size;
}
