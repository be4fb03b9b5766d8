#include "engine/db/collect_plan.h"

#include <stdlib.h>

#include "engine/db/values.h"

/* As much garbage as this part of what is live, and a constant: as many bytes
 * as the log of a memtable may have (room.c). */
#define GARBAGE_PART     2
#define GARBAGE_MEMTABLE 4

/* A file is worth emptying if this part of it is garbage; eager: this. */
#define WORTH_PART       4
#define WORTH_PART_EAGER 10

/* Copies of this part of what is live, and half of the constant, are made
 * before what they are copies of can go. */
#define COPIES_PART 8

/* On demand this part, however much is free: a quota does not show there. */
#define COPIES_PART_EAGER 4

static uint64_t
constant_of(const struct lsm_options *o)
{
	return (uint64_t)o->memtable_bytes * GARBAGE_MEMTABLE;
}

static uint64_t
garbage_of(const struct version_use *u)
{
	/* 0: the log has not let go of it yet. */
	uint64_t bytes = values_content(u->file);

	return bytes > u->bytes ? bytes - u->bytes : 0;
}

void
collect_plan_figures(const struct version *v, const struct lsm_options *o,
    struct collect_plan_figures *out)
{
	struct collect_plan_figures f = {0};

	for (size_t i = 0; i < v->use_count; i++) {
		f.live += v->uses[i].bytes;
		f.garbage += garbage_of(&v->uses[i]);
	}
	f.max = f.live / GARBAGE_PART + constant_of(o);
	*out = f;
}

struct choice {
	uint64_t file;
	uint64_t live;
	uint64_t garbage;
};

/* Most garbage for what has to be moved first; then the oldest. */
static int
cmp_choice(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;
	double p = (double)x->garbage * (double)(y->live + y->garbage);
	double q = (double)y->garbage * (double)(x->live + x->garbage);

	if (p != q)
		return (p < q) - (p > q);
	return (x->file > y->file) - (x->file < y->file);
}

/* A new sorted array of those that are worth it. */
static int
choices_of(
    const struct version *v, bool eager, struct choice **out, size_t *count)
{
	uint64_t part = eager ? WORTH_PART_EAGER : WORTH_PART;
	struct choice *all = calloc(v->use_count + 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < v->use_count; i++) {
		const struct version_use *u = &v->uses[i];
		struct choice c = {u->file->file, u->bytes, garbage_of(u)};

		if (c.garbage > 0 && c.garbage >= (c.live + c.garbage) / part)
			all[n++] = c;
	}
	qsort(all, n, sizeof(*all), cmp_choice);
	*out = all;
	*count = n;
	return 0;
}

/* For copies; more if garbage comes faster than it goes. */
static uint64_t
room_of(const struct collect_plan_figures *f, const struct lsm_options *o)
{
	double share = (double)f->garbage / ((double)f->max + 1);
	double room =
	    (double)f->live / COPIES_PART + (double)constant_of(o) / 2;

	return (uint64_t)(room * share * share);
}

/* Down to half of what there may be. */
static int
take_some(const struct collect_plan_figures *f, const struct lsm_options *o,
    const struct choice *all, size_t count, struct vref_list *plan)
{
	uint64_t room = room_of(f, o);
	uint64_t garbage = f->garbage, copies = 0;
	int err = 0;

	for (size_t i = 0; i < count && garbage > f->max / 2 && !err; i++) {
		const struct vref r = {.file = all[i].file};

		copies += all[i].live;
		if (i > 0 && copies > room)
			break;
		garbage -= all[i].garbage;
		err = vref_list_add(plan, &r, 0);
	}
	return err;
}

/* One at least. */
static int
take_part(const struct choice *all, size_t count,
    const struct collect_part *part, struct vref_list *plan, uint64_t *copies)
{
	uint64_t bytes = 0;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const struct vref r = {.file = all[i].file};

		if (vref_number(r.file) >= part->end)
			continue;
		if (plan->count > 0 && bytes + all[i].live > part->room)
			break;
		bytes += all[i].live;
		err = vref_list_add(plan, &r, 0);
	}
	*copies = bytes;
	return err;
}

int
collect_plan_make(const struct version *v, const struct lsm_options *o,
    bool eager, struct vref_list *out)
{
	const struct collect_part whole = {UINT64_MAX, UINT64_MAX};
	struct collect_plan_figures f;
	struct vref_list plan = {0};
	struct choice *all;
	uint64_t copies;
	size_t count;
	int err;

	collect_plan_figures(v, o, &f);
	if (!eager && f.garbage <= f.max) {
		*out = plan;
		return 0;
	}
	err = choices_of(v, eager, &all, &count);
	if (err)
		return err;
	err = eager ? take_part(all, count, &whole, &plan, &copies)
		    : take_some(&f, o, all, count, &plan);
	free(all);
	if (err)
		vref_list_fini(&plan);
	else
		*out = plan;
	return err;
}

static uint64_t
room_eager(const struct version *v, const struct lsm_options *o)
{
	struct collect_plan_figures f;

	collect_plan_figures(v, o, &f);
	return f.live / COPIES_PART_EAGER + constant_of(o) / 2;
}

int
collect_plan_part(const struct version *v, const struct lsm_options *o,
    const struct collect_part *part, struct vref_list *out, uint64_t *copies)
{
	struct collect_part some = {part->end, room_eager(v, o)};
	struct vref_list plan = {0};
	struct choice *all;
	uint64_t bytes;
	size_t count;
	int err = choices_of(v, true, &all, &count);

	if (err)
		return err;
	if (some.room > part->room)
		some.room = part->room;
	err = take_part(all, count, &some, &plan, &bytes);
	free(all);
	if (err) {
		vref_list_fini(&plan);
		return err;
	}
	*out = plan;
	*copies = bytes;
	return 0;
}
