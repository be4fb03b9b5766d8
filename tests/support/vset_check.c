#include "tests/support/vset_check.h"

#include "tests/support/picture.h"

void
vset_check_state(struct vset *s, const char *want)
{
	struct version *v = vset_current(s);

	check_str(picture_of(v), want);
	version_unref(v);
}

void
vset_check_apply(struct vset *s, struct edit *e)
{
	check_ok(vset_apply(s, e));
	edit_fini(e);
}

/* Adds table `number` of level 1 with the keys first and last. */
void
vset_check_apply_table(struct store_dir *d, struct vset *s, uint64_t number,
    const char *first, const char *last)
{
	struct edit e = {0};

	vset_mark_number(s, number);
	store_dir_add(d, &e, 1, number, first, last);
	vset_check_apply(s, &e);
}

void
vset_check_recovers(struct store_dir *d, const char *want)
{
	struct vset s;

	check_ok(vset_recover(&s, &d->place, &d->sink));
	vset_check_state(&s, want);
	vset_fini(&s);
}

/* Opening fails with err, and the last message has both parts. */
void
vset_check_refused(struct store_dir *d, int err, const char *a, const char *b)
{
	struct vset s;

	log_clear(&d->log);
	check_err(vset_recover(&s, &d->place, &d->sink), err);
	check_contains(d->log.last, a);
	check_contains(d->log.last, b);
}
