/*
 * checkpoint_state: what a copy of a store is made of while it is written.
 *
 * The copy is to show what was written up to one number: that of the last
 * write when this began, or a little more.  Taken in this order: the number;
 * the files of the log, pinned and opened; then the tables and all else that
 * the manifest records, at one moment.  What has left the log in between is in
 * those tables.
 * Threads: one.  Owns: references, open files; nothing waits for it.
 * Errors: -errno; ERR_DAMAGED with a message.
 */
#ifndef ENGINE_DB_CHECKPOINT_STATE_H
#define ENGINE_DB_CHECKPOINT_STATE_H

#include "engine/db/edit.h"
#include "engine/table/wal.h"

struct lsm;
struct segment;

struct checkpoint_log {
	const struct segment *segment;
	struct env_file *file; /* NULL: it was gone */
	struct wal_reader *reader;
	uint64_t last_seq; /* of what is copied of it */
};

struct checkpoint_values {
	struct value_file *file; /* held by tables */
	uint64_t end;            /* nothing behind it is referred to */
};

struct checkpoint_state {
	uint64_t seq; /* the copy shows everything up to here */
	/* what its manifest is to say but for numbers; pins the tables */
	struct edit whole;
	struct checkpoint_log *logs; /* to be copied, in order */
	size_t log_count;
	struct checkpoint_values *values; /* of its tables */
	size_t value_count;

	struct segment **segments; /* the references */
	size_t segment_count;
};

/* To be finished also after an error. */
int checkpoint_state_take(struct lsm *db, struct checkpoint_state *out);
void checkpoint_state_fini(struct checkpoint_state *st);

#endif
