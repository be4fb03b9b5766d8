#include "engine/db/pick_part.h"

#include "engine/base/must.h"
#include "engine/db/pick_inputs.h"
#include "engine/db/pick_shape.h"

static unsigned
output_level(const struct version *v, unsigned level)
{
	for (unsigned i = level + 1; i < LSM_LEVELS; i++)
		if (v->levels[i].count > 0)
			return i;
	return level;
}

static size_t
begins_behind(const struct version_level *l, const struct span *after)
{
	size_t i = 0;

	while (after && i < l->count && !span_before(after, &l->files[i]->span))
		i++;
	return i;
}

/* files[at] of p->level, with what it overlaps: 1, <0. */
static int
take_table(const struct version *v, size_t at, const struct pick *like,
    struct pick *out)
{
	struct pick p = *like;
	int err =
	    pick_inputs_add(&p, p.level, v->levels[p.level].files + at, 1);

	if (!err && p.output_level > p.level)
		err = pick_inputs_add_output(v, &p);
	if (err) {
		pick_fini(&p);
		return err;
	}
	*out = p;
	return 1;
}

int
pick_part_next(const struct version *v, unsigned level,
    const struct span *after, uint64_t now_ms, struct pick *out)
{
	const struct version_level *l = &v->levels[level];
	struct pick p = {.reason = "asked",
	    .level = level,
	    .output_level = output_level(v, level)};
	size_t i = begins_behind(l, after);

	must(level > 0);
	if (p.output_level == level)
		while (
		    i < l->count && !version_file_has_dead(l->files[i], now_ms))
			i++;
	if (i == l->count)
		return 0;
	return take_table(v, i, &p, out);
}

int
pick_part_oldest(const struct version *v, struct pick *out)
{
	const struct version_level *l = &v->levels[0];
	struct pick p = {.reason = "asked", .output_level = output_level(v, 0)};

	if (l->count == 0)
		return 0;
	/* Rewritten where it is it would be the newest. */
	if (p.output_level == 0)
		p.output_level = PICK_SHAPE_LAST;
	return take_table(v, l->count - 1, &p, out);
}
