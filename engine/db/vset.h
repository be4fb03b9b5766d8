/*
 * vset: the current version and the named snapshots, and their manifest on
 * disk.
 *
 * vset_apply makes a change durable (manifest record, synced) and then
 * current.  A failed manifest write or sync is never repeated on that file:
 * the next apply begins a new manifest from memory.  CURRENT is switched by
 * writing a temporary file, syncing, renaming and syncing the directory.  One
 * that has grown long is followed by a new one in the same way, and stays in
 * use as long as that fails with nothing doubtful.
 * Threads: calls of vset_apply take turns (the lock, LOCK_RANK_DB_MANIFEST, is
 * not held across a sync); vset_current and numbers: any thread.
 * Errors: -errno; the version is unchanged then.
 */
#ifndef ENGINE_DB_VSET_H
#define ENGINE_DB_VSET_H

#include <stdatomic.h>

#include "engine/base/lock.h"
#include "engine/db/edit.h"
#include "engine/db/version.h"
#include "engine/table/wal.h"

struct vset {
	/* constant */
	struct version_place place;
	const struct err_sink *sink;
	uint64_t salt; /* of every log and manifest (engine/table/wal.h) */

	/* Below this many bytes a manifest is never too long.  Relaxed: tests
	 * change it while threads are at work. */
	_Atomic uint64_t manifest_bytes_max;

	struct lock manifest_lock; /* protects applying */
	struct lock_cond applied;
	bool applying; /* somebody has the turn */

	/* whoever has the turn */
	struct wal *manifest; /* NULL: begin a new one */
	uint64_t manifest_number;
	uint64_t manifest_records;
	uint64_t manifest_first_bytes; /* size with its first record */
	struct edit doubtful;   /* adds of edits that failed, see vset_apply */
	bool manifest_doubtful; /* nobody knows what it says */

	_Atomic uint64_t next_number;
	_Atomic uint64_t log_number; /* recorded */
	_Atomic uint64_t last_seq;   /* recorded */

	struct lock current_lock; /* rank TABLES */
	struct version *current;
	/* Changed by who has the turn, under current_lock: who has one of them
	 * may read. */
	struct named_set named;
};

/* A new store: writes an empty manifest and CURRENT, all synced.  Before
 * anything else is written to the directory. */
int vset_create(
    struct vset *s, const struct version_place *p, const struct err_sink *sink);

/*
 * Reads CURRENT and its manifest, and marks every number found in the
 * directory as used.  -ENOENT: there is no store (no CURRENT, nor logs nor
 * tables).  Every damage is an error with a message, also a table that is
 * missing or of another size, and a number from which counting on would come to
 * an end.  The first vset_apply begins a new manifest.
 */
int vset_recover(
    struct vset *s, const struct version_place *p, const struct err_sink *sink);

/* Nobody may be in a call.  After an error of create and recover s needs no
 * vset_fini. */
void vset_fini(struct vset *s);

/* A number nobody has used. */
uint64_t vset_new_number(struct vset *s);

/* A number found on disk is used. */
void vset_mark_number(struct vset *s, uint64_t number);

/* The current version with a reference. */
struct version *vset_current(struct vset *s);

/*
 * Durable, then current.  The files that e adds must be synced before, and so
 * must their directory, and the log up to the number of its snapshots.
 * Removed files become obsolete (deleted with their last
 * reference).  e->log_number and e->last_seq are taken over, e->next_number is
 * set here.  -EEXIST: it makes a snapshot that is there; -ENOENT: it drops one
 * that is not.
 * On an error the new files of e are vset's to delete: at once if the edit
 * cannot have reached the disk, else not before a later edit is durable, for
 * recovery may find this one.  A next try writes tables of its own.
 */
int vset_apply(struct vset *s, struct edit *e);

/* Everything there is, as an edit that makes it out of nothing; its files stay
 * as long as it does. */
int vset_whole(struct vset *s, struct edit *out);

/* As it will be after e, which leads to v.  For who has the turn. */
int vset_whole_after(struct vset *s, const struct version *v,
    const struct edit *e, struct edit *out);

/* Reads the manifest again: an error, with one line to sink (but -ENOMEM), if
 * it does not say what is in memory.  The line comes within the turn. */
int vset_check(struct vset *s, const struct err_sink *sink);

/* Waits for the turn to change what is recorded, and gives it back. */
void vset_turn_begin(struct vset *s);
void vset_turn_end(struct vset *s);

/* Deletes files in the directory that nothing names: tables of no version,
 * manifests but the current, temporary files.  Logs below log_number. Only
 * after recovery and after the logs were found to follow the tables without a
 * gap, before anything writes. */
int vset_delete_unnamed(struct vset *s);

#endif
