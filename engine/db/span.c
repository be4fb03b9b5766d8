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

static const struct version_file *
holder_in_level0(const struct version_level *l, const struct span *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (span_meets(s, l->files[i]))
			return l->files[i];
	return NULL;
}

const struct version_file *
span_holder(const struct version *v, unsigned level, const struct span *s)
{
	const struct version_file *f = NULL;
	size_t first, end;

	if (level == 0)
		f = holder_in_level0(&v->levels[0], s);
	for (unsigned i = level > 0 ? level : 1; !f && i < LSM_LEVELS; i++) {
		span_overlap(v, i, s, &first, &end);
		if (first < end)
			f = v->levels[i].files[first];
	}
	return f;
}

bool
span_holds_key(struct span_keys *k, struct bytes user)
{
	const struct span s = span_of_key(user);

	if (!k->last || !span_meets(&s, k->last))
		k->last = span_holder(k->version, k->level, &s);
	return k->last != NULL;
}
