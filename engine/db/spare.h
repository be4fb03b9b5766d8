/*
 * spare: files of the log that stand ready before they are needed.
 *
 * A sync of a file that grows has to write the file's metadata too.  A spare
 * is as large as a segment gets, written full and synced, under its name in a
 * directory that was synced: what is then written over it is synced at the
 * price of the data alone.  Its header is zeros until a segment begins in it.
 * At most SPARE_MAX wait.  They are made of files of this process that are in
 * tables by now, or, if none waits and none comes, of zeros; but only while the
 * log is synced now and then: what is not is less work to write into new
 * blocks, and to forget.
 * Its thread also makes memory ready for memtables (engine/base/chunk.h), and
 * the header of a segment durable, while there is little else in it.
 * Use: spare_want once the log is worth it; spare_take when a segment begins;
 * spare_offer when one has ended; spare_remove_all before the store is closed.
 * Threads: any; db->sync_lock protects the pool.  spare_step runs in one thread
 * at a time (work.h).
 * Errors: those of spare_step are no one's else: without a spare the log grows
 * as it is written.
 */
#ifndef ENGINE_DB_SPARE_H
#define ENGINE_DB_SPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct lsm;
struct segment;

#define SPARE_MAX 2

struct spare {
	STAILQ_ENTRY(spare) link;
	char *path;
	uint64_t number;
};

STAILQ_HEAD(spare_list, spare);

struct spare_pool {
	struct spare_list ready;   /* numbers ascend, all above the segments' */
	struct spare_list retired; /* may be written over */
	unsigned count;            /* of both, and of what the step works on */
	uint64_t newest_other;     /* number of the last file that was none */
	bool wanted;
};

void spare_pool_init(struct spare_pool *p);
void spare_pool_fini(struct spare_pool *p);
void spare_free(struct spare *s); /* the file stays; NULL is allowed */

/* Bytes of a spare. */
size_t spare_bytes(const struct lsm *db);

/* From now on there shall be spares.  Caller does not hold db->state_lock. */
void spare_want(struct lsm *db);

/* There shall be memory again.  The same. */
void spare_want_memory(struct lsm *db);

/* The next spare, the caller's to use or drop; NULL: there is none. */
struct spare *spare_take(struct lsm *db);

/* As spare_take; if there is none, *number is that of a file to be created. */
struct spare *spare_take_or_number(struct lsm *db, uint64_t *number);

/* Removes the file. */
void spare_drop(struct lsm *db, struct spare *s);

/* The segment is in no list any more and what it holds is in tables, durably.
 * True: its file (and s->path) has become the pool's, the rest is the caller's.
 */
bool spare_offer(struct lsm *db, struct segment *s);

/* Makes one: see work.h. */
int spare_step(struct lsm *db);

/* Removes what waits, at any time.  True: there was something. */
bool spare_remove_all(struct lsm *db);

#endif
