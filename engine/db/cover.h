/*
 * cover: what the range tombstones of a view delete, for one that reads it at
 * one number; and iterators that leave out what is deleted.
 *
 * A view's iterators come newest first: memtables, tables of level 0, levels.
 * Of one key, what stands in a later one is older; that holds for range
 * tombstones, too.  So what covers a key in an iterator is that of the first
 * of those before it, or of itself, that has a tombstone there; if it is one
 * before it, everything in the range is passed over by seeking to the range's
 * end.  For it is deleted, whatever the tombstone's number, or it stands in the
 * one before, too, and is shown there if it is newer: between a flush and the
 * view without its memtable, a view may have both the memtable and its table.
 * Use: cover_open; cover_iter_open around each child; close them, cover_free.
 * The view must outlive it.
 * Threads: one at a time.
 */
#ifndef ENGINE_DB_COVER_H
#define ENGINE_DB_COVER_H

#include "engine/db/view.h"
#include "engine/table/iter.h"

struct cover;

/* *out is NULL if there is nothing that who reads at seq need look at. */
int cover_open(const struct view *v, uint64_t seq, struct cover **out);
void cover_free(struct cover *c);

/* How many entries its iterators have looked at and left out. */
uint64_t *cover_passed(struct cover *c);

/* What covers a key in one iterator. */
struct cover_answer {
	struct ranges_cover at;
	/* NULL: anything that stands there is passed over, and the number is
	 * the highest there is, or 0.  Else a tombstone of the
	 * iterator's own memtable or (look NULL) table. */
	const struct cover_source *own;
};

/* order: the iterator's number among those of the view. */
int cover_at(
    struct cover *c, size_t order, struct bytes key, struct cover_answer *out);

/* Takes *it, and puts in its place one without what is deleted; *it stays on
 * an error. */
int cover_iter_open(struct cover *c, size_t order, struct iter **it);

/* Keys of a source's memtable that have something newer than seq, as
 * memranges_next_newer and memranges_prev_newer; <0: it is a table's. */
int cover_next_newer(const struct cover_source *s, struct bytes target,
    uint64_t seq, struct bytes *out);
int cover_prev_newer(const struct cover_source *s, struct bytes target,
    uint64_t seq, struct bytes *out);

#endif
