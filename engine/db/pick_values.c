#include "engine/db/pick_values.h"

#include "engine/db/collect_plan.h"
#include "engine/db/pick_inputs.h"
#include "engine/db/values.h"

/* What may be hidden: this part of what the last level refers to, or as many
 * times the log of a memtable (room.c) as level 0 may have tables. */
#define HIDDEN_PART     4
#define HIDDEN_MEMTABLE 4

void
pick_values_fini(struct pick_values *k)
{
	vref_list_fini(&k->plan);
}

/* --- garbage -------------------------------------------------------------- */

static uint64_t
planned_bytes(const struct version_file *f, const struct vref_list *plan)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->value_refs.count; i++)
		if (vref_list_find(plan, f->value_refs.uses[i].file))
			n += f->value_refs.uses[i].bytes;
	return n;
}

/* Which level has how much of it, as a part of everything. */
static void
spread_garbage(const struct version *v, double score, struct pick_values *k)
{
	uint64_t all = 0, n[LSM_LEVELS] = {0};

	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		for (size_t j = 0; j < v->levels[i].count; j++)
			n[i] += planned_bytes(v->levels[i].files[j], &k->plan);
		all += n[i];
	}
	/* Those of level 0 cannot be rewritten where they are, for newer ones
	 * must have higher numbers: they come down soon. */
	for (unsigned i = 1; i < LSM_LEVELS; i++)
		if (n[i] > 0)
			k->garbage[i] =
			    score * (1 + (double)n[i] / (double)all / 100);
}

static int
look_at_garbage(const struct pick_scene *s, struct pick_values *k)
{
	struct collect_plan_figures f;
	int err;

	collect_plan_figures(s->version, s->options, &f);
	if (f.garbage <= f.max)
		return 0;
	err = collect_plan_make(s->version, s->options, false, &k->plan);
	if (!err)
		spread_garbage(
		    s->version, (double)f.garbage / ((double)f.max + 1), k);
	return err;
}

int
pick_values_add(
    const struct pick_scene *s, const struct vref_list *plan, struct pick *p)
{
	const struct version_level *l = &s->version->levels[p->level];
	struct version_file *best = NULL;
	uint64_t most = 0;

	p->output_level = p->level;
	for (size_t i = 0; i < l->count; i++) {
		struct version_file *f = l->files[i];
		const struct span span = span_of(f);
		uint64_t n = planned_bytes(f, plan);

		if (n <= most ||
		    !pick_inputs_free(s, p->level, p->level, &span))
			continue;
		best = f;
		most = n;
	}
	return pick_inputs_add_one(p, best);
}

int
pick_values_any(
    const struct version *v, const struct vref_list *plan, struct pick *p)
{
	struct pick_list none = TAILQ_HEAD_INITIALIZER(none);
	const struct pick_scene s = {.version = v, .running = &none};
	int rc = 0;

	for (p->level = 1; rc == 0 && p->level < LSM_LEVELS; p->level++) {
		rc = pick_values_add(&s, plan, p);
		if (rc != 0)
			break;
	}
	return rc;
}

/* --- what is hidden ------------------------------------------------------- */

static bool
is_swept(const struct version_file *by, const struct version_file *f)
{
	struct bytes begin = buf_bytes(&by->ranges_begin);
	struct bytes end = buf_bytes(&by->ranges_end);
	int c;

	if (bytes_cmp(f->span.first, begin) < 0)
		return false;
	if (end.size == 0 || f->span.end == SPAN_OPEN)
		return end.size == 0;
	c = bytes_cmp(f->span.last, end);
	return f->span.end == SPAN_EXCLUDED ? c <= 0 : c < 0;
}

/* What deeper tables refer to that are wholly under the range tombstones. */
static uint64_t
swept_by(const struct version *v, unsigned level, const struct version_file *by)
{
	uint64_t n = 0;

	for (unsigned i = level + 1; i < LSM_LEVELS; i++)
		for (size_t j = 0; j < v->levels[i].count; j++)
			if (is_swept(by, v->levels[i].files[j]))
				n += v->levels[i].files[j]->value_bytes;
	return n;
}

/* What an entry refers to on average. */
static double
average_of(const struct version *v)
{
	uint64_t entries = 0, bytes = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		for (size_t j = 0; j < v->levels[i].count; j++) {
			const struct version_file *f = v->levels[i].files[j];

			entries += f->entries - f->deletes;
			bytes += f->value_bytes;
		}
	}
	return (double)bytes / (double)(entries + 1);
}

/* How much in the levels below the table may hide. */
static double
hidden_by(const struct version *v, unsigned level, const struct version_file *f,
    double average)
{
	double n = (double)f->value_bytes + average * (double)f->deletes;

	return f->ranges > 0 ? n + (double)swept_by(v, level, f) : n;
}

static uint64_t
value_bytes_of(const struct version_level *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += l->files[i]->value_bytes;
	return n;
}

/* The deepest level that refers to anything; *bytes: how much. */
static unsigned
last_level(const struct version *v, uint64_t *bytes)
{
	unsigned i = LSM_LEVELS;

	do
		*bytes = value_bytes_of(&v->levels[--i]);
	while (i > 0 && *bytes == 0);
	return i;
}

static void
look_for_hidden(const struct pick_scene *s, struct pick_values *k)
{
	const struct version *v = s->version;
	double max = (double)s->options->memtable_bytes * HIDDEN_MEMTABLE *
		     s->options->level0_tables;
	double average = average_of(v);
	uint64_t last_bytes;
	unsigned last = last_level(v, &last_bytes);

	if ((double)last_bytes / HIDDEN_PART > max)
		max = (double)last_bytes / HIDDEN_PART;
	for (unsigned i = 0; i < last; i++) {
		const struct version_level *l = &v->levels[i];

		for (size_t j = 0; j < l->count; j++)
			k->hidden[i] +=
			    hidden_by(v, i, l->files[j], average) / (max + 1);
	}
}

/* Its bytes, and of what it meets in the output level. */
static uint64_t
way_down(const struct pick_scene *s, const struct pick *p,
    const struct version_file *f)
{
	const struct version_level *out = &s->version->levels[p->output_level];
	const struct span span = span_of(f);
	size_t first, end;

	span_overlap(s->version, p->output_level, &span, &first, &end);
	return f->bytes + pick_inputs_bytes(out->files + first, end - first);
}

int
pick_values_add_hiding(const struct pick_scene *s, struct pick *p)
{
	const struct version_level *l = &s->version->levels[p->level];
	double average = average_of(s->version), most = 0, n;
	struct version_file *best = NULL;

	for (size_t i = 0; i < l->count; i++) {
		struct version_file *f = l->files[i];

		n = hidden_by(s->version, p->level, f, average) /
		    (double)way_down(s, p, f);
		if (n <= most || !pick_inputs_free_below(s, p, span_of(f)))
			continue;
		best = f;
		most = n;
	}
	return pick_inputs_add_one(p, best);
}

int
pick_values_look(const struct pick_scene *s, struct pick_values *out)
{
	struct pick_values k = {0};
	int err = 0;

	if (s->version->use_count > 0) {
		look_for_hidden(s, &k);
		err = look_at_garbage(s, &k);
	}
	if (!err)
		*out = k;
	return err;
}
