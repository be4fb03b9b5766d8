#include "engine/db/pick.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/pick_deletes.h"
#include "engine/db/pick_expired.h"
#include "engine/db/pick_inputs.h"
#include "engine/db/pick_reason.h"

#define OVERLAP_FACTOR 10

void
pick_fini(struct pick *p)
{
	pick_inputs_clear(p);
	*p = (struct pick){0};
}

static uint64_t
times(uint64_t n, uint64_t factor)
{
	return n > UINT64_MAX / factor ? UINT64_MAX : n * factor;
}

uint64_t
pick_overlap_limit(const struct lsm_options *o)
{
	return times(o->table_bytes, OVERLAP_FACTOR);
}

/* --- what is needed most ------------------------------------------------ */

#define GARBAGE_PATIENCE 4

/* Values that nothing refers to any more, in files that are needed for others.
 */
static double
score_garbage(const struct pick_look *k, unsigned level)
{
	double share = k->values.garbage[level];

	/* Not before level 0, which hides more of it and moves values as well
	 * when it comes down. */
	return share < 1 ? share : 1 + (share - 1) / GARBAGE_PATIENCE;
}

static int
take_garbage(const struct pick_look *k, struct pick *p)
{
	p->for_values = true;
	return pick_values_add(k->scene, &k->values.plan, p);
}

/* Level 0 comes down as the style has it. */
static double
score_deletes(const struct pick_look *k, unsigned level)
{
	return level > 0 ? pick_deletes_score(k, level) : 0;
}

/* Those that hold under every style. */
static const struct pick_reasons general = {
    {{"garbage", score_garbage, take_garbage},
	{"expired", pick_expired_score, pick_expired_take},
	{"deletes", score_deletes, pick_deletes_take}},
    3};

#define CANDIDATES_MAX (2 * PICK_REASONS_MAX * LSM_LEVELS)

struct candidate {
	const struct pick_reason *reason;
	unsigned level;
	double score;
};

/* With a score of 1 and above, the highest first. */
struct candidates {
	struct candidate of[CANDIDATES_MAX];
	size_t count;
};

static void
add_candidate(struct candidates *c, const struct candidate *new)
{
	size_t at = c->count++;

	for (; at > 0 && c->of[at - 1].score < new->score; at--)
		c->of[at] = c->of[at - 1];
	c->of[at] = *new;
}

static void
add_candidates(struct candidates *c, const struct pick_look *k,
    const struct pick_reasons *reasons)
{
	for (size_t i = 0; i < reasons->count; i++) {
		struct candidate new = {.reason = &reasons->of[i]};

		for (; new.level < LSM_LEVELS; new.level++) {
			new.score = new.reason->score(k, new.level);
			if (new.score >= 1)
				add_candidate(c, &new);
		}
	}
}

static void
find_candidates(struct candidates *c, const struct pick_look *k)
{
	bool lazy = k->scene->options->compaction_style == LSM_COMPACTION_LAZY;

	c->count = 0;
	add_candidates(c, k, lazy ? &pick_lazy : &pick_leveled);
	add_candidates(c, k, &general);
}

static int
try(const struct pick_look *k, const struct candidate *c, struct pick *p)
{
	int rc;

	*p = (struct pick){
	    .reason = c->reason->name, .level = c->level, .score = c->score};
	rc = c->reason->take(k, p);
	if (rc < 0)
		pick_fini(p);
	return rc;
}

static bool
is_reserved(const bool *reserved, const struct pick *p)
{
	for (unsigned i = p->level; i <= p->output_level; i++)
		if (reserved[i])
			return true;
	return false;
}

static void
reserve(bool *reserved, const struct pick *p)
{
	for (unsigned i = p->level; i <= p->output_level; i++)
		reserved[i] = true;
}

static int
pick_among(const struct pick_look *k, struct pick *out)
{
	bool reserved[LSM_LEVELS] = {false};
	struct candidates c;
	struct pick p;
	int rc;

	find_candidates(&c, k);
	for (size_t i = 0; i < c.count; i++) {
		rc = try(k, &c.of[i], &p);
		if (rc < 0)
			return rc;
		if (rc > 0 && !is_reserved(reserved, &p)) {
			*out = p;
			return 1;
		}
		if (rc == 0)
			reserve(reserved, &p);
		pick_fini(&p);
	}
	return 0;
}

int
pick_next(const struct pick_scene *s, struct pick *out)
{
	struct pick_look k = {
	    .scene = s, .shape = pick_shape_of(s->version, s->options)};
	int rc = pick_values_look(s, &k.values);

	if (!rc)
		rc = pick_among(&k, out);
	pick_values_fini(&k.values);
	return rc;
}

/* --- everything -------------------------------------------------------- */

/* The next level that has tables; LSM_LEVELS: none. */
static unsigned
next_level(const struct version *v, unsigned level)
{
	do
		level++;
	while (level < LSM_LEVELS && v->levels[level].count == 0);
	return level;
}

/* From the first table with something dead to the last: a whole range, so that
 * the outputs cannot overlap what is left out. */
static int
take_dead(const struct version *v, uint64_t now_ms, struct pick *p)
{
	const struct version_level *l = &v->levels[p->level];
	size_t first = 0, end = l->count;

	while (first < end && !version_file_has_dead(l->files[first], now_ms))
		first++;
	while (end > first && !version_file_has_dead(l->files[end - 1], now_ms))
		end--;
	return pick_inputs_add(p, p->level, l->files + first, end - first);
}

int
pick_whole_level(
    const struct version *v, unsigned level, uint64_t now_ms, struct pick *out)
{
	const struct version_level *l = &v->levels[level];
	struct pick p = {.reason = "asked",
	    .level = level,
	    .output_level = next_level(v, level)};
	int err;

	if (l->count == 0)
		return 0;
	if (p.output_level == LSM_LEVELS)
		p.output_level = level == 0 ? PICK_SHAPE_LAST : level;
	if (p.output_level == level) {
		err = take_dead(v, now_ms, &p);
	} else {
		err = pick_inputs_add(&p, level, l->files, l->count);
		if (!err)
			err = pick_inputs_add_output(v, &p);
	}
	if (err) {
		pick_fini(&p);
		return err;
	}
	if (p.inputs[level].count == 0)
		return 0;
	*out = p;
	return 1;
}
