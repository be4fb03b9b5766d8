#include "engine/db/hint.h"

#include <stdlib.h>

#include "engine/db/db.h"
#include "engine/db/room.h"

/* Ranges that one hint tells at most. */
#define HINT_RANGES 64

struct hint {
	struct memtable *memtable; /* a reference */
	uint64_t seq;
	size_t count;
	uint64_t deletes;
	struct buf ranges; /* begin, end, begin, end: sized */
};

static struct hint *
hint_new(struct memtable *m, uint64_t seq)
{
	struct hint *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	memtable_ref(m);
	h->memtable = m;
	h->seq = seq;
	return h;
}

static void
hint_free(struct hint *h)
{
	if (!h)
		return;
	memtable_unref(h->memtable);
	buf_fini(&h->ranges);
	free(h);
}

void
hint_take(struct lsm *db)
{
	struct memtable_hints hints;
	struct hint *h;

	lock_assert_held(&db->write_lock);
	/* Acquire: the hint is whole. */
	h = atomic_exchange_explicit(&db->hint, NULL, memory_order_acquire);
	if (h && h->memtable == db->active) {
		hints = (struct memtable_hints){
		    h->seq, buf_bytes(&h->ranges), h->deletes};
		db->figures.range_hints +=
		    memtable_add_hints(h->memtable, &hints, db->next_seq - 1);
	}
	hint_free(h);
}

static void
hint_post(struct lsm *db, struct hint *h)
{
	struct hint *none = NULL;

	/* Release: whoever takes it finds it whole.  If there is one already,
	 * this one is not worth waiting for. */
	if (!atomic_compare_exchange_strong_explicit(&db->hint, &none, h,
		memory_order_release, memory_order_relaxed))
		hint_free(h);
	if (!lock_try(&db->write_lock))
		return;
	hint_take(db);
	room_want_spent(db);
	lock_release(&db->write_lock);
}

void
hint_add(
    struct hint_reader *r, struct bytes begin, struct bytes end, size_t deletes)
{
	struct hint *h = r->hint;
	size_t size;

	if (begin.size > LSM_KEY_MAX || end.size > LSM_KEY_MAX ||
	    !ranges_ends_behind(end, begin))
		return;
	if (!h)
		h = r->hint = hint_new(r->memtable, r->seq);
	if (!h)
		return;
	size = h->ranges.size;
	if (buf_append_sized(&h->ranges, begin) ||
	    buf_append_sized(&h->ranges, end))
		h->ranges.size = size;
	else
		h->deletes += deletes;
	if (h->ranges.size > size && ++h->count == HINT_RANGES)
		hint_flush(r);
}

void
hint_flush(struct hint_reader *r)
{
	if (r->hint)
		hint_post(r->db, r->hint);
	r->hint = NULL;
}

void
hint_drop(struct lsm *db)
{
	hint_free(
	    atomic_exchange_explicit(&db->hint, NULL, memory_order_acquire));
}
