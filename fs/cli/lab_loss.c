#include "fs/cli/lab_loss.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t
survived_of(const struct lab_track *t)
{
	return t->survived < t->acked_count ? t->survived : t->acked_count;
}

/* --- the order ------------------------------------------------------------ */

/* Who lost first. */
struct first {
	const struct lab_track *track; /* NULL: nobody */
	uint64_t acked;                /* when that was acknowledged */
};

static struct first
first_lost(const struct lab_track *tracks, size_t count)
{
	struct first f = {0};

	for (size_t i = 0; i < count; i++) {
		const struct lab_track *t = &tracks[i];
		uint64_t at;

		if (t->survived >= t->acked_count)
			continue;
		at = t->acked[t->survived];
		if (!f.track || at < f.acked)
			f = (struct first){t, at};
	}
	return f;
}

/* False: *l says why. */
static bool
is_in_order(const struct lab_track *tracks, size_t count,
    const struct first *lost, struct lab_loss *l)
{
	for (size_t i = 0; i < count; i++) {
		const struct lab_track *t = &tracks[i];

		if (t->survived > t->begun_count) {
			snprintf(l->why, sizeof(l->why),
			    "writer %zu: step %" PRIu64 " is there, but only "
			    "%" PRIu64 " had begun",
			    i, t->survived, t->begun_count);
			return false;
		}
		if (!lost->track || t->survived == 0 ||
		    t->began[t->survived - 1] <= lost->acked)
			continue;
		snprintf(l->why, sizeof(l->why),
		    "writer %zu: step %" PRIu64 " is there, but it began "
		    "after step %" PRIu64 " of writer %zu was acknowledged, "
		    "which is not",
		    i, t->survived, lost->track->survived + 1,
		    (size_t)(lost->track - tracks));
		return false;
	}
	return true;
}

/* --- the loss --------------------------------------------------------------
 */

uint64_t
lab_loss_earliest(const struct lab_track *tracks, size_t count)
{
	uint64_t earliest = 0;

	for (size_t i = 0; i < count; i++) {
		const struct lab_track *t = &tracks[i];

		if (t->acked_count > 0 &&
		    t->began[t->acked_count - 1] > earliest)
			earliest = t->began[t->acked_count - 1];
	}
	return earliest;
}

static uint64_t
since(uint64_t begin, uint64_t end)
{
	return end > begin ? end - begin : 0;
}

void
lab_loss_of(const struct lab_track *tracks, size_t count,
    const struct lab_moment *cut, struct lab_loss *out)
{
	struct first lost = first_lost(tracks, count);
	struct lab_loss l = {0};

	for (size_t i = 0; i < count; i++) {
		l.acked += tracks[i].acked_count;
		l.survived += survived_of(&tracks[i]);
	}
	l.lost = l.acked - l.survived;
	if (lost.track) {
		l.age_ns = since(lost.acked, cut->earliest);
		l.over_ns = since(lost.acked, lab_loss_earliest(tracks, count));
	}
	if (cut->latest > cut->earliest)
		l.unsure_ns = cut->latest - cut->earliest;
	l.prefix = is_in_order(tracks, count, &lost, &l);
	*out = l;
}

/* --- the bound -------------------------------------------------------------
 */

/* Of the last lost step of each writer perhaps one change was lost, of those
 * before it all. */
static uint64_t
steps_in(uint64_t allowed, unsigned writers, unsigned changes)
{
	uint64_t in_part = writers < allowed ? writers : allowed;

	return in_part + (allowed - in_part) / changes;
}

struct lab_bound
lab_loss_bound(const struct durability *d, bool durable, unsigned writers,
    unsigned changes)
{
	struct lab_bound b = {LAB_LOSS_ANY, LAB_LOSS_ANY};

	if (durable || d->policy == DURABILITY_SYNC)
		return (struct lab_bound){0, 0};
	if (d->policy == DURABILITY_BATCH) {
		b.steps = steps_in(d->batch_ops, writers, changes);
		b.ms = d->batch_ms;
	}
	if (d->policy == DURABILITY_ADAPTIVE)
		b.ms = d->adaptive_ms;
	return b;
}

static bool
is_too_old(const struct lab_loss *l, const struct lab_bound *b,
    const struct lab_allowance *a)
{
	uint64_t allowed;

	/* With no step to lose there is no time to lose either. */
	if (b->steps == 0 || b->ms == LAB_LOSS_ANY)
		return false;
	allowed = b->ms * 1000000 + a->late_ns;
	return l->over_ns > allowed || l->age_ns > allowed + a->sync_ns;
}

unsigned
lab_loss_broken(const struct lab_loss *l, const struct lab_bound *b,
    const struct lab_allowance *a)
{
	unsigned broken = 0;

	if (b->steps != LAB_LOSS_ANY && l->lost > b->steps)
		broken |= LAB_LOSS_STEPS;
	if (is_too_old(l, b, a))
		broken |= LAB_LOSS_MS;
	if (!l->prefix)
		broken |= LAB_LOSS_ORDER;
	return broken;
}
