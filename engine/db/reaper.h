/*
 * reaper: removes large files that nothing refers to any more.
 *
 * Removing a file takes as long as it is large, and whoever lets go of the last
 * reference may be a reader or a writer: so a large one is left to a thread,
 * which removes one after the other with pauses, not to keep the device and the
 * filesystem's journal from anything else.  It makes none while much waits, and
 * who needs the space, or closes the store, removes what waits by itself.
 * Files go in one piece: cut short in steps they would be lost to a checkpoint
 * as well that has them by links, and none is larger than a segment of the log
 * or a table gets.
 * Use: reaper_init; reaper_start, without which reaper_take removes by itself;
 * reaper_fini, which removes what is left.
 * Threads: any.  Errors: none: what stays is unnamed, and the next open removes
 * it (env says what went wrong).  For the same reason the directory need not be
 * synced: no number is used twice, so a name that comes back after a power cut
 * means nothing.
 */
#ifndef ENGINE_DB_REAPER_H
#define ENGINE_DB_REAPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "engine/base/lock.h"
#include "engine/os/thread.h"

struct cache;
struct env;

/* Smaller files are not worth a thread: they go at once. */
#define REAPER_BYTES_MIN (1u << 20)

/* While more than this waits there are no pauses; so much at most is left to
 * reaper_fini, and to who needs the space. */
#define REAPER_BYTES_MAX (256u << 20)

struct reaper_file {
	STAILQ_ENTRY(reaper_file) link;
	char *path;
	uint64_t number; /* by which the cache knows it */
	uint64_t bytes;
};

STAILQ_HEAD(reaper_list, reaper_file);

struct reaper {
	/* the owner's to set before use, constant then */
	struct env *env;
	struct cache *cache; /* may be NULL */

	struct thread thread; /* constant after start */
	bool has_thread;

	struct lock lock; /* protects: */
	struct lock_cond wake;
	struct reaper_list files;
	uint64_t bytes; /* of them */
	bool stop;
};

void reaper_init(struct reaper *r);
void reaper_fini(struct reaper *r);
int reaper_start(struct reaper *r);

/* The file, of about so many bytes, goes, and what the cache has of it. */
void reaper_take(
    struct reaper *r, const char *path, uint64_t number, uint64_t bytes);

/* Space is needed: what waits goes now.  True: there was something. */
bool reaper_empty(struct reaper *r);

#endif
