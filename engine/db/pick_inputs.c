#include "engine/db/pick_inputs.h"

#include <stdlib.h>

#include "engine/base/must.h"

uint64_t
pick_inputs_bytes(struct version_file *const *files, size_t count)
{
	uint64_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += files[i]->bytes;
	return n;
}

static bool
has_inputs(const struct pick *p)
{
	return p->bytes > 0;
}

int
pick_inputs_add(struct pick *p, unsigned level,
    struct version_file *const *files, size_t count)
{
	struct pick_input *in = &p->inputs[level];

	must(!in->files);
	if (count == 0)
		return 0;
	in->files = calloc(count, sizeof(*files));
	if (!in->files)
		return -ENOMEM;
	memcpy(in->files, files, count * sizeof(*files));
	in->count = count;
	if (!has_inputs(p))
		p->span = span_of(files[0]);
	for (size_t i = 0; i < count; i++)
		span_widen(&p->span, files[i]);
	p->bytes += pick_inputs_bytes(files, count);
	return 0;
}

int
pick_inputs_add_one(struct pick *p, struct version_file *f)
{
	int err;

	if (!f)
		return 0;
	err = pick_inputs_add(p, p->level, &f, 1);
	return err ? err : 1;
}

void
pick_inputs_clear(struct pick *p)
{
	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		free(p->inputs[i].files);
		p->inputs[i] = (struct pick_input){0};
	}
	p->bytes = 0;
}

/* No user key stands in two tables of a level > 0, so neither side needs to be
 * widened for that. */
int
pick_inputs_add_output(const struct version *v, struct pick *p)
{
	size_t first, end;

	span_overlap(v, p->output_level, &p->span, &first, &end);
	return pick_inputs_add(p, p->output_level,
	    v->levels[p->output_level].files + first, end - first);
}

bool
pick_inputs_free(const struct pick_scene *s, unsigned level,
    unsigned output_level, const struct span *span)
{
	const struct pick *r;

	TAILQ_FOREACH (r, s->running, link)
		if (r->level <= output_level && level <= r->output_level &&
		    span_meet(&r->span, span))
			return false;
	return true;
}

/* --- level 0 ----------------------------------------------------------- */

/* Puts files[seed] of the level, and what it overlaps, into files; returns how
 * many.  *span: of them. */
static size_t
closure(const struct version_level *l, size_t seed, struct version_file **files,
    struct span *span)
{
	size_t count = 1, before = 0;

	*span = span_of(l->files[seed]);
	while (count != before) {
		before = count;
		count = 0;
		for (size_t i = 0; i < l->count; i++) {
			if (!span_meets(span, l->files[i]))
				continue;
			span_widen(span, l->files[i]);
			files[count++] = l->files[i];
		}
	}
	return count;
}

bool
pick_inputs_free_below(
    const struct pick_scene *s, const struct pick *p, struct span all)
{
	const struct version_level *l = &s->version->levels[p->output_level];
	size_t first, end;

	span_overlap(s->version, p->output_level, &all, &first, &end);
	if (first < end) {
		span_widen(&all, l->files[first]);
		span_widen(&all, l->files[end - 1]);
	}
	return pick_inputs_free(s, p->level, p->output_level, &all);
}

int
pick_inputs_add_level0(const struct pick_scene *s, struct pick *p)
{
	const struct version_level *l = &s->version->levels[0];
	struct version_file **files = calloc(l->count + 1, sizeof(*files));
	struct span span;
	size_t count;
	int rc = 0;

	if (!files)
		return -ENOMEM;
	for (size_t i = l->count; rc == 0 && i-- > 0;) {
		count = closure(l, i, files, &span);
		if (!pick_inputs_free_below(s, p, span))
			continue;
		rc = pick_inputs_add(p, 0, files, count);
		if (rc == 0)
			rc = 1;
	}
	free(files);
	return rc;
}

/* --- deeper levels ----------------------------------------------------- */

/* The first table that begins behind the cursor; may be count. */
static size_t
behind(const struct version_level *l, struct bytes cursor)
{
	size_t i = 0;

	while (i < l->count && cursor.size > 0 &&
	       bytes_cmp(l->files[i]->span.first, cursor) <= 0)
		i++;
	return i;
}

static double
cost(const struct pick_scene *s, const struct pick *p,
    const struct version_file *f)
{
	const struct version_level *out = &s->version->levels[p->output_level];
	const struct span span = span_of(f);
	size_t first, end;

	span_overlap(s->version, p->output_level, &span, &first, &end);
	return (double)pick_inputs_bytes(out->files + first, end - first) /
	       (double)f->bytes;
}

int
pick_inputs_add_cheapest(const struct pick_scene *s, struct pick *p)
{
	const struct version_level *l = &s->version->levels[p->level];
	size_t start = behind(l, buf_bytes(&s->cursors[p->level]));
	struct version_file *best = NULL;
	double best_cost = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct version_file *f = l->files[(start + i) % l->count];
		double c = cost(s, p, f);

		if (best && c >= best_cost)
			continue;
		if (!pick_inputs_free_below(s, p, span_of(f)))
			continue;
		best = f;
		best_cost = c;
	}
	return pick_inputs_add_one(p, best);
}

/* Whether files[at] of p->level needs no more of the output level than [first,
 * end), and nothing else stands there up to it: an output may reach over both.
 */
static bool
fits(const struct pick_scene *s, const struct pick *p, size_t at, size_t first,
    size_t end)
{
	struct span all = p->span;
	size_t a, b;

	span_widen(&all, s->version->levels[p->level].files[at]);
	span_overlap(s->version, p->output_level, &all, &a, &b);
	if (a < b && (a < first || b > end))
		return false;
	return pick_inputs_free(s, p->level, p->output_level, &all);
}

int
pick_inputs_grow(const struct pick_scene *s, struct pick *p)
{
	const struct version_level *l = &s->version->levels[p->level];
	struct pick_input *in = &p->inputs[p->level];
	size_t first, end, low, high;

	must(p->level > 0 && in->count == 1);
	span_overlap(s->version, p->output_level, &p->span, &first, &end);
	low = version_find(l->files, l->count, in->files[0]->span.first);
	high = low + 1;
	while (low > 0 && fits(s, p, low - 1, first, end))
		span_widen(&p->span, l->files[--low]);
	while (high < l->count && fits(s, p, high, first, end))
		span_widen(&p->span, l->files[high++]);
	p->bytes -= in->files[0]->bytes;
	free(in->files);
	*in = (struct pick_input){0};
	return pick_inputs_add(p, p->level, l->files + low, high - low);
}
