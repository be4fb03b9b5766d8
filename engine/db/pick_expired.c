#include "engine/db/pick_expired.h"

#include "engine/db/pick_inputs.h"

/* The first table of the level that is due and nobody's; its count: none. */
static size_t
find_due(const struct pick_scene *s, unsigned level)
{
	const struct version_level *l = &s->version->levels[level];
	size_t i = 0;

	while (i < l->count &&
	       !(version_file_is_due(l->files[i], s->now_ms) &&
		   pick_inputs_free(s, level, level, &l->files[i]->span)))
		i++;
	return i;
}

double
pick_expired_score(const struct pick_look *k, unsigned level)
{
	const struct pick_scene *s = k->scene;

	if (level == 0 || s->version->expiring_count == 0)
		return 0;
	return find_due(s, level) < s->version->levels[level].count;
}

int
pick_expired_take(const struct pick_look *k, struct pick *p)
{
	const struct version_level *l = &k->scene->version->levels[p->level];
	size_t i = find_due(k->scene, p->level);

	p->output_level = p->level;
	return pick_inputs_add_one(p, i < l->count ? l->files[i] : NULL);
}
