#include "engine/db/vset.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/file_name.h"
#include "engine/db/manifest.h"
#include "engine/db/values.h"

#define MANIFEST_GROWTH 10

/* Who has the turn is the only one to change what is recorded, and the numbers
 * given so far need no order either: relaxed. */
static uint64_t
load(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

/* What is recorded only grows.  Release: who sees the number (acquire) also
 * sees the version with the tables that it speaks of. */
static void
record(_Atomic uint64_t *v, uint64_t value)
{
	if (value > load(v))
		atomic_store_explicit(v, value, memory_order_release);
}

/* The next edit begins a new manifest. */
static void
drop_manifest(struct vset *s, bool doubtful)
{
	wal_close(s->manifest);
	s->manifest = NULL;
	s->manifest_doubtful = doubtful;
}

static int
unlink_stale(void *ctx, const char *name)
{
	struct vset *s = ctx;
	uint64_t number;
	char *path;

	if (file_name_parse(name, &number) != FILE_NAME_MANIFEST ||
	    number == s->manifest_number)
		return 0;
	path = file_name_path(s->place.dir, FILE_NAME_MANIFEST, number);
	/* What stays is unnamed; the next open tries again. */
	if (path)
		env_unlink(s->place.env, path);
	free(path);
	return 0;
}

/* The former manifest, and those that failed half way. */
static void
delete_stale_manifests(struct vset *s)
{
	env_list(s->place.env, s->place.dir, unlink_stale, s);
}

/* *doubtful on an error: recovery may find e. */
static int
begin_manifest(struct vset *s, const struct version *next, const struct edit *e,
    bool *doubtful)
{
	uint64_t number = vset_new_number(s);
	const struct wal_id id = {WAL_KIND_MANIFEST, number, s->salt};
	struct edit whole;
	struct wal *w;
	int err = vset_whole_after(s, next, e, &whole);

	*doubtful = false;
	if (err)
		return err;
	err = manifest_begin(&s->place, &id, &whole, &w, doubtful);
	edit_fini(&whole);
	if (err) {
		/* Nobody knows which of two is named: append to neither. */
		if (*doubtful)
			drop_manifest(s, true);
		return err;
	}
	drop_manifest(s, false);
	s->manifest = w;
	s->manifest_number = number;
	s->manifest_records = 1;
	s->manifest_first_bytes = wal_size(w);
	delete_stale_manifests(s);
	return 0;
}

static int
append_edit(struct vset *s, const struct edit *e, bool *doubtful)
{
	int err =
	    manifest_append(s->manifest, s->manifest_records + 1, e, doubtful);

	if (!err)
		s->manifest_records++;
	else if (*doubtful)
		drop_manifest(s, true);
	return err;
}

static bool
manifest_is_long(const struct vset *s)
{
	uint64_t size = wal_size(s->manifest);

	return size > atomic_load_explicit(
			  &s->manifest_bytes_max, memory_order_relaxed) &&
	       size / MANIFEST_GROWTH > s->manifest_first_bytes;
}

/* A long manifest is followed by a new one.  While that cannot be begun the
 * long one is as good as it was: the next edit tries again. */
static int
write_edit(struct vset *s, const struct version *next, const struct edit *e,
    bool *doubtful)
{
	int err;

	if (!s->manifest || manifest_is_long(s)) {
		err = begin_manifest(s, next, e, doubtful);
		if (!err || !s->manifest)
			return err;
	}
	return append_edit(s, e, doubtful);
}

static bool
has_number(const struct version *v, unsigned level, uint64_t number)
{
	for (size_t i = 0; i < v->levels[level].count; i++)
		if (v->levels[level].files[i]->number == number)
			return true;
	return false;
}

static bool
has_file(const struct version *v, uint64_t number)
{
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		if (has_number(v, i, number))
			return true;
	return false;
}

/* Deleted with the last reference.  Relaxed: that reference goes later, with
 * the release and acquire of version_file_unref. */
static void
make_obsolete(struct version_file *f)
{
	atomic_store_explicit(&f->obsolete, true, memory_order_relaxed);
}

/* A table that never was, or is not any more, has had value files of its own.
 * The log's are the log's to let go. */
static void
disown_values(const struct version *v, const struct version_file *f)
{
	for (size_t i = 0; f->values && i < f->value_refs.count; i++) {
		uint64_t file = f->value_refs.uses[i].file;

		if (vref_kind(file) == VREF_KIND_VALUES &&
		    !version_find_use(v, file))
			values_set_obsolete(f->values[i]);
	}
}

/*
 * The tables that e would have added are nobody's now, but for those that it
 * only moves.  If recovery may find e they must stay until a later edit is
 * durable, for it would miss them.
 */
static void
disown_adds(struct vset *s, struct edit *e, bool doubtful)
{
	for (size_t i = 0; i < e->add_count; i++) {
		struct version_file *f = e->adds[i].file;

		if (has_file(s->current, f->number))
			continue;
		if (!doubtful) {
			make_obsolete(f);
			disown_values(s->current, f);
			continue;
		}
		/* No memory: it stays on disk, and the next open deletes it. */
		if (edit_add_file(&s->doubtful, e->adds[i].level, f) < 0)
			continue;
	}
}

/* A new edit is durable: none that failed before can be found any more. */
static void
delete_doubtful(struct vset *s, const struct version *next)
{
	for (size_t i = 0; i < s->doubtful.add_count; i++) {
		struct version_file *f = s->doubtful.adds[i].file;

		if (has_file(next, f->number))
			continue;
		make_obsolete(f);
		disown_values(next, f);
	}
	edit_fini(&s->doubtful);
}

static struct version_file *
find_file(const struct version *v, const struct edit_remove *r)
{
	const struct version_level *l = &v->levels[r->level];

	size_t i = 0;

	while (i < l->count && l->files[i]->number != r->number)
		i++;
	must(i < l->count); /* version_build found it too */
	return l->files[i];
}

/* Files of values that no table refers to any more; one that is the log's as
 * well goes when the log has let go of it, too. */
static void
let_values_go(const struct version *old, const struct version *next)
{
	for (size_t i = 0; i < old->use_count; i++)
		if (!version_find_use(next, old->uses[i].file->file))
			values_set_obsolete(old->uses[i].file);
}

/* Nothing here can fail. */
static void
install_snapshots(struct vset *s, struct edit *e)
{
	const struct named *n;

	for (n = named_first(&e->drops); n; n = named_next(n))
		must(named_remove(&s->named, n->name) == 0);
	named_take(&s->named, &e->snapshots);
}

/* Takes the caller's reference to next, and e's snapshots. */
static void
install(struct vset *s, struct version *next, struct edit *e)
{
	struct version *old = s->current;

	lock_acquire(&s->current_lock);
	s->current = next;
	install_snapshots(s, e);
	lock_release(&s->current_lock);
	for (size_t i = 0; i < e->remove_count; i++)
		if (!has_file(next, e->removes[i].number))
			make_obsolete(find_file(old, &e->removes[i]));
	let_values_go(old, next);
	record(&s->log_number, e->log_number);
	record(&s->last_seq, e->last_seq);
	version_unref(old);
}

/* Drops come first: a snapshot may take the place of another. */
static int
check_snapshots(const struct vset *s, const struct edit *e)
{
	const struct named *n;

	for (n = named_first(&e->drops); n; n = named_next(n))
		if (!named_find(&s->named, n->name))
			return -ENOENT;
	for (n = named_first(&e->snapshots); n; n = named_next(n))
		if (named_find(&s->named, n->name) &&
		    !named_find(&e->drops, n->name))
			return -EEXIST;
	return 0;
}

static int
apply_in_turn(struct vset *s, struct edit *e)
{
	struct version *next;
	bool doubtful = false;
	int err = check_snapshots(s, e);

	if (!err)
		err = version_build(s->current, e, s->sink, &next);

	if (err)
		goto out;
	e->next_number = load(&s->next_number);
	for (size_t i = 0; i < e->add_count; i++)
		must(e->adds[i].file->number < e->next_number);
	err = write_edit(s, next, e, &doubtful);
	if (err) {
		version_unref(next);
		goto out;
	}
	delete_doubtful(s, next);
	install(s, next, e);
out:
	if (err)
		disown_adds(s, e, doubtful);
	return err;
}

int
vset_apply(struct vset *s, struct edit *e)
{
	int err;

	vset_turn_begin(s);
	err = apply_in_turn(s, e);
	vset_turn_end(s);
	return err;
}
