/*
 * iter: the iterator that everything sorted offers inside the engine.
 *
 * Use: a concrete iterator embeds struct iter first.  After a call that
 * returned 1, key and value are set and stay valid until the next call; after
 * 0 (past either end) or <0 (error) the iterator is at no entry, and only
 * seek, first and last are allowed.  Keys are encoded ikeys in ikey_cmp order.
 * next and prev may be called only at an entry.  The direction may change at
 * any time.  What is sought must not lie in the iterator (its own key, say).
 * Threads: one at a time.
 */
#ifndef ENGINE_TABLE_ITER_H
#define ENGINE_TABLE_ITER_H

#include "engine/base/bytes.h"

struct iter;

struct iter_ops {
	int (*first)(struct iter *);
	int (*last)(struct iter *);
	int (*seek)(struct iter *, struct bytes ikey); /* first >= ikey */
	int (*next)(struct iter *);
	int (*prev)(struct iter *);
	void (*close)(struct iter *); /* frees it */
};

struct iter {
	const struct iter_ops *ops;
	struct bytes key;
	struct bytes value;
};

static inline int
iter_first(struct iter *it)
{
	return it->ops->first(it);
}

static inline int
iter_last(struct iter *it)
{
	return it->ops->last(it);
}

static inline int
iter_seek(struct iter *it, struct bytes ikey)
{
	return it->ops->seek(it, ikey);
}

static inline int
iter_next(struct iter *it)
{
	return it->ops->next(it);
}

static inline int
iter_prev(struct iter *it)
{
	return it->ops->prev(it);
}

static inline void
iter_close(struct iter *it)
{
	if (it)
		it->ops->close(it);
}

#endif
