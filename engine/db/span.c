#include "engine/db/span.h"

#include "engine/base/must.h"

void
span_overlap(const struct version *v, unsigned level, const struct span *s,
    size_t *first, size_t *end)
{
	const struct version_level *l = &v->levels[level];
	size_t low, high = l->count;

	must(level > 0 && level < LSM_LEVELS);
	low = version_find_level(l, s->first);
	*first = low;
	/* The first that begins behind s. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (span_before(s, &l->files[mid]->span))
			high = mid;
		else
			low = mid + 1;
	}
	*end = low;
}

static bool
is_held_in_level0(const struct version_level *l, const struct span *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (span_meets(s, l->files[i]))
			return true;
	return false;
}

bool
span_is_held(const struct version *v, unsigned level, const struct span *s)
{
	size_t first, end;

	if (level == 0 && is_held_in_level0(&v->levels[0], s))
		return true;
	for (unsigned i = level > 0 ? level : 1; i < LSM_LEVELS; i++) {
		span_overlap(v, i, s, &first, &end);
		if (first < end)
			return true;
	}
	return false;
}
