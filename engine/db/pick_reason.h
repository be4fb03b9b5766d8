/*
 * pick_reason: why a level may need compaction, and what to take then.
 *
 * Each style of compaction has a list of reasons (pick_leveled.c, pick_lazy.c);
 * those that hold under every style stand in pick.c.
 */
#ifndef ENGINE_DB_PICK_REASON_H
#define ENGINE_DB_PICK_REASON_H

#include "engine/db/pick.h"
#include "engine/db/pick_shape.h"
#include "engine/db/pick_values.h"

/* What reasons look at. */
struct pick_look {
	const struct pick_scene *scene;
	struct pick_shape shape;
	struct pick_values values;
};

struct pick_reason {
	const char *name;
	/* How much the level needs it; 1 and above: it does. */
	double (*score)(const struct pick_look *k, unsigned level);
	/* Takes the inputs, p having level and score: 1; 0: what would be
	 * needed belongs to compactions that run (output_level is set all the
	 * same); <0. */
	int (*take)(const struct pick_look *k, struct pick *p);
};

#define PICK_REASONS_MAX 8

/* Of equal scores the first counts most. */
struct pick_reasons {
	struct pick_reason of[PICK_REASONS_MAX];
	size_t count;
};

extern const struct pick_reasons pick_leveled;
extern const struct pick_reasons pick_lazy;

struct pick_amount {
	size_t count;
	uint64_t bytes;
};

/* What a level has, without what compactions are taking away. */
struct pick_amount pick_reason_amount(
    const struct pick_look *k, unsigned level);

/* How much is too much: what is above its share makes the store larger and
 * each compaction into it costlier, so it counts squared. */
static inline double
pick_reason_weigh(double share)
{
	return share > 1 ? share * share : share;
}

/* The score of level 0 for the tables there, each of which every read looks
 * into. */
double pick_reason_score_files(const struct pick_look *k, unsigned level);

/* Takes from p->level, p->output_level being set, the cheapest table with what
 * it overlaps and what can go along; a move goes up to bytes_max. As take. */
int pick_reason_take_cheapest(
    const struct pick_look *k, struct pick *p, uint64_t bytes_max);

#endif
