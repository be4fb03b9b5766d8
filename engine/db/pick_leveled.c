/*
 * pick_leveled: each level is one sorted run, and not larger than its target.
 */
#include "engine/db/pick_deletes.h"
#include "engine/db/pick_inputs.h"
#include "engine/db/pick_move.h"
#include "engine/db/pick_reason.h"
#include "engine/db/span.h"

/* The last level over all above it, when it has had time to settle. */
#define SETTLED_SHARE 7

/* What level 0 would meet where it goes. */
static uint64_t
met_by_level0(const struct pick_look *k)
{
	const struct version *v = k->scene->version;
	const struct version_level *l = &v->levels[0];
	const struct version_level *out = &v->levels[k->shape.level0_output];
	struct span all;
	size_t first, end;

	if (l->count == 0)
		return 0;
	all = span_of_files(l->files, l->count);
	span_overlap(v, k->shape.level0_output, &all, &first, &end);
	return pick_inputs_bytes(out->files + first, end - first);
}

/*
 * What level 0 is merged with is written again, and the more comes at once the
 * more it pays: the score is cut by the bytes of level 0 over theirs, down to a
 * half, which is twice as many tables.  That is more for reads to look into, so
 * not while there is time.
 */
static double
score_files(const struct pick_look *k, unsigned level)
{
	double score = pick_reason_score_files(k, level), share;

	if (level > 0 || k->scene->idle)
		return score;
	share = (double)pick_reason_amount(k, 0).bytes /
		((double)met_by_level0(k) + 1);
	if (share > 1)
		return score;
	return share > 0.5 ? score * share : score / 2;
}

static int
take_files(const struct pick_look *k, struct pick *p)
{
	int err, rc;

	p->output_level = k->shape.level0_output;
	rc = pick_inputs_add_level0(k->scene, p);
	if (rc <= 0)
		return rc;
	err = pick_inputs_add_output(k->scene->version, p);
	if (!err)
		err = pick_move_try(k->scene, p, UINT64_MAX);
	return err ? err : 1;
}

/* Bytes of a level beyond its share. */
static double
score_size(const struct pick_look *k, unsigned level)
{
	uint64_t bytes, target = k->shape.targets[level];

	if (level == 0 || level == PICK_SHAPE_LAST)
		return 0;
	bytes = pick_reason_amount(k, level).bytes;
	if (target > 0)
		return pick_reason_weigh((double)bytes / (double)target);
	/* It should have none, which is not urgent. */
	target = k->scene->options->level_base_bytes;
	return bytes == 0 ? 0 : 1 + (double)bytes / ((double)target + 1);
}

static int
take_size(const struct pick_look *k, struct pick *p)
{
	uint64_t bytes = k->scene->version->levels[p->level].bytes;
	uint64_t target = k->shape.targets[p->level];

	p->output_level = p->level + 1;
	return pick_reason_take_cheapest(
	    k, p, bytes > target ? bytes - target : 0);
}

/*
 * While nobody writes, the store becomes as small as large ones are all the
 * time: in one of a few tables what waits above the last level may be as much
 * as that level.  From the top down.
 */
static double
score_settle(const struct pick_look *k, unsigned level)
{
	const struct version *v = k->scene->version;
	uint64_t above = 0;
	unsigned first = 0;

	if (!k->scene->idle)
		return 0;
	for (unsigned i = PICK_SHAPE_LAST; i-- > 0;) {
		above += v->levels[i].bytes;
		if (v->levels[i].count > 0)
			first = i;
	}
	return level == first &&
	       above > v->levels[PICK_SHAPE_LAST].bytes / SETTLED_SHARE;
}

static int
take_settle(const struct pick_look *k, struct pick *p)
{
	return p->level == 0 ? take_files(k, p) : take_size(k, p);
}

/* Values that only tables refer to whose entries this level hides. */
static double
score_hidden(const struct pick_look *k, unsigned level)
{
	return pick_reason_weigh(k->values.hidden[level]);
}

static int
take_hidden(const struct pick_look *k, struct pick *p)
{
	const struct pick_scene *s = k->scene;
	int err, rc;

	if (p->level == 0)
		return take_files(k, p);
	p->output_level = p->level + 1;
	rc = pick_values_add_hiding(s, p);
	if (rc <= 0)
		return rc;
	err = pick_inputs_add_output(s->version, p);
	if (!err)
		err = pick_move_try(s, p, UINT64_MAX);
	return err ? err : 1;
}

const struct pick_reasons pick_leveled = {
    {{"files", score_files, take_files}, {"size", score_size, take_size},
	{"hidden", score_hidden, take_hidden},
	{"deletes", pick_deletes_score_level0, take_files},
	{"settle", score_settle, take_settle}},
    5};
