/*
 * resolve: from entries with sequence numbers to what a reader sees: of each
 * user key the newest version at or below a number, if it is neither a
 * tombstone nor expired, within bounds, in both directions.
 *
 * Forward, the source stands at the present entry, and key and value are views
 * into it.  Backward, versions come oldest first, so the source stands at an
 * entry before those of the present key (or at none), and key and value are
 * copies.
 * Use: as struct iter; a failed or ended resolve stands nowhere.
 * Owns: nothing but its buffers; resolve_fini.
 */
#ifndef ENGINE_DB_RESOLVE_H
#define ENGINE_DB_RESOLVE_H

#include "engine/base/buf.h"
#include "engine/db/expiry.h"
#include "engine/table/iter.h"

/* Deletes in a row that are worth a word to others. */
#define RESOLVE_RUN_MIN 64

struct resolve {
	/* constant, set by the owner */
	struct iter *source;
	uint64_t seq; /* newer versions are not seen */
	struct bytes lower;
	struct bytes upper; /* exclusive; data NULL: none */

	/* So many deletes were found in a row: no key from begin to before end
	 * (no bytes: none) is there at seq.  NULL: nobody asks. */
	void (*gap)(
	    void *ctx, struct bytes begin, struct bytes end, size_t deletes);
	void *gap_ctx;

	struct expiry expiry; /* its clock: the owner sets env and dir */

	struct bytes key; /* the present entry */
	struct bytes value;
	bool is_reference;   /* value is: to a large one */
	uint64_t expires_ms; /* 0: never */
	bool at;             /* there is one */
	bool backward;
	bool source_at;       /* backward: the source stands at an entry */
	struct buf saved_key; /* forward: whose older versions are skipped */
	struct buf saved_value;
	struct buf target;
	uint64_t passed;     /* entries that were not seen, so far */
	size_t run;          /* deletes seen in a row */
	struct buf run_from; /* the first of them */
};

void resolve_fini(struct resolve *r);

/* 1, 0, <0 as in iter.h. */
int resolve_first(struct resolve *r);
int resolve_last(struct resolve *r);
int resolve_seek(struct resolve *r, struct bytes key);
int resolve_seek_back(struct resolve *r, struct bytes key);
int resolve_next(struct resolve *r); /* only when at an entry */
int resolve_prev(struct resolve *r);

#endif
