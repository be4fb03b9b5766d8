#include "engine/db/pick.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/pick_inputs.h"

#define LEVEL_LAST     (LSM_LEVELS - 1)
#define LEVEL_FACTOR   10
#define OVERLAP_FACTOR 10

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

uint64_t
pick_level_limit(const struct lsm_options *o, unsigned level)
{
	uint64_t limit = o->level_base_bytes;

	must(level > 0 && level < LSM_LEVELS);
	if (level == LEVEL_LAST)
		return UINT64_MAX;
	for (unsigned i = 1; i < level; i++)
		limit = times(limit, LEVEL_FACTOR);
	return limit;
}

/* --- reasons ----------------------------------------------------------- */

/*
 * Why a level may need compaction.  score: how much, 1 and above: it does.
 * take: the inputs for it, *p having level and score; 1, 0: what would be
 * needed belongs to compactions that run, <0.
 */
struct reason {
	const char *name;
	double (*score)(const struct pick_scene *s, unsigned level);
	int (*take)(const struct pick_scene *s, struct pick *p);
};

/* Tables of level 0, each of which every read looks into. */
static double
score_files(const struct pick_scene *s, unsigned level)
{
	unsigned max = s->options->level0_tables;

	if (level > 0)
		return 0;
	return (double)s->version->levels[0].count / (max ? max : 1);
}

static int
with_output(const struct pick_scene *s, struct pick *p)
{
	int err = pick_inputs_add_output(s->version, p);

	return err ? err : 1;
}

static int
take_files(const struct pick_scene *s, struct pick *p)
{
	int rc;

	p->output_level = 1;
	rc = pick_inputs_add_level0(s, p);
	return rc > 0 ? with_output(s, p) : rc;
}

/* Bytes of a level beyond its share; the last one has nowhere to go. */
static double
score_size(const struct pick_scene *s, unsigned level)
{
	uint64_t limit;

	if (level == 0 || level == LEVEL_LAST)
		return 0;
	limit = pick_level_limit(s->options, level);
	return (double)s->version->levels[level].bytes /
	       (double)(limit ? limit : 1);
}

static int
take_size(const struct pick_scene *s, struct pick *p)
{
	int rc;

	p->output_level = p->level + 1;
	rc = pick_inputs_add_cheapest(s, p);
	return rc > 0 ? with_output(s, p) : rc;
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
candidates(const struct pick_scene *s, struct candidate *out)
{
	size_t n = 0, at;

	for (unsigned level = 0; level < LSM_LEVELS; level++) {
		for (size_t i = 0; i < REASONS; i++) {
			double score = reasons[i].score(s, level);

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

static bool
is_deeper(const struct version *v, unsigned level, const struct span *s)
{
	size_t first, end;

	for (unsigned i = level + 1; i < LSM_LEVELS; i++) {
		span_overlap(v, i, s, &first, &end);
		if (first < end)
			return true;
	}
	return false;
}

static uint64_t
overlap_bytes(const struct version *v, unsigned level, const struct span *s)
{
	size_t first, end;

	span_overlap(v, level, s, &first, &end);
	return pick_inputs_bytes(v->levels[level].files + first, end - first);
}

/*
 * Whether the one input can move as it is.  Not if it would then overlap so
 * much below that its own compaction becomes costly, and not with deletes to
 * where nothing older stands: there they would stay for good.
 */
static bool
is_move(const struct pick_scene *s, const struct pick *p)
{
	unsigned below = p->output_level + 1;

	if (p->inputs[p->level].count != 1 || p->output_level == p->level ||
	    p->inputs[p->output_level].count > 0)
		return false;
	if (version_file_has_deletes(p->inputs[p->level].files[0]) &&
	    !is_deeper(s->version, p->output_level, &p->span))
		return false;
	return below >= LSM_LEVELS ||
	       overlap_bytes(s->version, below, &p->span) <=
		   pick_overlap_limit(s->options);
}

static int
try(const struct pick_scene *s, const struct candidate *c, struct pick *p)
{
	int rc;

	*p = (struct pick){
	    .reason = c->reason->name, .level = c->level, .score = c->score};
	rc = c->reason->take(s, p);
	if (rc > 0)
		p->trivial = is_move(s, p);
	else if (rc < 0)
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
	struct candidate c[REASONS * LSM_LEVELS];
	size_t count = candidates(s, c);
	bool reserved[LSM_LEVELS] = {false};
	struct pick p;
	int rc;

	for (size_t i = 0; i < count; i++) {
		rc = try(s, &c[i], &p);
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
		p.output_level = level == 0 ? 1 : level;
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

	return is_deeper(v, level, &s);
}
