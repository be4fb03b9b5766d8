/*
 * reserve: disk space that is kept for the day when there is none.
 *
 * A store on a full disk can only be emptied by writing: a delete goes to the
 * log, and what it deletes goes when a compaction has written new tables.  So
 * a file holds some space, without being written: as much as the store has in
 * tables and in the log, up to what a memtable takes, and a 16th of them.  It
 * grows and shrinks with the store, after flushes and compactions, and grows
 * while the log does.  Who finds the disk full and is to make space removes it:
 * then the reserve is spent.  While it is, batches that only put are refused,
 * and the log is flushed in small pieces, so that what it held is left to
 * deletes, flushes and compactions, until there is space to make it again; each
 * batch that would be refused looks for that.
 *
 *	state     file   puts           a full disk
 *	NONE      no     taken          is an error of who meets it
 *	HELD      yes    taken          SPENT, and who meets it tries again
 *	SPENT     no     refused, but   is an error of who meets it
 *	                 with space: HELD
 *
 * The file of a small store is removed when the store is closed; that of a
 * large one stays, so that it can be opened and emptied on a full disk.  Where
 * files cannot be allocated (env_allocate), and in the lab, there is none.
 * Threads: any; callers may hold db->write_lock.
 * Errors: none: without a reserve a full disk is as full as it is.
 */
#ifndef ENGINE_DB_RESERVE_H
#define ENGINE_DB_RESERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/lock.h"

struct lsm;
struct lsm_batch;

enum reserve_state { RESERVE_NONE, RESERVE_HELD, RESERVE_SPENT };

struct reserve {
	/* Changed under the lock, which is held while the file is made or
	 * removed.  Relaxed: nothing else is read on the strength of it. */
	_Atomic enum reserve_state state;
	/* While it is spent: what the log may have.  Relaxed, the same. */
	_Atomic uint64_t log_max;
	struct lock lock;
	/* protected by it */
	uint64_t bytes; /* held */
	bool never;     /* files cannot be allocated here */
};

void reserve_init(struct reserve *r);
void reserve_fini(struct reserve *r);

/* What an earlier process has left of it; spent if the disk is full.  After the
 * version is known, before the log is recovered and there are threads. */
void reserve_open(struct lsm *db);

/* There are no threads any more. */
void reserve_close(struct lsm *db);

/* The store has grown, or shrunk: it shall have a reserve that is as large as
 * it is to be, if there is space.  One that is held is not given up for that.
 * Caller holds no lock. */
void reserve_want(struct lsm *db);

bool reserve_is_spent(struct lsm *db);

/* While it is spent: a memtable that has so much in the log is to be flushed,
 * for else its flush might not fit any more. */
uint64_t reserve_log_max(struct lsm *db);

/* Whether the batch is to be refused: the reserve is spent, there is no space
 * to make it again, and the batch makes none. */
bool reserve_refuses(struct lsm *db, const struct lsm_batch *b);

/* The batch deletes, and writes little. */
bool reserve_serves(const struct lsm_batch *b);

/* The disk is full for who is to make space: removes what can be done without,
 * and the reserve.  True: it did, so try again. */
bool reserve_spend(struct lsm *db);

#endif
