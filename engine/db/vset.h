/*
 * vset: the current version, and its manifest on disk.
 *
 * vset_apply makes a change durable (manifest record, synced) and then
 * current.  A failed manifest write or sync is never repeated on that file:
 * the next apply begins a new manifest from memory.  CURRENT is switched by
 * writing a temporary file, syncing, renaming and syncing the directory.
 * Threads: vset_apply is serialized by its own lock (LOCK_RANK_DB_MANIFEST);
 * vset_current and numbers: any thread.
 * Errors: -errno; the version is unchanged then.
 */
#ifndef ENGINE_DB_VSET_H
#define ENGINE_DB_VSET_H

#include "engine/base/lock.h"
#include "engine/db/edit.h"
#include "engine/db/version.h"
#include "engine/table/wal.h"

struct vset {
	struct version_place place; /* constant */
	const struct err_sink *sink;

	struct lock manifest_lock;
	struct wal *manifest; /* NULL: begin a new one */
	uint64_t manifest_number;
	uint64_t manifest_records;
	uint64_t last_seq; /* recorded */

	_Atomic uint64_t next_number;
	_Atomic uint64_t log_number;

	struct lock current_lock; /* rank TABLES: holds nothing else */
	struct version *current;
};

/* A new store: writes an empty manifest and CURRENT, all synced. */
int vset_create(struct vset *s, const struct version_place *p,
    const struct err_sink *sink);

/*
 * Reads CURRENT and its manifest.  -ENOENT: there is no CURRENT.  Every damage
 * is an error with a message.  The first vset_apply begins a new manifest.
 */
int vset_recover(struct vset *s, const struct version_place *p,
    const struct err_sink *sink);
void vset_fini(struct vset *s);

/* A number nobody has used. */
uint64_t vset_new_number(struct vset *s);

/* A number found on disk is used. */
void vset_mark_number(struct vset *s, uint64_t number);

/* The current version with a reference. */
struct version *vset_current(struct vset *s);

/* Durable, then current.  Removed files become obsolete (deleted with their
 * last reference).  e->log_number and e->last_seq are taken over. */
int vset_apply(struct vset *s, struct edit *e);

/* Deletes files in the directory that nothing names: tables of no version,
 * manifests but the current, temporary files.  Logs below log_number. Only
 * right after recovery, before anything writes. */
int vset_delete_unnamed(struct vset *s);

#endif
