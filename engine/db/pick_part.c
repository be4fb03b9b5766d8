#include "engine/db/pick_part.h"

#include "engine/base/must.h"
#include "engine/db/pick_inputs.h"

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

int
pick_part_next(const struct version *v, unsigned level,
    const struct span *after, uint64_t now_ms, struct pick *out)
{
	const struct version_level *l = &v->levels[level];
	struct pick p = {.reason = "asked",
	    .level = level,
	    .output_level = output_level(v, level)};
	size_t i = begins_behind(l, after);
	int err;

	must(level > 0);
	if (p.output_level == level)
		while (
		    i < l->count && !version_file_has_dead(l->files[i], now_ms))
			i++;
	if (i == l->count)
		return 0;
	err = pick_inputs_add(&p, level, l->files + i, 1);
	if (!err && p.output_level > level)
		err = pick_inputs_add_output(v, &p);
	if (err) {
		pick_fini(&p);
		return err;
	}
	*out = p;
	return 1;
}
