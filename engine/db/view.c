#include "engine/db/view.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"

struct view *
view_get(struct lsm *db)
{
	struct view *v;

	lock_acquire(&db->state_lock);
	v = db->view;
	/* Relaxed: the lock orders it against the view's replacement. */
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	lock_release(&db->state_lock);
	return v;
}

void
view_unref(struct view *v)
{
	/* acq_rel: reads through the view come before its memory is freed. */
	if (!v ||
	    atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (v->active)
		memtable_unref(v->active);
	for (size_t i = 0; i < v->full_count; i++)
		memtable_unref(v->full[i]);
	if (v->version)
		version_unref(v->version);
	free(v);
}

struct view *
view_new(size_t full_max)
{
	struct view *v;

	v = calloc(1, sizeof(*v) + full_max * sizeof(struct memtable *));
	if (!v)
		return NULL;
	atomic_init(&v->refs, 1);
	v->full_max = full_max;
	return v;
}

static void
view_push_full(struct view *v, struct memtable *m)
{
	must(v->full_count < v->full_max);
	memtable_ref(m);
	v->full[v->full_count++] = m;
}

static struct view *
view_install(struct lsm *db, struct view *v)
{
	struct view *old = db->view;

	db->view = v;
	return old;
}

struct view *
view_rotate(struct lsm *db, struct view *v, struct memtable *active)
{
	const struct view *old = db->view;

	lock_assert_held(&db->state_lock);
	v->active = active;
	view_push_full(v, old->active);
	for (size_t i = 0; i < old->full_count; i++)
		view_push_full(v, old->full[i]);
	v->version = old->version;
	version_ref(v->version);
	return view_install(db, v);
}

struct view *
view_renew(struct lsm *db, struct view *v, bool flushed)
{
	const struct view *old = db->view;
	size_t count = old->full_count - (flushed ? 1 : 0);

	lock_assert_held(&db->state_lock);
	must(!flushed || old->full_count > 0);
	v->active = old->active;
	memtable_ref(v->active);
	for (size_t i = 0; i < count; i++)
		view_push_full(v, old->full[i]);
	v->version = vset_current(&db->vset);
	return view_install(db, v);
}
