#include "engine/db/pick.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/pick_inputs.h"
#include "engine/db/pick_move.h"
#include "engine/db/pick_shape.h"

#define OVERLAP_FACTOR 10

/* What the reasons look at. */
struct look {
	const struct pick_scene *scene;
	struct pick_shape shape;
};

void
pick_fini(struct pick *p)
{
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		free(p->inputs[i].files);
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

/* --- reasons ----------------------------------------------------------- */

/*
 * Why a level may need compaction.  score: how much, 1 and above: it does.
 * take: the inputs for it, *p having level and score; 1, 0: what would be
 * needed belongs to compactions that run, <0.
 */
struct reason {
	const char *name;
	double (*score)(const struct look *k, unsigned level);
	int (*take)(const struct look *k, struct pick *p);
};

struct amount {
	size_t count;
	uint64_t bytes;
};

static size_t
less(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

/* What a level has, without what compactions are taking away.  One may have
 * been installed and still be among those that run. */
static struct amount
amount_of(const struct look *k, unsigned level)
{
	const struct version_level *l = &k->scene->version->levels[level];
	struct amount a = {l->count, l->bytes};
	const struct pick *p;

	TAILQ_FOREACH (p, k->scene->running, link) {
		const struct pick_input *in = &p->inputs[level];

		if (p->level != level || p->output_level == level)
			continue;
		a.count = less(a.count, in->count);
		a.bytes =
		    less(a.bytes, pick_inputs_bytes(in->files, in->count));
	}
	return a;
}

/* Tables of level 0, each of which every read looks into. */
static double
score_files(const struct look *k, unsigned level)
{
	unsigned max = k->scene->options->level0_tables;

	if (level > 0)
		return 0;
	return (double)amount_of(k, 0).count / (max ? max : 1);
}

static int
take_files(const struct look *k, struct pick *p)
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
score_size(const struct look *k, unsigned level)
{
	uint64_t bytes, target = k->shape.targets[level];

	if (level == 0 || level == PICK_SHAPE_LAST)
		return 0;
	bytes = amount_of(k, level).bytes;
	if (target > 0)
		return (double)bytes / (double)target;
	/* It should have none, which is not urgent. */
	target = k->scene->options->level_base_bytes;
	return bytes == 0 ? 0 : 1 + (double)bytes / (double)(target + 1);
}

static int
take_size(const struct look *k, struct pick *p)
{
	const struct pick_scene *s = k->scene;
	uint64_t bytes = s->version->levels[p->level].bytes;
	int err, rc;

	p->output_level = p->level + 1;
	rc = pick_inputs_add_cheapest(s, p);
	if (rc <= 0)
		return rc;
	err = pick_inputs_add_output(s->version, p);
	if (!err)
		err = pick_move_try(
		    s, p, less(bytes, k->shape.targets[p->level]));
	if (!err && !p->trivial)
		err = pick_inputs_grow(s, p);
	return err ? err : 1;
}

/* Of equal scores the first counts most. */
static const struct reason reasons[] = {
    {"files", score_files, take_files},
    {"size", score_size, take_size},
};

#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

/* --- what is needed most ------------------------------------------------ */

struct candidate {
	const struct reason *reason;
	unsigned level;
	double score;
};

/* Those with a score of 1 and above, the highest first. */
static size_t
candidates(const struct look *k, struct candidate *out)
{
	size_t n = 0, at;

	for (unsigned level = 0; level < LSM_LEVELS; level++) {
		for (size_t i = 0; i < REASONS; i++) {
			double score = reasons[i].score(k, level);

			if (score < 1)
				continue;
			for (at = n; at > 0 && out[at - 1].score < score; at--)
				out[at] = out[at - 1];
			out[at] = (struct candidate){&reasons[i], level, score};
			n++;
		}
	}
	return n;
}

static int
try(const struct look *k, const struct candidate *c, struct pick *p)
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

int
pick_next(const struct pick_scene *s, struct pick *out)
{
	const struct look k = {s, pick_shape_of(s->version, s->options)};
	struct candidate c[REASONS * LSM_LEVELS];
	size_t count = candidates(&k, c);
	bool reserved[LSM_LEVELS] = {false};
	struct pick p;
	int rc;

	for (size_t i = 0; i < count; i++) {
		rc = try(&k, &c[i], &p);
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

/* From the first table with deletes to the last: a whole range, so that the
 * outputs cannot overlap what is left out. */
static int
take_deletes(const struct version *v, struct pick *p)
{
	const struct version_level *l = &v->levels[p->level];
	size_t first = 0, end = l->count;

	while (first < end && !version_file_has_deletes(l->files[first]))
		first++;
	while (end > first && !version_file_has_deletes(l->files[end - 1]))
		end--;
	return pick_inputs_add(p, p->level, l->files + first, end - first);
}

int
pick_whole_level(const struct version *v, unsigned level, struct pick *out)
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
		err = take_deletes(v, &p);
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

bool
pick_key_is_deeper(const struct version *v, unsigned level, struct bytes user)
{
	const struct span s = span_of_key(user);

	return pick_inputs_is_deeper(v, level, &s);
}
