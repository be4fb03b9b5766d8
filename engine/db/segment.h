/*
 * segment: the files of the log that hold what is not in tables yet.
 *
 * There is one segment for each memtable, under the same number; the last one
 * in the list is being written.  A segment leaves the list when its memtable
 * is in a table; its file is deleted then.
 * Owns: segments are counted; the list has one reference, a sync in progress
 * another.
 * Threads: the list is protected by db->sync_lock; segment_open and
 * segment_sync run without it.
 */
#ifndef ENGINE_DB_SEGMENT_H
#define ENGINE_DB_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "engine/table/wal.h"

struct lsm;

struct segment {
	TAILQ_ENTRY(segment) link;
	_Atomic uint32_t refs;

	/* constant */
	struct wal *wal;
	char *path;
	uint64_t number;
	uint64_t first_seq;

	bool named;  /* its directory entry is durable; the syncer's */
	bool synced; /* complete and durable; db->sync_lock */
};

TAILQ_HEAD(segment_list, segment);

/* A new file.  On an error nothing is left of it. */
int segment_create(
    struct lsm *db, uint64_t number, uint64_t first_seq, struct segment **out);

/* An existing one, which was read up to end and is gone on with there. */
int segment_append_to(struct lsm *db, uint64_t number, uint64_t first_seq,
    uint64_t end, struct segment **out);

void segment_unref(struct segment *s);

/* Takes the reference.  Caller holds db->sync_lock, or is alone. */
void segment_push(struct lsm *db, struct segment *s);

/* The first segment with a number >= this, or NULL.  Caller holds
 * db->sync_lock. */
struct segment *segment_from(struct lsm *db, uint64_t number);

/* Name and content to stable storage.  One thread at a time. */
int segment_sync(struct lsm *db, struct segment *s);

/* Takes the segments below number out of the list and deletes the files. */
void segment_delete_below(struct lsm *db, uint64_t number);

/* Drops the whole list; files stay. */
void segment_clear(struct lsm *db);

#endif
