#include "engine/db/pick_move.h"

#include <stdlib.h>

#include "engine/db/pick_inputs.h"

static bool
overlaps(const struct version *v, unsigned level, const struct span *s)
{
	size_t first, end;

	span_overlap(v, level, s, &first, &end);
	return first < end;
}

static uint64_t
overlap_bytes(const struct version *v, unsigned level, const struct span *s)
{
	size_t first, end;

	span_overlap(v, level, s, &first, &end);
	return pick_inputs_bytes(v->levels[level].files + first, end - first);
}

/* Whether the table may stand at this level, if it can come there. */
static bool
may_stand(
    const struct pick_scene *s, const struct version_file *f, unsigned level)
{
	const struct span span = span_of(f);

	if ((version_file_has_deletes(f) ||
		version_file_is_due(f, s->now_ms)) &&
	    !span_is_held(s->version, level + 1, &span))
		return false;
	return level + 1 == LSM_LEVELS ||
	       overlap_bytes(s->version, level + 1, &span) <=
		   pick_overlap_limit(s->options);
}

/* The deepest level where the one input may stand, of those that it reaches,
 * from p->output_level on; 0: none. */
static unsigned
destination(const struct pick_scene *s, const struct pick *p)
{
	const struct version_file *f = p->inputs[p->level].files[0];
	unsigned best = 0;

	for (unsigned i = p->level + 1; i < LSM_LEVELS; i++) {
		if (overlaps(s->version, i, &p->span) ||
		    !pick_inputs_free(s, p->level, i, &p->span))
			break;
		if (i >= p->output_level && may_stand(s, f, i))
			best = i;
	}
	return best;
}

/* Whether files[at] of level 0 shares no key with another table there. */
static bool
is_alone(const struct version_level *l, size_t at)
{
	const struct span span = span_of(l->files[at]);

	for (size_t i = 0; i < l->count; i++)
		if (i != at && span_meets(&span, l->files[i]))
			return false;
	return true;
}

/* Whether files[at] of p->level can go along with the inputs. */
static bool
goes_along(const struct pick_scene *s, const struct pick *p, size_t at)
{
	const struct version_level *l = &s->version->levels[p->level];
	struct version_file *f = l->files[at];
	const struct span span = span_of(f);
	struct span all = p->span;

	if (p->level == 0 && !is_alone(l, at))
		return false;
	for (unsigned i = p->level + 1; i <= p->output_level; i++)
		if (overlaps(s->version, i, &span))
			return false;
	span_widen(&all, f);
	return may_stand(s, f, p->output_level) &&
	       pick_inputs_free(s, p->level, p->output_level, &all);
}

static size_t
index_of(const struct version_level *l, const struct version_file *f)
{
	size_t i = 0;

	while (l->files[i] != f)
		i++;
	return i;
}

static void
append(struct pick *p, struct version_file *f)
{
	struct pick_input *in = &p->inputs[p->level];

	in->files[in->count++] = f;
	span_widen(&p->span, f);
	p->bytes += f->bytes;
}

/* Level 0: all others, the newest first as they stand there. */
static void
take_others(const struct pick_scene *s, struct pick *p)
{
	const struct version_level *l = &s->version->levels[0];
	const struct version_file *first = p->inputs[0].files[0];

	for (size_t i = l->count; i-- > 0;)
		if (l->files[i] != first && goes_along(s, p, i))
			append(p, l->files[i]);
}

/* Deeper: those that follow, without a gap. */
static void
take_following(const struct pick_scene *s, struct pick *p, uint64_t bytes_max)
{
	const struct version_level *l = &s->version->levels[p->level];
	size_t i = index_of(l, p->inputs[p->level].files[0]) + 1;

	while (i < l->count && p->bytes < bytes_max && goes_along(s, p, i))
		append(p, l->files[i++]);
}

/* Room for more inputs. */
static int
make_room(struct pick *p, size_t count)
{
	struct pick_input *in = &p->inputs[p->level];
	struct version_file **files =
	    reallocarray(in->files, count, sizeof(*files));

	if (!files)
		return -ENOMEM;
	in->files = files;
	return 0;
}

int
pick_move_try(const struct pick_scene *s, struct pick *p, uint64_t bytes_max)
{
	unsigned to;
	int err;

	if (p->output_level == p->level || p->inputs[p->level].count != 1 ||
	    p->bytes != p->inputs[p->level].files[0]->bytes)
		return 0;
	to = destination(s, p);
	if (to == 0)
		return 0;
	err = make_room(p, s->version->levels[p->level].count);
	if (err)
		return err;
	p->output_level = to;
	p->trivial = true;
	if (p->level == 0)
		take_others(s, p);
	else
		take_following(s, p, bytes_max);
	return 0;
}
