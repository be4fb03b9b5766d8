#include "engine/db/pick_deletes.h"

#include "engine/db/pick_inputs.h"
#include "engine/db/pick_move.h"
#include "engine/db/resolve.h"

/* Of so many entries one is dead. */
#define DENSE_PART 4

struct share {
	uint64_t dead;
	uint64_t entries;
};

/* What a snapshot keeps is not dead. */
static void
add_table(struct share *s, const struct version_file *f, uint64_t oldest_seq)
{
	uint64_t ranges = f->ranges * RESOLVE_RUN_MIN;

	if (f->seq_max <= oldest_seq)
		s->dead += f->deletes + ranges;
	if (f->hidden.by_seq <= oldest_seq)
		s->dead += f->hidden.count;
	s->entries += f->entries + ranges;
}

/* Of at least one entry. */
static double
parts(const struct share *s)
{
	return (double)s->dead * DENSE_PART / (double)s->entries;
}

/* By itself, whatever stands below. */
static double
own_parts(const struct version_file *f, uint64_t oldest_seq)
{
	struct share s = {0};

	if (!version_file_has_deletes(f) && f->hidden.count == 0)
		return 0;
	add_table(&s, f, oldest_seq);
	return parts(&s);
}

/* Tables of level 0 that overlap come down together. */
static void
add_level0(
    struct share *s, const struct pick_scene *scene, const struct span *span)
{
	const struct version_level *l = &scene->version->levels[0];

	for (size_t i = 0; i < l->count; i++)
		if (span_meets(span, l->files[i]))
			add_table(s, l->files[i], scene->oldest_seq);
}

static void
add_below(struct share *s, const struct version *v, unsigned level,
    const struct span *span)
{
	size_t first, end;

	for (unsigned i = level + 1; i < LSM_LEVELS; i++) {
		span_overlap(v, i, span, &first, &end);
		for (; first < end; first++)
			s->entries += v->levels[i].files[first]->entries;
	}
}

static double
density(
    const struct pick_scene *s, unsigned level, const struct version_file *f)
{
	const struct span span = span_of(f);
	double own = own_parts(f, s->oldest_seq);
	struct share all = {0};

	if (own < 1)
		return 0;
	if (s->idle)
		return own;
	if (level == 0)
		add_level0(&all, s, &span);
	else
		add_table(&all, f, s->oldest_seq);
	add_below(&all, s->version, level, &span);
	return parts(&all);
}

/* Where it goes. */
static unsigned
output_level(const struct pick_scene *s, unsigned level, const struct span *sp)
{
	return span_is_held(s->version, level + 1, sp) ? level + 1 : level;
}

/* Level 0: whoever brings it down, and how far. */
static bool
is_free(const struct pick_scene *s, unsigned level, const struct span *span)
{
	const struct pick p = {
	    .level = level, .output_level = output_level(s, level, span)};

	return level == 0 ? pick_inputs_free(s, 0, 0, span)
			  : pick_inputs_free_below(s, &p, *span);
}

/* The densest of the level that nobody has; NULL: none is dense. */
static struct version_file *
densest(const struct pick_scene *s, unsigned level, double *score)
{
	const struct version_level *l = &s->version->levels[level];
	struct version_file *best = NULL;

	*score = 1;
	for (size_t i = 0; i < l->count; i++) {
		struct version_file *f = l->files[i];
		const struct span span = span_of(f);
		double d = density(s, level, f);

		if (d < *score || (best && d == *score) ||
		    !is_free(s, level, &span))
			continue;
		best = f;
		*score = d;
	}
	return best;
}

double
pick_deletes_score(const struct pick_look *k, unsigned level)
{
	double score;

	return densest(k->scene, level, &score) ? pick_reason_weigh(score) : 0;
}

double
pick_deletes_score_level0(const struct pick_look *k, unsigned level)
{
	return level == 0 ? pick_deletes_score(k, 0) : 0;
}

int
pick_deletes_take(const struct pick_look *k, struct pick *p)
{
	const struct pick_scene *s = k->scene;
	double score;
	struct version_file *f = densest(s, p->level, &score);
	int err = 0, rc;

	p->output_level = p->level;
	rc = pick_inputs_add_one(p, f);
	if (rc <= 0)
		return rc;
	p->output_level = output_level(s, p->level, &p->span);
	if (p->output_level > p->level)
		err = pick_inputs_add_output(s->version, p);
	if (!err)
		err = pick_move_try(s, p, 0);
	return err ? err : 1;
}

/* As pick_deletes_awaits, of one table. */
static uint64_t
awaits(const struct version_file *f, uint64_t oldest_seq)
{
	uint64_t by_seq = f->hidden.by_seq;

	if (by_seq > oldest_seq && own_parts(f, by_seq) >= 1)
		return by_seq;
	if (f->seq_max > oldest_seq && version_file_has_deletes(f) &&
	    own_parts(f, f->seq_max) >= 1)
		return f->seq_max;
	return 0;
}

uint64_t
pick_deletes_awaits(const struct pick_scene *s)
{
	uint64_t seq = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		const struct version_level *l = &s->version->levels[i];

		for (size_t j = 0; j < l->count; j++) {
			uint64_t n = awaits(l->files[j], s->oldest_seq);

			if (n > 0 && (seq == 0 || n < seq))
				seq = n;
		}
	}
	return seq;
}
