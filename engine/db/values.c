#include "engine/db/values.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/file_name.h"
#include "engine/db/reaper.h"
#include "engine/table/cache.h"

void
values_init(
    struct values *s, struct env *env, const char *dir, struct cache *cache)
{
	*s = (struct values){
	    .env = env,
	    .dir = dir,
	    .cache = cache,
	    .cached_max = SIZE_MAX,
	};
	lock_init(&s->lock, LOCK_RANK_TABLES);
}

void
values_fini(struct values *s)
{
	if (!s->env)
		return;
	must(s->count == 0);
	free(s->files);
	lock_fini(&s->lock);
	*s = (struct values){0};
}

/* --- the set: the lock is held -------------------------------------------- */

/* The first that is not before file. */
static size_t
values_search(const struct values *s, uint64_t file)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->files[mid]->file < file)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct value_file *
values_at(const struct values *s, size_t at, uint64_t file)
{
	return at < s->count && s->files[at]->file == file ? s->files[at]
							   : NULL;
}

/* The capacity follows from the count. */
static int
values_insert(struct values *s, size_t at, struct value_file *f)
{
	struct value_file **files = s->files;
	size_t n = s->count;

	if ((n & (n - 1)) == 0) {
		files = reallocarray(
		    files, n ? n * 2 : 1, sizeof(struct value_file *));
		if (!files)
			return -ENOMEM;
		s->files = files;
	}
	memmove(
	    &files[at + 1], &files[at], (n - at) * sizeof(struct value_file *));
	files[at] = f;
	s->count++;
	return 0;
}

static void
values_take_out(struct values *s, const struct value_file *f)
{
	size_t at = values_search(s, f->file);

	must(values_at(s, at, f->file) == f);
	s->count--;
	memmove(&s->files[at], &s->files[at + 1],
	    (s->count - at) * sizeof(struct value_file *));
}

/* --- files ---------------------------------------------------------------- */

static void
value_file_free(struct value_file *f)
{
	free(f->path);
	free(f);
}

static struct value_file *
value_file_new(struct values *s, uint64_t file)
{
	struct value_file *f = calloc(1, sizeof(*f));
	enum file_name_kind kind =
	    vref_kind(file) == VREF_KIND_LOG ? FILE_NAME_LOG : FILE_NAME_VALUES;

	if (!f)
		return NULL;
	f->set = s;
	f->file = file;
	f->refs = 1;
	atomic_init(&f->open, NULL);
	f->path = file_name_path(s->dir, kind, vref_number(file));
	if (f->path)
		return f;
	free(f);
	return NULL;
}

int
values_hold(struct values *s, uint64_t file, struct value_file **out)
{
	struct value_file *f;
	size_t at;
	int err = 0;

	lock_acquire(&s->lock);
	at = values_search(s, file);
	f = values_at(s, at, file);
	if (f) {
		f->refs++;
	} else {
		f = value_file_new(s, file);
		err = f ? values_insert(s, at, f) : -ENOMEM;
	}
	lock_release(&s->lock);
	if (!err)
		*out = f;
	else if (f)
		value_file_free(f);
	return err;
}

void
values_ref(struct value_file *f)
{
	lock_acquire(&f->set->lock);
	must(f->refs > 0);
	f->refs++;
	lock_release(&f->set->lock);
}

/* Errors and the directory: see reaper.h. */
static void
value_file_delete(struct value_file *f)
{
	if (f->set->reaper) {
		reaper_take(
		    f->set->reaper, f->path, vref_number(f->file), f->bytes);
		return;
	}
	if (f->set->cache)
		cache_drop_file(f->set->cache, vref_number(f->file));
	env_unlink(f->set->env, f->path);
}

void
values_unref(struct value_file *f)
{
	struct values *s;
	bool last;

	if (!f)
		return;
	s = f->set;
	lock_acquire(&s->lock);
	must(f->refs > 0);
	last = --f->refs == 0;
	if (last)
		values_take_out(s, f);
	lock_release(&s->lock);
	if (!last)
		return;
	/* Relaxed: the lock has ordered it. */
	env_close(atomic_load_explicit(&f->open, memory_order_relaxed));
	if (f->obsolete)
		value_file_delete(f);
	value_file_free(f);
}

struct value_file *
values_find(struct values *s, uint64_t file)
{
	struct value_file *f;

	lock_acquire(&s->lock);
	f = values_at(s, values_search(s, file), file);
	lock_release(&s->lock);
	return f;
}

void
values_set_obsolete(struct value_file *f)
{
	lock_acquire(&f->set->lock);
	f->obsolete = true;
	lock_release(&f->set->lock);
}

void
values_set_shared(struct value_file *f)
{
	lock_acquire(&f->set->lock);
	f->shared = true;
	lock_release(&f->set->lock);
}

bool
values_is_alone(struct value_file *f)
{
	bool alone;

	lock_acquire(&f->set->lock);
	alone = f->refs == 1 && !f->obsolete && !f->shared;
	lock_release(&f->set->lock);
	return alone;
}

void
values_set_bytes(struct value_file *f, uint64_t bytes)
{
	lock_acquire(&f->set->lock);
	f->bytes = bytes;
	lock_release(&f->set->lock);
}

void
values_learn_bytes(struct value_file *f, uint64_t bytes)
{
	lock_acquire(&f->set->lock);
	if (f->bytes == 0)
		f->bytes = bytes;
	lock_release(&f->set->lock);
}

uint64_t
values_bytes(struct value_file *f)
{
	uint64_t bytes;

	lock_acquire(&f->set->lock);
	bytes = f->bytes;
	lock_release(&f->set->lock);
	return bytes;
}

void
values_set_overhead(struct value_file *f, uint64_t bytes)
{
	lock_acquire(&f->set->lock);
	f->overhead = bytes;
	lock_release(&f->set->lock);
}

uint64_t
values_content(struct value_file *f)
{
	uint64_t bytes;

	lock_acquire(&f->set->lock);
	bytes = f->bytes > f->overhead ? f->bytes - f->overhead : 0;
	lock_release(&f->set->lock);
	return bytes;
}

/* --- reading -------------------------------------------------------------- */

static int
value_file_open(struct value_file *f, struct env_file **out)
{
	struct env_file *file, *other = NULL;
	int err = env_open(f->set->env, f->path, ENV_OPEN_READ, &file);

	if (err == -ENOENT) {
		env_log(f->set->env, ERR_LEVEL_ERROR,
		    "%s: missing, but values in it are referred to; restore it"
		    " from a backup",
		    f->path);
		return ERR_DAMAGED;
	}
	if (err)
		return err;
	env_map_reads(file);
	/* Release and acquire: as in version_file.c. */
	if (atomic_compare_exchange_strong_explicit(&f->open, &other, file,
		memory_order_release, memory_order_acquire)) {
		*out = file;
		return 0;
	}
	env_close(file);
	*out = other;
	return 0;
}

int
values_file(struct value_file *f, struct env_file **out)
{
	/* Acquire: pairs with the release in value_file_open. */
	struct env_file *file =
	    atomic_load_explicit(&f->open, memory_order_acquire);

	if (!file)
		return value_file_open(f, out);
	*out = file;
	return 0;
}
