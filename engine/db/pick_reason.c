#include "engine/db/pick_reason.h"

#include "engine/db/pick_inputs.h"
#include "engine/db/pick_move.h"

static size_t
less(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

/* A compaction that is installed may still be among those that run. */
struct pick_amount
pick_reason_amount(const struct pick_look *k, unsigned level)
{
	const struct version_level *l = &k->scene->version->levels[level];
	struct pick_amount a = {l->count, l->bytes};
	const struct pick *p;

	TAILQ_FOREACH (p, k->scene->running, link) {
		const struct pick_input *in = &p->inputs[level];

		if (p->output_level == level)
			continue;
		a.count = less(a.count, in->count);
		a.bytes =
		    less(a.bytes, pick_inputs_bytes(in->files, in->count));
	}
	return a;
}

double
pick_reason_score_files(const struct pick_look *k, unsigned level)
{
	unsigned max = k->scene->options->level0_tables;

	if (level > 0)
		return 0;
	return (double)pick_reason_amount(k, 0).count / (max ? max : 1);
}

int
pick_reason_take_cheapest(
    const struct pick_look *k, struct pick *p, uint64_t bytes_max)
{
	const struct pick_scene *s = k->scene;
	int err, rc;

	rc = pick_inputs_add_cheapest(s, p);
	if (rc <= 0)
		return rc;
	err = pick_inputs_add_output(s->version, p);
	if (!err)
		err = pick_move_try(s, p, bytes_max);
	if (!err && !p->trivial)
		err = pick_inputs_grow(s, p);
	return err ? err : 1;
}
