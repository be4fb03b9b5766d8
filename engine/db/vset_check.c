#include <inttypes.h>

#include "engine/db/manifest.h"
#include "engine/db/vset.h"

static bool
same_levels(const struct version *a, const struct version *b)
{
	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		const struct version_level *x = &a->levels[i];
		const struct version_level *y = &b->levels[i];

		if (x->count != y->count)
			return false;
		for (size_t j = 0; j < x->count; j++)
			if (x->files[j]->number != y->files[j]->number)
				return false;
	}
	return true;
}

static int
same_tables(struct vset *s, const struct edit *whole, bool *same)
{
	struct version *v;
	int err = version_build(NULL, whole, s->sink, &v);

	if (err)
		return err;
	*same = same_levels(v, s->current);
	version_unref(v);
	return 0;
}

/* What is recorded is changed by who has the turn only: relaxed. */
static bool
same_numbers(struct vset *s, const struct edit *whole)
{
	return whole->log_number ==
		   atomic_load_explicit(&s->log_number, memory_order_relaxed) &&
	       whole->last_seq ==
		   atomic_load_explicit(&s->last_seq, memory_order_relaxed);
}

/* Sets *what to what is not the same; NULL: everything is. */
static int
compare(struct vset *s, const struct manifest_state *state, const char **what)
{
	const struct edit *whole = &state->whole;
	bool tables;
	int err = same_tables(s, whole, &tables);

	if (err)
		return err;
	*what = NULL;
	if (state->number != s->manifest_number)
		*what = "the name of another manifest";
	else if (!tables)
		*what = "other tables";
	else if (!named_same(&whole->snapshots, &s->named))
		*what = "other snapshots";
	else if (!same_numbers(s, whole))
		*what = "other numbers";
	return 0;
}

static int
check_in_turn(struct vset *s, const struct err_sink *sink)
{
	struct manifest_state state = {0};
	const char *what = NULL;
	int err;

	if (s->manifest_doubtful)
		return 0;
	err = manifest_read(&s->place, s->sink, &state);
	if (!err)
		err = compare(s, &state, &what);
	edit_fini(&state.whole);
	if (err && err != -ENOMEM)
		err_log(sink, ERR_LEVEL_ERROR,
		    "%s/MANIFEST-%06" PRIu64 ": offset 0: cannot be read: %s",
		    s->place.dir, s->manifest_number, err_text(err));
	if (err || !what)
		return err;
	err_log(sink, ERR_LEVEL_ERROR,
	    "%s/MANIFEST-%06" PRIu64 ": offset 0: what is read is not what was"
	    " written: %s",
	    s->place.dir, s->manifest_number, what);
	return ERR_DAMAGED;
}

int
vset_check(struct vset *s, const struct err_sink *sink)
{
	int err;

	vset_turn_begin(s);
	err = check_in_turn(s, sink);
	vset_turn_end(s);
	return err;
}
