/*
 * segment: the files of the log that hold what is not in tables yet.
 *
 * What is in a memtable is in one segment or in several that follow one
 * another; the memtable has the number of the first.  The last one in the list
 * is being written.  A segment begins in a spare (spare.h) if one is ready,
 * else in a new file, which grows.  It leaves the list when its memtable is in
 * a table; its file is deleted then or becomes a spare.
 * Owns: segments are counted; the list has one reference, a sync in progress
 * another.
 * Threads: the list is protected by db->sync_lock; segment_begin and
 * segment_sync run without it.
 */
#ifndef ENGINE_DB_SEGMENT_H
#define ENGINE_DB_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "engine/table/wal.h"

struct lsm;
struct memtable;
struct value_file;

struct segment {
	TAILQ_ENTRY(segment) link;
	_Atomic uint32_t refs;

	/* constant */
	struct wal *wal;
	char *path;
	uint64_t number;
	uint64_t first_seq;

	/* NULL: no value in it is referred to.  The writer's, and from when
	 * its memtable is full on constant. */
	struct value_file *values;

	_Atomic unsigned syncs;
	/* Its directory entry is durable; db->sync_lock, but the syncer, who
	 * alone changes it, reads it without. */
	bool named;
	uint64_t synced; /* bytes durable, name included; db->sync_lock */
	bool headed;     /* the header is, if nothing else; the same */
};

TAILQ_HEAD(segment_list, segment);

/* In a spare, or in a new file of a number above all others.  On an error
 * nothing is left of it. */
int segment_begin(struct lsm *db, uint64_t first_seq, struct segment **out);

/* In a spare if one is ready; NULL: no. */
struct segment *segment_begin_in_spare(struct lsm *db, uint64_t first_seq);

/* Whether a record of size bytes is better off in another segment: this one
 * grows, or would.  durable: all that is in it is, so that leaving it does not
 * cost a sync of its own. */
bool segment_outgrown(const struct segment *s, size_t size, bool durable);

/* Whether the log is synced often enough for spares: not once or twice while a
 * segment is filled. */
bool segment_is_synced(const struct segment *s);

/* An existing one, which was read up to end and is gone on with there. */
int segment_append_to(struct lsm *db, uint64_t number, uint64_t first_seq,
    uint64_t end, struct segment **out);

/* Its name and all that is in it; before anybody else uses it. */
void segment_set_durable(struct segment *s);

/* The last one closes the file, which takes the disk a while if it has no name
 * any more: no lock is held then. */
void segment_unref(struct segment *s);

/* Memtable m may refer to values in s from now on.  -ENOMEM. */
int segment_hold_values(struct lsm *db, struct segment *s, struct memtable *m);

/* Takes the reference.  Caller holds db->sync_lock, or is alone. */
void segment_push(struct lsm *db, struct segment *s);

/* The first segment with a number >= this, or NULL.  Caller holds
 * db->sync_lock. */
struct segment *segment_from(struct lsm *db, uint64_t number);

/* What has been written to all in the list. */
uint64_t segment_bytes(struct lsm *db);

/* All in the list, in order, each with a reference; a new array. */
int segment_take_all(struct lsm *db, struct segment ***out, size_t *count);
void segment_drop_all(struct segment **all, size_t count);

/* Name and content to stable storage.  One thread at a time. */
int segment_sync(struct lsm *db, struct segment *s);

/* Its header is durable, so that the manifest may name it.  Soon after it has
 * begun that costs little; later all that is in it by then goes to the disk,
 * also what would be deleted before.  After an error nothing is written any
 * more. */
int segment_sync_header(struct lsm *db, struct segment *s);

/* Takes the segments below number out of the list.  Files that the current
 * version refers to stay, for its values; the others go. */
void segment_delete_below(struct lsm *db, uint64_t number);

/* Cuts what was written ahead, so that a closed store is as small as it can
 * be.  Nobody writes any more. */
void segment_cut_all(struct lsm *db);

/* Empties the list and drops its references; files stay. */
void segment_drop_list(struct segment_list *l);

#endif
