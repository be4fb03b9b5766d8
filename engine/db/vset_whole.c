#include "engine/base/must.h"
#include "engine/db/vset.h"

/* By who has the turn: relaxed (vset_apply.c). */
static uint64_t
load(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int
whole_files(const struct version *v, struct edit *whole)
{
	int err = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; !err && j < v->levels[i].count; j++)
			err = edit_add_file(whole, i, v->levels[i].files[j]);
	return err;
}

static int
whole_snapshots(const struct vset *s, const struct edit *e, struct edit *whole)
{
	const struct named *n;
	int err = named_add_all(&whole->snapshots, &s->named);

	if (err)
		return err;
	for (n = named_first(&e->drops); n; n = named_next(n))
		must(named_remove(&whole->snapshots, n->name) == 0);
	return named_add_all(&whole->snapshots, &e->snapshots);
}

int
vset_whole_after(struct vset *s, const struct version *v, const struct edit *e,
    struct edit *out)
{
	struct edit whole = {
	    .log_number = larger(e->log_number, load(&s->log_number)),
	    .next_number = load(&s->next_number),
	    .last_seq = larger(e->last_seq, load(&s->last_seq)),
	};
	int err = whole_files(v, &whole);

	if (!err)
		err = whole_snapshots(s, e, &whole);
	if (err)
		edit_fini(&whole);
	else
		*out = whole;
	return err;
}

int
vset_whole(struct vset *s, struct edit *out)
{
	const struct edit nothing = {0};
	int err;

	vset_turn_begin(s);
	err = vset_whole_after(s, s->current, &nothing, out);
	vset_turn_end(s);
	return err;
}
