/*
 * compact: merging tables into the next level.
 *
 * compact_run reads the inputs of a pick and writes new tables: of each user
 * key the newest version, and for each snapshot the newest it can see; a
 * tombstone goes when no snapshot needs it and nothing older can stand deeper.
 * What a range tombstone covers for everybody goes, and range tombstones are
 * cut where the outputs are (compact_ranges.h).
 * A value that has expired becomes a tombstone first.  Large values stay where
 * they are, and references to them go along, but for files that are to be
 * emptied (collect.h).
 * Output tables are cut at table_bytes, never inside a user key, and where one
 * would overlap too much of the level after.
 * Outputs and their names in the directory are on stable storage when
 * compact_run returns, so that the edit may be applied at once.  A pick that
 * is trivial makes an edit that moves the files, without reading them.
 * A large compaction is done in pieces, ranges of keys, by several threads.
 * Threads: runs on a background thread, with the help of others; nothing is
 * locked while it runs.
 * Errors: -ECANCELED when *stop was set; outputs are removed on any error.
 * Fewer or more entries than the inputs are known to have is ERR_DAMAGED: no
 * input is given up for a part of it.
 */
#ifndef ENGINE_DB_COMPACT_H
#define ENGINE_DB_COMPACT_H

#include "engine/db/edit.h"
#include "engine/db/expiry.h"
#include "engine/db/pick.h"
#include "engine/db/vset.h"
#include "engine/db/work.h"
#include "engine/table/iter.h"

struct compact_job {
	struct vset *vset;
	const struct lsm_options *options;
	struct version *version; /* of which the pick is */
	const struct pick *pick;
	/* Sequence numbers of live snapshots, ascending, taken together with
	 * the version; the newest visible number counts as the last one. */
	const uint64_t *snapshots;
	size_t snapshot_count;
	/* Files whose values are moved to new ones; NULL: none. */
	const struct vref_list *plan;
	/* Whose threads do pieces of a large one; NULL: nobody's. */
	struct work *helpers;
	atomic_bool *stop;
	/* How many of pick->bytes are done, growing, told by the thread that
	 * called; may be NULL. */
	void (*progress)(void *ctx, uint64_t bytes);
	void *progress_ctx;
	uint64_t bytes_written; /* out */
	uint64_t expired;       /* out: values whose time was over */
	uint64_t moved;         /* out: bytes of values moved */
	unsigned pieces;        /* out: 0 if nothing was merged */
};

/* Fills *out (zeroed: removes inputs, adds outputs), untouched on error; the
 * caller applies and finishes it. */
int compact_run(struct compact_job *job, struct edit *out);

/* An entry on its way to an output. */
struct compact_entry {
	struct ikey key;
	struct bytes ikey;
	struct bytes value;
};

/*
 * The rule by itself: called with the versions of keys in ikey order, says
 * whether an entry is dropped.  A stripe is the sequence numbers above one
 * snapshot up to the next; of a key's versions in a stripe only the newest is
 * visible to anybody.  Above the last one new snapshots may come: all stay.
 */
struct compact_filter {
	const uint64_t *snapshots;
	size_t snapshot_count;
	struct expiry expiry; /* its clock: the owner sets env and dir */
	uint64_t expired;     /* how many became deletes */
	struct buf buried;    /* the ikey of the last one that did */
	struct buf user;      /* the key of the last entry */
	bool has_user;
	bool new_user;      /* the last entry was the first one of its key */
	size_t last_stripe; /* of the last entry */
};
void compact_filter_fini(struct compact_filter *f);

/* How many of these snapshots do not see seq: 0 is the oldest stripe, count is
 * above all of them. */
size_t compact_filter_stripe(
    const uint64_t *snapshots, size_t count, uint64_t seq);

/* The entry where `it` stands; one that has expired is a delete from here on.
 * Valid until the next call and while `it` stays.  ERR_DAMAGED with a message.
 */
int compact_filter_take(
    struct compact_filter *f, const struct iter *it, struct compact_entry *out);

/* 1 drop, 0 keep, <0.  deeper: something older may stand below the output
 * (asked for deletes only). */
int compact_filter_drop(
    struct compact_filter *f, const struct ikey *key, bool deeper);

#endif
