/*
 * iter: iterators over the store (lsm_iter_*): the memtables and tables of a
 * view merged, at one sequence number.  The view is pinned until close.  Large
 * values are read when the iterator comes to them, unless only keys are wanted.
 */
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/base/zalloc.h"
#include "engine/db/cover.h"
#include "engine/db/db.h"
#include "engine/db/hint.h"
#include "engine/db/resolve.h"
#include "engine/db/value_read.h"
#include "engine/table/merge.h"

/* So many iterators to merge are listed on the stack. */
#define ITER_FEW 16

struct lsm_iter {
	struct view *view;
	struct cover *cover; /* NULL: no range tombstones */
	struct hint_reader hints;
	struct resolve resolve;
	struct buf lower;
	struct buf upper;

	struct values *values;
	bool keys_only;
	/* The present value, if it is a large one: in the cache or in room. */
	struct bytes large;
	struct cache_block *large_pin;
	struct buf large_room;
};

static int
iter_add_memtable(struct memtable *m, struct iter **children, size_t *count)
{
	int err = memtable_iter_open(m, &children[*count]);

	if (!err)
		(*count)++;
	return err;
}

/* Newest first: of equal entries the first child's wins. */
static int
iter_add_children(
    struct view *v, bool fill, struct iter **children, size_t *count)
{
	int err = iter_add_memtable(v->active, children, count);

	for (size_t i = 0; !err && i < v->full_count; i++)
		err = iter_add_memtable(v->full[i], children, count);
	return err ? err : version_iters(v->version, fill, children, count);
}

/* Without what range tombstones delete. */
static int
iter_cover(struct lsm_iter *it, struct iter **children, size_t count)
{
	int err = cover_open(it->view, it->resolve.seq, &it->cover);

	for (size_t i = 0; !err && it->cover && i < count; i++)
		err = cover_iter_open(it->cover, i, &children[i]);
	return err;
}

static int
iter_merge(struct lsm_iter *it, bool fill, struct iter **out)
{
	const struct view *v = it->view;
	size_t max = 1 + v->full_count + version_iter_count(v->version);
	struct iter *few[ITER_FEW], **children = few;
	size_t count = 0;
	int err;

	if (max > ITER_FEW)
		children = malloc(max * sizeof(struct iter *));
	if (!children)
		return -ENOMEM;
	err = iter_add_children(it->view, fill, children, &count);
	if (!err)
		err = iter_cover(it, children, count);
	if (!err) {
		err = merge_open(children, count, out);
	} else {
		for (size_t i = 0; i < count; i++)
			iter_close(children[i]);
	}
	if (children != few)
		free(children);
	return err;
}

static int
iter_set_bounds(struct lsm_iter *it, const struct lsm_iter_options *o)
{
	int err = buf_assign(&it->lower, o->lower);

	/* Room for one: an empty upper bound is a bound. */
	if (!err && o->upper.data)
		err = buf_reserve(&it->upper, o->upper.size + 1);
	if (!err)
		err = buf_append_bytes(&it->upper, o->upper);
	if (err)
		return err;
	it->resolve.lower = buf_bytes(&it->lower);
	if (o->upper.data)
		it->resolve.upper = buf_bytes(&it->upper);
	return 0;
}

/* Others shall not walk through all of it again. */
static void
iter_gap(void *ctx, struct bytes begin, struct bytes end, size_t deletes)
{
	struct lsm_iter *it = ctx;

	hint_add(&it->hints, begin, end, deletes);
}

int
lsm_iter_open(
    struct lsm *db, const struct lsm_iter_options *o, struct lsm_iter **out)
{
	static const struct lsm_iter_options all;
	struct lsm_iter *it = zalloc(sizeof(*it));
	int err;

	if (!it)
		return -ENOMEM;
	if (!o)
		o = &all;
	/* In this order, see view.h. */
	it->view = view_get(db);
	it->resolve.expiry = (struct expiry){.env = db->env, .dir = db->dir};
	it->resolve.seq = o->snapshot ? o->snapshot->seq : lsm_seq(db);
	it->hints = (struct hint_reader){
	    .db = db,
	    .memtable = it->view->active,
	    .seq = it->resolve.seq,
	};
	if (!o->snapshot) {
		it->resolve.gap = iter_gap;
		it->resolve.gap_ctx = it;
	}
	it->values = &db->values;
	it->keys_only = o->keys_only;
	err = iter_set_bounds(it, o);
	if (!err)
		err = iter_merge(it, !o->no_fill, &it->resolve.source);
	if (err) {
		lsm_iter_close(it);
		return err;
	}
	counter_add(&db->counters.iterators, 1);
	*out = it;
	return 0;
}

static void
iter_drop_large(struct lsm_iter *it)
{
	if (it->large.size == 0)
		return;
	if (it->large_pin)
		cache_unref(it->large_pin);
	it->large_pin = NULL;
	it->large = bytes_of(NULL, 0);
}

/* A move has ended, rc is what it said: with the value if it is elsewhere. */
static int
iter_moved(struct lsm_iter *it, int rc)
{
	int err;

	iter_drop_large(it);
	if (rc == 0)
		hint_flush(&it->hints);
	if (rc <= 0 || it->keys_only || !it->resolve.is_reference)
		return rc;
	err = value_read_passing(it->values, it->resolve.value, &it->large_room,
	    &it->large_pin, &it->large);
	if (!err)
		return rc;
	it->resolve.at = false;
	return err;
}

static void
iter_count(const struct lsm_iter *it)
{
	uint64_t passed = it->resolve.passed;

	if (it->cover)
		passed += *cover_passed(it->cover);
	if (passed > 0)
		counter_add(&it->hints.db->counters.entries_passed, passed);
}

void
lsm_iter_close(struct lsm_iter *it)
{
	if (!it)
		return;
	iter_count(it);
	hint_flush(&it->hints);
	iter_drop_large(it);
	buf_fini(&it->large_room);
	iter_close(it->resolve.source);
	cover_free(it->cover);
	resolve_fini(&it->resolve);
	buf_fini(&it->lower);
	buf_fini(&it->upper);
	view_unref(it->view);
	free(it);
}

int
lsm_iter_first(struct lsm_iter *it)
{
	return iter_moved(it, resolve_first(&it->resolve));
}

int
lsm_iter_last(struct lsm_iter *it)
{
	return iter_moved(it, resolve_last(&it->resolve));
}

int
lsm_iter_seek(struct lsm_iter *it, struct bytes key)
{
	return iter_moved(it, resolve_seek(&it->resolve, key));
}

int
lsm_iter_seek_back(struct lsm_iter *it, struct bytes key)
{
	return iter_moved(it, resolve_seek_back(&it->resolve, key));
}

int
lsm_iter_next(struct lsm_iter *it)
{
	return iter_moved(it, resolve_next(&it->resolve));
}

int
lsm_iter_prev(struct lsm_iter *it)
{
	return iter_moved(it, resolve_prev(&it->resolve));
}

struct bytes
lsm_iter_key(const struct lsm_iter *it)
{
	must(it->resolve.at);
	return it->resolve.key;
}

struct bytes
lsm_iter_value(const struct lsm_iter *it)
{
	must(it->resolve.at);
	if (it->keys_only)
		return bytes_of("", 0);
	return it->large.size > 0 ? it->large : it->resolve.value;
}

uint64_t
lsm_iter_expires(const struct lsm_iter *it)
{
	must(it->resolve.at);
	return it->resolve.expires_ms;
}
