/*
 * pick_lazy: lazy leveling (Dayan and Idreos, "Dostoevsky", 2018): several
 * sorted runs above one at the bottom, which has almost all of the data.
 *
 * A run is a table of level 0, or a level; the older the deeper.  What one
 * compaction of level 0 brings becomes a run of its own in the deepest free
 * one of levels 1 to 4.  When none is free, the youngest runs are merged, and
 * with them as many of the next as are not larger than what was merged so far
 * (so that a byte is written a few times only, however many come).  When all
 * runs together reach a share of the last level they become one in level 5,
 * which then goes down piece by piece as new ones come.
 */
#include "engine/db/pick_deletes.h"
#include "engine/db/pick_inputs.h"
#include "engine/db/pick_move.h"
#include "engine/db/pick_reason.h"

/* The last level over all runs above it. */
#define SHARE 5

#define RUN_LAST  (PICK_SHAPE_LAST - 2)
#define COLLECTED (PICK_SHAPE_LAST - 1)

static const struct version_level *
level_of(const struct pick_look *k, unsigned level)
{
	return &k->scene->version->levels[level];
}

/* The first level from `from` on that has tables; `end` if none is before. */
static unsigned
next_run(const struct pick_look *k, unsigned from, unsigned end)
{
	while (from < end && level_of(k, from)->count == 0)
		from++;
	return from;
}

/* So many bytes above the last level, in parts of what there may be. */
static double
share_of(const struct pick_look *k, uint64_t bytes)
{
	uint64_t last = level_of(k, PICK_SHAPE_LAST)->bytes;

	return (double)bytes * SHARE / ((double)last + 1);
}

static uint64_t
bytes_of_runs(const struct pick_look *k)
{
	uint64_t bytes = 0;

	for (unsigned i = 1; i <= COLLECTED; i++)
		bytes += pick_reason_amount(k, i).bytes;
	return bytes;
}

/* Takes everything of these levels; 0: somebody else has a part of it. */
static int
take_levels(
    const struct pick_look *k, struct pick *p, unsigned first, unsigned last)
{
	int err = 0;

	for (unsigned i = first; !err && i <= last; i++)
		err = pick_inputs_add(
		    p, i, level_of(k, i)->files, level_of(k, i)->count);
	if (!err && p->output_level > last)
		err = pick_inputs_add_output(k->scene->version, p);
	if (err)
		return err;
	return pick_inputs_free(k->scene, p->level, p->output_level, &p->span);
}

/* --- level 0 ------------------------------------------------------------ */

/* Where level 0 goes, with levels 1 to *last.  A run that would be too large a
 * share by itself goes to the last level at once. */
static unsigned
plan_files(const struct pick_look *k, unsigned *last)
{
	uint64_t sum = level_of(k, 0)->bytes;
	unsigned next = next_run(k, 1, PICK_SHAPE_LAST);

	*last = 0;
	if (next == PICK_SHAPE_LAST && share_of(k, sum) >= 1)
		return PICK_SHAPE_LAST;
	next = next_run(k, 1, COLLECTED);
	/* Unless there is a free level above the first run. */
	while (next == *last + 1 && next <= RUN_LAST &&
	       (*last == 0 || level_of(k, next)->bytes <= sum)) {
		sum += level_of(k, next)->bytes;
		*last = next;
		next = next_run(k, next + 1, COLLECTED);
	}
	return next - 1;
}

/* Tables that overlap nothing all the way down: what is loaded in order. */
static int
take_moves(const struct pick_look *k, struct pick *p)
{
	int rc;

	p->output_level = PICK_SHAPE_LAST;
	rc = pick_inputs_add_level0(k->scene, p);
	if (rc > 0 && p->inputs[0].count == 1)
		rc = pick_move_try(k->scene, p, UINT64_MAX);
	if (rc < 0)
		return rc;
	if (p->trivial)
		return 1;
	pick_inputs_clear(p);
	return 0;
}

static int
take_files(const struct pick_look *k, struct pick *p)
{
	unsigned last;
	int rc = take_moves(k, p);

	if (rc != 0)
		return rc;
	p->output_level = plan_files(k, &last);
	return take_levels(k, p, 0, last);
}

/* --- runs --------------------------------------------------------------- */

/* Levels 1 to 4 become level 5, if that is empty; of the first of them. */
static double
score_runs(const struct pick_look *k, unsigned level)
{
	if (level == 0 || level != next_run(k, 1, COLLECTED) ||
	    level_of(k, COLLECTED)->count > 0)
		return 0;
	return pick_reason_weigh(share_of(k, bytes_of_runs(k)));
}

static int
take_runs(const struct pick_look *k, struct pick *p)
{
	p->output_level = COLLECTED;
	/* A single one only moves. */
	p->trivial = next_run(k, p->level + 1, COLLECTED) == COLLECTED;
	return take_levels(k, p, p->level, RUN_LAST);
}

/* Level 5 goes down. */
static double
score_collected(const struct pick_look *k, unsigned level)
{
	if (level != COLLECTED || pick_reason_amount(k, level).count == 0)
		return 0;
	return pick_reason_weigh(share_of(k, bytes_of_runs(k)));
}

static int
take_collected(const struct pick_look *k, struct pick *p)
{
	p->output_level = PICK_SHAPE_LAST;
	return pick_reason_take_cheapest(k, p, UINT64_MAX);
}

const struct pick_reasons pick_lazy = {
    {{"files", pick_reason_score_files, take_files},
	{"runs", score_runs, take_runs},
	{"deletes", pick_deletes_score_level0, take_files},
	{"collected", score_collected, take_collected}},
    4};
