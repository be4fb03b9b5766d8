/*
 * workload: a sequence of calls that makes a store do all it can do, at tiny
 * sizes, beside a memory of what each call promised.
 *
 * Made for faults: a call that fails has to be explained by the fault of the
 * test, must leave everything as it was, and is made again; a store that takes
 * no writes any more is opened again, and must hold what it acknowledged.  A
 * power cut ends the run; workload_restart goes on with what the cut left,
 * which must be the state after some prefix of the writes that holds everything
 * promised.  A difference ends the test case.
 * The same seed makes the same calls, whatever fails.
 * Use: workload_init; change fields of the first part; arm the fault;
 * workload_open; workload_run; workload_fini.
 * Threads: one; the store may have its own (options.no_background).
 */
#ifndef TESTS_SUPPORT_WORKLOAD_H
#define TESTS_SUPPORT_WORKLOAD_H

#include "engine/lsm.h"
#include "engine/os/env_fault.h"
#include "engine/os/env_forget.h"
#include "tests/check.h"

#define WORKLOAD_KEYS   24
#define WORKLOAD_STATES 400
#define WORKLOAD_NAMES  4
#define WORKLOAD_OPEN   3
#define WORKLOAD_LAST   6

#define WORKLOAD_HUGE (UINT32_C(1) << 31)

/* What a key has. */
struct workload_cell {
	uint32_t version; /* 0: nothing; may have WORKLOAD_HUGE set */
	uint64_t expires_ms;
};

/* After a write. */
struct workload_state {
	uint64_t seq;
	struct workload_cell cells[WORKLOAD_KEYS];
};

struct workload_snapshot {
	struct lsm_snapshot *handle; /* NULL: none */
	size_t state;
};

/* What a name shows; after a call that failed it may be as the call would have
 * it, from the next open on. */
struct workload_name {
	bool there, maybe, maybe_there;
	size_t state, maybe_state;
};

/* The state of the last checkpoint, which may have more than is left to the
 * store after a cut. */
#define WORKLOAD_COPY (WORKLOAD_STATES - 1)

/* A checkpoint. */
struct workload_copy {
	unsigned number; /* of its directory; 0: there is none */
	struct workload_name names[WORKLOAD_NAMES];
};

struct workload {
	/* the test's to change before workload_open */
	unsigned steps;
	unsigned steps_after;       /* so many behind the first error */
	struct lsm_options options; /* drawn by the seed */
	/* Whether the fault has struck, and this error may come of it. */
	bool (*explains)(struct workload *w, int err);
	/* Called at each error: ends a fault that lasts.  May be NULL. */
	void (*relieve)(struct workload *w);

	/* What cleans up after an error does not fail. */
	bool leaves_nothing;

	uint64_t seed;
	const char *dir;  /* for all of it */
	char store[1024]; /* in it, as copies are */
	struct env posix;
	struct env_forget *forget; /* NULL: the power is not cut */
	struct env_fault fault;
	struct lsm *db; /* NULL: closed */
	uint64_t clock_ms;
	struct lock lock;    /* protects: */
	char messages[8192]; /* of the store, the last ones */

	struct workload_state *states; /* after so many writes */
	size_t live;                   /* what the store shows */
	size_t acked;                  /* the last write that returned 0 */
	size_t tried;                  /* the last one that was begun */
	size_t promised;               /* the last one that is durable */
	struct workload_snapshot snapshots[WORKLOAD_OPEN];
	struct workload_name names[WORKLOAD_NAMES];
	struct workload_copy copy;
	unsigned copies; /* tried so far */

	unsigned step;
	const char *doing;
	size_t target, end;   /* writes of this step: the next, the last */
	unsigned errors;      /* calls that failed */
	struct lsm_stats sum; /* of stores that were closed */
	unsigned snapshots_seen, names_made, copies_made;
	bool manifest_changed; /* found out by workload_fini */
};

/* forgets: over an env_forget, for power cuts. */
void workload_init(struct workload *w, uint64_t seed, bool forgets);

/* Opens the store, or opens it again: it holds what it must. */
void workload_open(struct workload *w);

/* Does all steps, and in the end compacts and checks everything; false: the
 * power was cut, or the env died (env_fault). */
bool workload_run(struct workload *w);

/* After that: the store is opened with what it left, to run on. */
void workload_restart(struct workload *w);

/* After a failure too: what is known, for people. */
void workload_tell(struct workload *w);
void workload_fini(struct workload *w);

/* After workload_fini: whether all that makes files was done: flush,
 * compaction, other manifests, collection of values, expiry, range tombstones,
 * snapshots read, named snapshots, checkpoints. */
bool workload_did_all(const struct workload *w);
void workload_tell_done(const struct workload *w);

/* --- between the parts of the workload ---------------------------------- */

struct bytes workload_key(size_t i);

/* The value of a version, valid until the next call. */
struct bytes workload_value(uint32_t version);

/* Remembers a line.  Nothing here allocates by the engine's functions: that
 * would count. */
void workload_note(struct workload *w, const char *what, const char *text);
bool workload_shows(const struct workload *w, size_t state, size_t key);

/* Compares all that a reader can see, by get and in both directions; 0, or the
 * error of a call. */
int workload_get_all(
    struct workload *w, const struct lsm_snapshot *at, size_t state);
int workload_scan(
    struct workload *w, const struct lsm_snapshot *at, size_t state);

/* Does step w->step; 0 or the error of a call that failed.  The store may be
 * closed then. */
int workload_step(struct workload *w);

int workload_close(struct workload *w);
int workload_try_open(struct workload *w);

/* The directory of a checkpoint, valid until the next call. */
const char *workload_copy_path(const struct workload *w, unsigned number);

/* The last checkpoint, if there is one, is a store as it should be. */
int workload_check_copy(struct workload *w);

/* What the seed chooses of the options that may change between opens. */
void workload_draw_options(struct workload *w, struct check_rand *r);

/* lsm_check; -EIO if it finds anything. */
int workload_check_store(struct workload *w);

void workload_name(unsigned i, char name[8]);

/* After opening: finds out what became of calls that failed. */
int workload_settle_names(struct workload *w);

/* The named snapshots that the store has, against those it must have. */
int workload_check_names(struct workload *w);

/* All of these: everything can be read and is right. */
int workload_look(struct workload *w);

#endif
