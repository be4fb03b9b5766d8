#include "engine/db/view.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"

static inline struct view *
view_of(struct pin *p)
{
	return (struct view *)(void *)p;
}

struct view *
view_get(struct lsm *db)
{
	return view_of(pin_slot_get(&db->view_slot));
}

static void
view_free(struct view *v)
{
	if (v->active)
		memtable_unref(v->active);
	for (size_t i = 0; i < v->full_count; i++)
		memtable_unref(v->full[i]);
	if (v->version)
		version_unref(v->version);
	free(v);
}

void
view_unref(struct view *v)
{
	if (v && pin_unref(&v->pin))
		view_free(v);
}

void
view_put(struct lsm *db, struct view *v)
{
	if (pin_slot_put(&db->view_slot, &v->pin))
		view_free(v);
}

struct view *
view_new(size_t full_max)
{
	struct view *v;

	v = calloc(1, sizeof(*v) + full_max * sizeof(struct memtable *));
	if (!v)
		return NULL;
	pin_init(&v->pin);
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
	db->view = v;
	return view_of(pin_slot_replace(&db->view_slot, v ? &v->pin : NULL));
}

void
view_begin(struct lsm *db, struct view *v)
{
	must(!db->view);
	throttle_look(
	    &db->throttle, v->full_count, v->version->levels[0].count);
	view_install(db, v);
}

void
view_end(struct lsm *db)
{
	view_unref(view_install(db, NULL));
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
	throttle_look(
	    &db->throttle, v->full_count, v->version->levels[0].count);
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
	throttle_look(
	    &db->throttle, v->full_count, v->version->levels[0].count);
	return view_install(db, v);
}
