/* Iterators that leave out what range tombstones delete (cover.h). */
#include <stdlib.h>

#include "engine/db/cover.h"

/* Deleted entries that are stepped over before a seek is cheaper.  After a seek
 * it is one, for the next ones may be as many. */
#define COVER_STEPS_MAX 8

struct cover_iter {
	struct iter iter;
	struct iter *child;
	struct cover *cover;
	size_t order;
	bool known;
	struct cover_answer found; /* of the place looked at last */
	unsigned steps_max;
	struct buf target;
};

static struct cover_iter *
iter_of(struct iter *it)
{
	return (struct cover_iter *)(void *)it;
}

/* Whether the entry where the child stands is deleted: 1, 0, <0. */
static int
is_deleted(struct cover_iter *ci)
{
	struct bytes user = ikey_user(ci->child->key);
	const struct ranges_cover *at = &ci->found.at;
	int err;

	if (!ci->known || bytes_cmp(at->begin, user) > 0 ||
	    !ranges_ends_behind(at->end, user)) {
		err = cover_at(ci->cover, ci->order, user, &ci->found);
		ci->known = !err;
		if (err)
			return err;
	}
	/* An entry of the same number is a delete, under a hint (hint.h); it
	 * has to count as what is passed over by seeking. */
	return ikey_trailer(ci->child->key) >> 8 <= at->seq;
}

static int
seek(
    struct cover_iter *ci, struct bytes user, uint64_t seq, enum ikey_kind kind)
{
	int err;

	buf_clear(&ci->target);
	err = ikey_append(&ci->target, user, seq, kind);
	return err ? err : iter_seek(ci->child, buf_bytes(&ci->target));
}

/* To the first entry of keys >= user. */
static int
seek_at(struct cover_iter *ci, struct bytes user)
{
	return seek(ci, user, IKEY_SEQ_MAX, IKEY_KIND_SEEK);
}

/* To the last entry of keys < user (or <=: numbers begin at 1, so nothing
 * stands at the number 0). */
static int
seek_before(struct cover_iter *ci, struct bytes user, bool or_equal)
{
	int rc =
	    or_equal ? seek(ci, user, 0, IKEY_KIND_DELETE) : seek_at(ci, user);

	if (rc < 0)
		return rc;
	return rc > 0 ? iter_prev(ci->child) : iter_last(ci->child);
}

/* The first key behind the present one, or the last one up to it, at which
 * something in its own memtable is newer than the tombstone: 1, 0, <0 if nobody
 * knows. */
static int
newer_key(struct cover_iter *ci, bool back, struct bytes *out)
{
	const struct cover_answer *a = &ci->found;
	int err;

	buf_clear(&ci->target);
	err = ikey_append(
	    &ci->target, ikey_user(ci->child->key), 0, IKEY_KIND_DELETE);
	if (err)
		return err;
	return (back ? cover_prev_newer : cover_next_newer)(
	    a->own, buf_bytes(&ci->target), a->at.seq, out);
}

/* From a deleted entry on to the next that may not be. */
static int
pass(struct cover_iter *ci)
{
	struct ranges_cover at = ci->found.at;
	struct bytes key;
	int rc = 0;

	if (ci->found.own && !at.clean) {
		rc = newer_key(ci, false, &key);
		if (rc < 0)
			return iter_next(ci->child);
	}
	if (rc > 0 && ranges_ends_behind(at.end, key))
		return seek_at(ci, key);
	return at.end.size > 0 ? seek_at(ci, at.end) : 0;
}

static int
pass_back(struct cover_iter *ci)
{
	struct ranges_cover at = ci->found.at;
	struct bytes key;
	int rc = 0;

	if (ci->found.own && !at.clean) {
		rc = newer_key(ci, true, &key);
		/* Versions of a key come oldest first. */
		if (rc < 0 ||
		    (rc > 0 && bytes_eq(key, ikey_user(ci->child->key))))
			return iter_prev(ci->child);
	}
	if (rc > 0 && bytes_cmp(key, at.begin) >= 0)
		return seek_before(ci, key, true);
	return at.begin.size > 0 ? seek_before(ci, at.begin, false) : 0;
}

static int
show(struct cover_iter *ci)
{
	ci->iter.key = ci->child->key;
	ci->iter.value = ci->child->value;
	return 1;
}

static int
move(struct cover_iter *ci, bool back, unsigned steps)
{
	if (steps > ci->steps_max) {
		ci->steps_max = 1;
		return back ? pass_back(ci) : pass(ci);
	}
	return back ? iter_prev(ci->child) : iter_next(ci->child);
}

/* From where the child stands (rc is what moving it said) on to an entry that
 * is there. */
static int
skip(struct cover_iter *ci, bool back, int rc)
{
	unsigned steps = 0;
	int deleted;

	for (; rc > 0; rc = move(ci, back, ++steps)) {
		deleted = is_deleted(ci);
		if (deleted < 0)
			return deleted;
		if (!deleted) {
			if (steps == 1)
				ci->steps_max = COVER_STEPS_MAX;
			return show(ci);
		}
		++*cover_passed(ci->cover);
	}
	return rc;
}

static int
forward(struct cover_iter *ci, int rc)
{
	return skip(ci, false, rc);
}

static int
backward(struct cover_iter *ci, int rc)
{
	return skip(ci, true, rc);
}

static int
cover_first(struct iter *it)
{
	return forward(iter_of(it), iter_first(iter_of(it)->child));
}

static int
cover_last(struct iter *it)
{
	return backward(iter_of(it), iter_last(iter_of(it)->child));
}

static int
cover_seek(struct iter *it, struct bytes ikey)
{
	return forward(iter_of(it), iter_seek(iter_of(it)->child, ikey));
}

static int
cover_next(struct iter *it)
{
	return forward(iter_of(it), iter_next(iter_of(it)->child));
}

static int
cover_prev(struct iter *it)
{
	return backward(iter_of(it), iter_prev(iter_of(it)->child));
}

static void
cover_close(struct iter *it)
{
	struct cover_iter *ci = iter_of(it);

	iter_close(ci->child);
	buf_fini(&ci->target);
	free(ci);
}

static const struct iter_ops cover_ops = {
    .first = cover_first,
    .last = cover_last,
    .seek = cover_seek,
    .next = cover_next,
    .prev = cover_prev,
    .close = cover_close,
};

int
cover_iter_open(struct cover *c, size_t order, struct iter **it)
{
	struct cover_iter *ci = calloc(1, sizeof(*ci));

	if (!ci)
		return -ENOMEM;
	ci->iter.ops = &cover_ops;
	ci->child = *it;
	ci->cover = c;
	ci->order = order;
	ci->steps_max = COVER_STEPS_MAX;
	*it = &ci->iter;
	return 0;
}
