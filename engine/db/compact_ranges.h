/*
 * compact_ranges: the range tombstones of a flush or a compaction, on their
 * way through it.
 *
 * All of the inputs' are one set, of which each stripe (compact_filter) keeps
 * the newest.  Entries pass by in order: one that a tombstone of its own
 * stripe covers is hidden to everybody and dropped; but for deletes of single
 * keys as long as something older may stand deeper: they tell how much that is
 * (pick_deletes.h).  The tombstones themselves
 * are taken out in order, in step with the entries, cut where a table ends, so
 * that none reaches into the next table; one that everybody sees goes when
 * nothing that it hides can stand deeper.
 * Use: zeroed struct with what stands above the line; compact_ranges_begin;
 * for each entry compact_ranges_hides, and if it is kept: compact_ranges_next
 * up to it, compact_ranges_note; at the end compact_ranges_next up to the end;
 * compact_ranges_fini.
 * Threads: one.  Errors: -ENOMEM.
 */
#ifndef ENGINE_DB_COMPACT_RANGES_H
#define ENGINE_DB_COMPACT_RANGES_H

#include "engine/db/version.h"
#include "engine/table/ranges_build.h"

struct compact_ranges {
	/* set by the caller, constant */
	const uint64_t *snapshots; /* as in compact_filter */
	size_t snapshot_count;
	const struct version
	    *version;   /* NULL: something deeper may be hidden */
	unsigned below; /* levels that may hold something older, from here on */

	struct ranges *set; /* NULL: there are none */
	size_t here;        /* the first fragment behind the last entry */
	size_t next;        /* the first that was not taken out as a whole */
	bool cut;           /* and a part of it was: the rest begins at from */
	bool newer; /* an entry newer than it came into what is left of it */
	struct buf from;
	struct buf before; /* where the part taken last begins */
};

/* With the tombstones in b, whose groups are set here; their keys need not
 * stay. */
int compact_ranges_begin(struct compact_ranges *r, struct ranges_build *b);
void compact_ranges_fini(struct compact_ranges *r);

/* Entries come in order.  Nobody sees this one any more. */
bool compact_ranges_hides(struct compact_ranges *r, const struct ikey *key);

/* How compact_ranges_next treats one that reaches beyond where it shall end. */
enum compact_ranges_end {
	COMPACT_RANGES_WHOLE, /* is left for later */
	COMPACT_RANGES_CUT,   /* is cut there: a table ends */
};

/* The next one that begins before the user key `until` (data NULL: there is no
 * end): 1 and *out, valid until the next call; 0: there is none; <0. */
int compact_ranges_next(struct compact_ranges *r, struct bytes until,
    enum compact_ranges_end end, struct ranges_fragment *out);

/* An entry goes to the table into which the next one will go, too. */
void compact_ranges_note(struct compact_ranges *r, const struct ikey *key);

#endif
