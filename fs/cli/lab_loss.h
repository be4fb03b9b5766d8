/*
 * lab_loss: what a power cut took, against what the policy allows.
 *
 * Each writer numbered its steps from 1 and noted when each began and when it
 * was acknowledged; afterwards it is known how many are there.  Lost is what
 * was acknowledged and is not there.
 *
 * The moment of the cut is known from both sides only, and a note is made a
 * little after the acknowledgement.  So times are given as at least so much:
 * what exceeds a bound by that has exceeded it.
 *
 * A bound in milliseconds has two sides.  Nothing is acknowledged any more
 * while something acknowledged longer ago is not synced: `over` is how long
 * that went on.  And the sync of what is unsynced is under way in time: `age`
 * is that of the first lost step at the cut.  What is not the store's doing is
 * allowed on top, as measured while the writers worked: by how much, at worst,
 * this program was woken too late from its own sleep (so long may the thread
 * that syncs have waited, too), and for the age, how long the device took for
 * a sync.
 * Pure functions.
 */
#ifndef FS_CLI_LAB_LOSS_H
#define FS_CLI_LAB_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/durability.h"

/* One writer; the arrays are indexed by step - 1, times are in ns. */
struct lab_track {
	const uint64_t *began;
	const uint64_t *acked;
	uint64_t acked_count;
	uint64_t begun_count; /* one more if a step was in work at the cut */
	uint64_t survived;    /* steps that are there */
};

/* The cut was in between; 0: not known from this side. */
struct lab_moment {
	uint64_t earliest;
	uint64_t latest;
};

struct lab_loss {
	uint64_t acked;    /* steps, of all writers */
	uint64_t survived; /* of these */
	uint64_t lost;
	uint64_t age_ns;    /* how long before the cut, at least, the first
			     * lost one was acknowledged */
	uint64_t unsure_ns; /* it may be so much more */
	uint64_t over_ns;   /* after that others were acknowledged for so long,
			     * at least */
	bool prefix;        /* nothing is there that began after the
			     * acknowledgement of something lost */
	char why[256];      /* if not */
};

/* Nothing survived that had not begun, and no writer's step that began after
 * the acknowledgement of a lost one, whosever it was. */
void lab_loss_of(const struct lab_track *tracks, size_t count,
    const struct lab_moment *cut, struct lab_loss *out);

/* The first moment at which the cut can have been: a step that was
 * acknowledged began before it. */
uint64_t lab_loss_earliest(const struct lab_track *tracks, size_t count);

#define LAB_LOSS_ANY UINT64_MAX

struct lab_bound {
	uint64_t steps; /* LAB_LOSS_ANY: no bound */
	uint64_t ms;
};

/*
 * What may be lost by `writers` at once whose steps are at least `changes`
 * changes of the store each.  durable: a step ends with a sync.
 */
struct lab_bound lab_loss_bound(const struct durability *d, bool durable,
    unsigned writers, unsigned changes);

enum {
	LAB_LOSS_STEPS = 1, /* more steps than the bound */
	LAB_LOSS_MS = 2,    /* older than the bound and the allowance */
	LAB_LOSS_ORDER = 4, /* not a prefix */
};

/* What is allowed on top of a bound in milliseconds. */
struct lab_allowance {
	uint64_t late_ns; /* to be woken */
	uint64_t sync_ns; /* a sync of the device */
};

/* What is broken, or 0. */
unsigned lab_loss_broken(const struct lab_loss *l, const struct lab_bound *b,
    const struct lab_allowance *a);

#endif
