#include "engine/db/reaper.h"

#include <stdlib.h>
#include <string.h>

#include "engine/os/env.h"
#include "engine/table/cache.h"

/*
 * Bytes of files removed per us, on average.  A file of 64 MiB took 20 ms on
 * one machine (ext4), most of it for the pages that the kernel has of it, so
 * the thread is at work for a seventh of the time.
 */
#define REAPER_RATE 512

void
reaper_init(struct reaper *r)
{
	*r = (struct reaper){.env = NULL};
	lock_init(&r->lock, LOCK_RANK_LEAF);
	lock_cond_init(&r->wake);
	STAILQ_INIT(&r->files);
}

static void
reaper_remove(struct reaper *r, const char *path, uint64_t number)
{
	if (r->cache)
		cache_drop_file(r->cache, number);
	env_unlink(r->env, path);
}

/* False: none waits.  Caller holds the lock, which is released meanwhile. */
static bool
reaper_remove_first(struct reaper *r)
{
	struct reaper_file *f = STAILQ_FIRST(&r->files);

	if (!f)
		return false;
	STAILQ_REMOVE_HEAD(&r->files, link);
	r->bytes -= f->bytes;
	lock_release(&r->lock);
	reaper_remove(r, f->path, f->number);
	free(f->path);
	free(f);
	lock_acquire(&r->lock);
	return true;
}

/* After a file of so many bytes. */
static void
reaper_pause(struct reaper *r, uint64_t bytes)
{
	uint64_t end = env_now_us(r->env) + bytes / REAPER_RATE, now;

	while (!r->stop && r->bytes <= REAPER_BYTES_MAX) {
		now = env_now_us(r->env);
		if (now >= end)
			return;
		lock_cond_wait_for(&r->wake, &r->lock, end - now);
	}
}

static void *
reaper_run(void *arg)
{
	struct reaper *r = arg;
	struct reaper_file *f;
	uint64_t bytes;

	lock_acquire(&r->lock);
	while (!r->stop) {
		f = STAILQ_FIRST(&r->files);
		if (!f) {
			lock_cond_wait(&r->wake, &r->lock);
			continue;
		}
		bytes = f->bytes;
		reaper_remove_first(r);
		reaper_pause(r, bytes);
	}
	lock_release(&r->lock);
	return NULL;
}

int
reaper_start(struct reaper *r)
{
	int err = thread_start(&r->thread, "reaper", reaper_run, r);

	if (!err)
		r->has_thread = true;
	return err;
}

void
reaper_fini(struct reaper *r)
{
	lock_acquire(&r->lock);
	r->stop = true;
	lock_cond_signal(&r->wake);
	lock_release(&r->lock);
	if (r->has_thread)
		thread_join(&r->thread);
	reaper_empty(r);
	lock_cond_fini(&r->wake);
	lock_fini(&r->lock);
}

static struct reaper_file *
reaper_new_file(const char *path, uint64_t number, uint64_t bytes)
{
	struct reaper_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->path = strdup(path);
	f->number = number;
	f->bytes = bytes;
	if (f->path)
		return f;
	free(f);
	return NULL;
}

void
reaper_take(struct reaper *r, const char *path, uint64_t number, uint64_t bytes)
{
	struct reaper_file *f = NULL;

	if (r->has_thread && bytes >= REAPER_BYTES_MIN)
		f = reaper_new_file(path, number, bytes);
	if (!f) {
		reaper_remove(r, path, number);
		return;
	}
	lock_acquire(&r->lock);
	STAILQ_INSERT_TAIL(&r->files, f, link);
	r->bytes += bytes;
	lock_cond_signal(&r->wake);
	lock_release(&r->lock);
}

bool
reaper_empty(struct reaper *r)
{
	bool some = false;

	lock_acquire(&r->lock);
	while (reaper_remove_first(r))
		some = true;
	lock_release(&r->lock);
	return some;
}
