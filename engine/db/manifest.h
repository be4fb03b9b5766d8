/*
 * manifest: the file of edits that CURRENT names.
 *
 * Format (docs/SPEC.md): a wal file of kind WAL_KIND_MANIFEST, one edit a
 * record.  The first record is the whole state.  Record n has sequence number
 * n and promises that record n - 1 was durable, as it was: damage before the
 * last record is told from a torn tail.  Its header is where the store's salt
 * is kept (engine/table/wal.h).
 * Threads: one at a time.
 */
#ifndef ENGINE_DB_MANIFEST_H
#define ENGINE_DB_MANIFEST_H

#include "engine/db/edit.h"
#include "engine/table/wal.h"

/*
 * A new manifest that begins with `whole`, and CURRENT names it: all on stable
 * storage.  On an error *named says whether CURRENT may name it now or after a
 * power cut (if not, it is removed again).
 */
int manifest_begin(const struct version_place *p, const struct wal_id *id,
    const struct edit *whole, struct wal **out, bool *named);

/* Record `number` (the first is 1): durable when it returns.  On an error
 * *doubtful says whether recovery may find the record all the same: then the
 * file takes no more; if not, it is as it was. */
int manifest_append(
    struct wal *w, uint64_t number, const struct edit *e, bool *doubtful);

struct manifest_state {
	uint64_t number;
	uint64_t salt;     /* as its header has it */
	struct edit whole; /* the sum of its edits; files have their place */
};

/*
 * Before manifest_read of an earlier process's files: makes durable what they
 * say, and all names in the directory, before anything is done on the strength
 * of them.  After kill -9, or after a sync that failed, it may be in the
 * kernel's memory only.  -ENOENT: there is no CURRENT.
 */
int manifest_read_settle(
    const struct version_place *p, const struct err_sink *sink);

/*
 * The state that CURRENT's manifest records; every table is there with the
 * right size.  -ENOENT: there is no CURRENT.  Any damage is an error with a
 * message to sink or env's.  The caller finishes out->whole.
 */
int manifest_read(const struct version_place *p, const struct err_sink *sink,
    struct manifest_state *out);

#endif
