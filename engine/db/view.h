/*
 * view: what readers see: memtables and a version, all pinned together.
 *
 * Immutable.  A new one takes its place when the memtable is full, when one
 * has been flushed, and after a compaction.
 * Use: view_get ... view_unref.  A reader takes the view BEFORE it loads
 * db->written: the other way round a compaction in between could have dropped
 * what that number must see.
 * Threads: any.  Taking the view and dropping it is one atomic operation each,
 * and no lock (engine/base/pin.h).  db->state_lock is held by who replaces it;
 * whoever else holds that lock may use db->view without a reference.
 */
#ifndef ENGINE_DB_VIEW_H
#define ENGINE_DB_VIEW_H

#include <stdint.h>

#include "engine/base/pin.h"
#include "engine/db/memtable.h"
#include "engine/db/version.h"

struct lsm;

struct view {
	struct pin pin; /* first */
	struct memtable *active;
	struct version *version;
	size_t full_count;
	size_t full_max;
	struct memtable *full[]; /* waiting to be flushed; newest first */
};

/* The present view with a reference. */
struct view *view_get(struct lsm *db);
void view_unref(struct view *v);

/* As view_unref, of one that view_get gave to this thread a moment ago. */
void view_put(struct lsm *db, struct view *v);

/* Makes v (a reference) the first view, before anybody reads.  And the end:
 * nobody reads any more; there may be none. */
void view_begin(struct lsm *db, struct view *v);
void view_end(struct lsm *db);

/* An empty one with room for full_max full memtables, for those below. NULL:
 * no memory. */
struct view *view_new(size_t full_max);

/*
 * Make v the present view.  They cannot fail; the view that was is returned,
 * to be given to view_unref outside the lock.  Caller holds db->state_lock.
 */

/* The active memtable becomes full, `active` (a reference) takes its place. */
struct view *view_rotate(
    struct lsm *db, struct view *v, struct memtable *active);

/* The current version; without the oldest full memtable, if flushed. */
struct view *view_renew(struct lsm *db, struct view *v, bool flushed);

#endif
