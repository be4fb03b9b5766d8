#include "engine/table/merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/base/zalloc.h"
#include "engine/table/ikey.h"

/* A child in the heap; it is children[index]. */
struct merge_slot {
	struct iter *it;
	uint32_t index;
};

struct merge {
	struct iter iter; /* first */
	bool reverse;
	size_t count;
	struct iter **children; /* in the caller's order; behind heap */
	/* Those at an entry, as a binary heap: the one whose turn it is (the
	 * smallest, or the largest in reverse) first. */
	size_t heap_count;
	struct merge_slot heap[];
};

#define MERGE(it) ((struct merge *)(void *)(it))

/* Whether a's entry comes before b's. */
static inline bool
merge_before(const struct merge *m, struct merge_slot a, struct merge_slot b)
{
	int c = ikey_cmp(a.it->key, b.it->key);

	if (c == 0)
		c = a.index < b.index ? -1 : 1;
	return m->reverse ? c > 0 : c < 0;
}

/* Moves the child at place i down to where it belongs. */
static inline void
merge_sink(struct merge *m, size_t i)
{
	struct merge_slot moved = m->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < m->heap_count) {
		if (child + 1 < m->heap_count &&
		    merge_before(m, m->heap[child + 1], m->heap[child]))
			child++;
		if (!merge_before(m, m->heap[child], moved))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = moved;
}

/* Shows the entry whose turn it is: 1, or 0 if there is none. */
static inline int
merge_show(struct merge *m)
{
	const struct iter *top;

	if (m->heap_count == 0)
		return 0;
	top = m->heap[0].it;
	m->iter.key = top->key;
	m->iter.value = top->value;
	return 1;
}

/* An error of a child: the merge is at no entry. */
static int
merge_fail(struct merge *m, int err)
{
	m->heap_count = 0;
	return err;
}

/* Moves every child by move, then makes the heap. */
static int
merge_build(struct merge *m, bool reverse,
    int (*move)(struct merge *, uint32_t, const void *), const void *arg)
{
	int rc;

	m->reverse = reverse;
	m->heap_count = 0;
	for (uint32_t i = 0; i < m->count; i++) {
		rc = move(m, i, arg);
		if (rc < 0)
			return merge_fail(m, rc);
		if (rc > 0)
			m->heap[m->heap_count++] =
			    (struct merge_slot){m->children[i], i};
	}
	for (size_t i = m->heap_count / 2; i > 0; i--)
		merge_sink(m, i - 1);
	return merge_show(m);
}

static int
merge_move_first(struct merge *m, uint32_t i, const void *arg)
{
	(void)arg;
	return iter_first(m->children[i]);
}

static int
merge_move_last(struct merge *m, uint32_t i, const void *arg)
{
	(void)arg;
	return iter_last(m->children[i]);
}

static int
merge_move_seek(struct merge *m, uint32_t i, const void *arg)
{
	const struct bytes *target = arg;

	return iter_seek(m->children[i], *target);
}

static int
merge_first(struct iter *it)
{
	return merge_build(MERGE(it), false, merge_move_first, NULL);
}

static int
merge_last(struct iter *it)
{
	return merge_build(MERGE(it), true, merge_move_last, NULL);
}

static int
merge_seek(struct iter *it, struct bytes target)
{
	return merge_build(MERGE(it), false, merge_move_seek, &target);
}

/* --- the other direction ----------------------------------------------- */

/*
 * The present entry is child `top`'s.  The others are put where they would be
 * had the merge come from the other side; top itself stays, because its key is
 * the place.  Of entries that equal the present one, those of lower children
 * come before it and those of higher ones behind it.
 */
static int
merge_turn_child(struct merge *m, uint32_t i, const void *arg)
{
	const uint32_t *top = arg;
	struct iter *child = m->children[i];
	struct bytes key = m->children[*top]->key;
	bool before;
	int rc;

	if (i == *top)
		return 1;
	rc = iter_seek(child, key);
	if (rc < 0)
		return rc;
	before = rc > 0 && i < *top && ikey_cmp(child->key, key) == 0;
	if (!m->reverse)
		return before ? iter_next(child) : rc;
	if (before)
		return 1;
	rc = rc > 0 ? iter_prev(child) : iter_last(child);
	/* What came in behind the place since it was sought (a memtable grows),
	 * and what is too new for anybody and, where much is deleted, is met
	 * from one side only. */
	while (rc > 0 && ikey_cmp(child->key, key) > 0)
		rc = iter_prev(child);
	return rc;
}

static int
merge_turn(struct merge *m, bool reverse)
{
	uint32_t top = m->heap[0].index;
	int rc = merge_build(m, reverse, merge_turn_child, &top);

	/* The place itself comes first from either side, unless a child
	 * (from disk) is not in order. */
	if (rc == 1 && m->heap[0].index != top)
		return merge_fail(m, ERR_DAMAGED);
	return rc;
}

/* The top child has moved with this result. */
static inline int
merge_replace_top(struct merge *m, int rc)
{
	if (rc < 0)
		return merge_fail(m, rc);
	if (rc == 0)
		m->heap[0] = m->heap[--m->heap_count];
	if (m->heap_count > 1)
		merge_sink(m, 0);
	return merge_show(m);
}

static int
merge_next(struct iter *it)
{
	struct merge *m = MERGE(it);
	int rc;

	if (m->reverse) {
		rc = merge_turn(m, false);
		if (rc < 0)
			return rc;
	}
	return merge_replace_top(m, iter_next(m->heap[0].it));
}

static int
merge_prev(struct iter *it)
{
	struct merge *m = MERGE(it);
	int rc;

	if (!m->reverse) {
		rc = merge_turn(m, true);
		if (rc < 0)
			return rc;
	}
	return merge_replace_top(m, iter_prev(m->heap[0].it));
}

/* --- opening and closing ----------------------------------------------- */

static void
merge_close_children(struct iter **children, size_t count)
{
	for (size_t i = 0; i < count; i++)
		iter_close(children[i]);
}

static void
merge_close(struct iter *it)
{
	struct merge *m = MERGE(it);

	merge_close_children(m->children, m->count);
	free(m);
}

static const struct iter_ops merge_ops = {
    .first = merge_first,
    .last = merge_last,
    .seek = merge_seek,
    .next = merge_next,
    .prev = merge_prev,
    .close = merge_close,
};

int
merge_open(struct iter **children, size_t count, struct iter **out)
{
	struct merge *m;

	if (count == 1) {
		*out = children[0];
		return 0;
	}
	must(count <= UINT32_MAX);
	/* In one piece: an iterator may live for one seek only. */
	m = zalloc(
	    sizeof(*m) + count * (sizeof(m->heap[0]) + sizeof(m->children[0])));
	if (!m) {
		merge_close_children(children, count);
		return -ENOMEM;
	}
	m->iter.ops = &merge_ops;
	m->children = (void *)(m->heap + count);
	if (count > 0)
		memcpy(m->children, children, count * sizeof(struct iter *));
	m->count = count;
	*out = &m->iter;
	return 0;
}
