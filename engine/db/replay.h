/*
 * replay: the log files of a store, made durable and read into memtables.
 * Writes nothing.
 *
 * Logs follow one another without a gap in the sequence numbers.  Where one
 * does not follow, or has no header, nothing of it is taken: what it follows
 * was lost before it was synced.
 * Use: replay_read, then take what is needed, then replay_fini (also after an
 * error).  Errors: -errno; ERR_DAMAGED and ERR_FORMAT with a message.
 */
#ifndef ENGINE_DB_REPLAY_H
#define ENGINE_DB_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsm;
struct memtable;

struct replay_log {
	uint64_t number;
	uint64_t first_seq; /* 0: nothing is in it */
	uint64_t end;       /* of the intact records */
	bool is_old;        /* of an older format: nothing may follow in it */
	struct memtable *memtable; /* NULL: nothing of it is taken */
};

struct replay {
	struct lsm *db;
	struct replay_log *logs; /* in order */
	size_t count;
	uint64_t seq;         /* read without a gap up to here */
	uint64_t promised;    /* the highest number promised to be durable */
	uint64_t promised_by; /* the log that promises it */
};

/* Reads all logs that are not in tables.  ERR_DAMAGED if one promises what is
 * not there. */
int replay_read(struct lsm *db, struct replay *r);
void replay_fini(struct replay *r);

#endif
