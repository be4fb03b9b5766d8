/* What is left when the kernel refuses something on the way. */
#include "engine/db/vset.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/picture.h"
#include "tests/support/vset_check.h"

/* Recovery may find an edit whose sync failed: its table must stay until a
 * later edit is durable. */
static void
vset__tables_of_a_doubtful_edit_stay_until_the_next_one(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	store_dir_add(&d, &e, 1, vset_new_number(&s), "a", "c");
	env_fault_arm(&d.fault, ENV_FAULT_ERROR, ENOSPC, 2); /* the sync */
	check_err(vset_apply(&s, &e), -ENOSPC);
	edit_fini(&e);
	vset_check_state(&s, "");
	vset_check_recovers(&d, "1:2:a-c");
	vset_check_apply_table(&d, &s, 3, "m", "p");
	vset_check_state(&s, "1:3:m-p");
	check_str(store_dir_names(&d), "000003.sst CURRENT MANIFEST-000004");
	vset_fini(&s);
	vset_check_recovers(&d, "1:3:m-p");
	store_dir_fini(&d);
}

/* On a full disk nothing may pile up, and the manifest stays in use. */
static void
vset__a_full_disk_leaves_no_table_behind(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	for (uint64_t i = 2; i < 5; i++) {
		store_dir_add(&d, &e, 1, vset_new_number(&s), "a", "c");
		d.fault.space_left = i * 10;
		check_err(vset_apply(&s, &e), -ENOSPC);
		edit_fini(&e);
		check_str(store_dir_names(&d), "CURRENT MANIFEST-000001");
		vset_check_recovers(&d, "");
	}
	d.fault.space_left = UINT64_MAX;
	vset_check_apply_table(&d, &s, 5, "m", "p");
	check_str(store_dir_names(&d), "000005.sst CURRENT MANIFEST-000001");
	vset_fini(&s);
	vset_check_recovers(&d, "1:5:m-p");
	store_dir_fini(&d);
}

/* The same while a manifest is begun: at each step of it. */
static void
vset__a_full_disk_leaves_no_manifest_behind(void **state)
{
	struct edit e = {0};
	struct store_dir d;
	struct vset s;
	int err = -ENOSPC;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_fini(&s);
	check_ok(vset_recover(&s, &d.place, &d.sink));
	for (uint64_t space = 0; err; space += 3) {
		check_str(store_dir_names(&d), "CURRENT MANIFEST-000001");
		vset_check_recovers(&d, "");
		store_dir_add(&d, &e, 1, vset_new_number(&s), "a", "c");
		d.fault.space_left = space;
		err = vset_apply(&s, &e);
		if (err)
			check_err(err, -ENOSPC);
		edit_fini(&e);
		check_le(space, 1000);
	}
	vset_fini(&s);
	store_dir_fini(&d);
}

static void
make_long(struct vset *s)
{
	s->manifest_bytes_max = 0;
	s->manifest_first_bytes = 0;
}

/* One that has grown long is as good as a new one: while none can be begun, at
 * whatever step, it stays in use, and nothing piles up. */
static void
vset__a_long_manifest_goes_on_while_no_new_one_can_be_begun(void **state)
{
	static const char *const matches[] = {"MANIFEST-", "CURRENT"};
	struct edit e = {0};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	make_long(&s);
	for (uint64_t i = 0; i < 8; i++) {
		d.fault.match = matches[i / 4];
		env_fault_arm(
		    &d.fault, ENV_FAULT_ERROR, i % 2 ? ENOSPC : EIO, 1 + i % 4);
		e.last_seq = i + 1;
		vset_check_apply(&s, &e);
		check_eq(d.fault.hits, 1);
		env_fault_disarm(&d.fault);
		check_str(store_dir_names(&d), "CURRENT MANIFEST-000001");
	}
	e.last_seq = 9;
	vset_check_apply(&s, &e);
	check_le(10, s.manifest_number);
	vset_fini(&s);
	check_ok(vset_recover(&s, &d.place, &d.sink));
	check_eq(s.last_seq, 9);
	vset_fini(&s);
	store_dir_fini(&d);
}

/*
 * The life of a store: two flushes, a compaction that also begins a new
 * manifest, and a move together with a flush.  Step i leads from state i - 1
 * to state i.
 */
#define LIFE_STEPS 4
static const char *const life_states[] = {
    "", "0:a-c", "0:b-d 0:a-c", "1:a-d", "1:x-z 2:a-d"};

/* As picture_of, without the tables' numbers. */
static const char *
shape_of(struct vset *s)
{
	static char text[256];
	struct version *v = vset_current(s);
	const char *from = picture_of(v);
	char *to = text;

	while (*from) {
		*to++ = *from;
		if (*from++ == ':')
			from = strchr(from, ':') + 1;
	}
	*to = '\0';
	version_unref(v);
	return text;
}

static void
life_edit(struct store_dir *d, struct vset *s, int step, struct edit *e)
{
	uint64_t number = vset_new_number(s);
	struct version *v = vset_current(s);
	const struct version_level *l = v->levels;

	e->last_seq = 100 + (uint64_t)step;
	if (step == 1)
		store_dir_add(d, e, 0, number, "a", "c");
	if (step == 2)
		store_dir_add(d, e, 0, number, "b", "d");
	if (step == 3) {
		check_ok(edit_remove_file(e, 0, l[0].files[0]->number));
		check_ok(edit_remove_file(e, 0, l[0].files[1]->number));
		store_dir_add(d, e, 1, number, "a", "d");
		make_long(s);
	}
	if (step == 4) {
		check_ok(edit_remove_file(e, 1, l[1].files[0]->number));
		check_ok(edit_add_file(e, 2, l[1].files[0]));
		store_dir_add(d, e, 1, number, "x", "z");
	}
	version_unref(v);
}

static int
life_step(struct store_dir *d, struct vset *s, int step)
{
	struct edit e = {0};
	int err;

	life_edit(d, s, step, &e);
	err = vset_apply(s, &e);
	check_str(shape_of(s), life_states[err ? step - 1 : step]);
	edit_fini(&e);
	return err;
}

/* From `step` on; the step that failed, or LIFE_STEPS + 1. */
static int
live(struct store_dir *d, struct vset *s, int step)
{
	while (step <= LIFE_STEPS && life_step(d, s, step) == 0)
		step++;
	return step;
}

/* Opens, or creates what was not there yet; then nothing unnamed is left. */
static void
open_store(struct store_dir *d, struct vset *s)
{
	int err = vset_recover(s, &d->place, &d->sink);

	if (err == -ENOENT)
		err = vset_create(s, &d->place, &d->sink);
	check_ok(err);
	check_ok(vset_delete_unnamed(s));
}

/* Which of two states, that of `step` or the one before. */
static int
found_step(struct vset *s, int step)
{
	if (step <= LIFE_STEPS && strcmp(shape_of(s), life_states[step]) == 0)
		return step;
	check_str(shape_of(s), life_states[step - 1]);
	return step - 1;
}

/* What happens when an operation of kind fails with error, and what then. */
struct fault {
	enum env_fault_kind kind;
	int error;
	bool reopen; /* else the step is tried again */
};

/* The n-th operation of a life fails.  False: it had fewer. */
static bool
live_with(const struct fault *f, uint64_t n)
{
	struct store_dir d;
	struct vset s;
	bool happened, created;
	int step = 1;

	store_dir_init(&d);
	env_fault_arm(&d.fault, f->kind, f->error, n);
	created = vset_create(&s, &d.place, &d.sink) == 0;
	if (created)
		step = live(&d, &s, 1);
	happened = d.fault.ops >= n;
	if (created && f->reopen)
		vset_fini(&s);
	env_fault_disarm(&d.fault);
	if (!created || f->reopen) {
		open_store(&d, &s);
		step = found_step(&s, step) + 1;
	}
	check_eq(live(&d, &s, step), LIFE_STEPS + 1);
	vset_fini(&s);
	open_store(&d, &s);
	check_str(shape_of(&s), life_states[LIFE_STEPS]);
	check_eq(s.last_seq, 100 + LIFE_STEPS);
	vset_fini(&s);
	store_dir_fini(&d);
	return happened;
}

static void
vset__any_failing_operation_leaves_the_old_or_the_new_state(void **state)
{
	static const struct fault faults[] = {
	    {ENV_FAULT_DEAD, EIO, true},
	    {ENV_FAULT_ERROR, EIO, true},
	    {ENV_FAULT_ERROR, EIO, false},
	    {ENV_FAULT_ERROR, ENOSPC, true},
	    {ENV_FAULT_ERROR, ENOSPC, false},
	    {ENV_FAULT_SHORT, EIO, true},
	    {ENV_FAULT_SHORT, EIO, false},
	    {ENV_FAULT_SHORT, ENOSPC, false},
	};
	const char *cut = getenv("CUT");

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		uint64_t n = cut ? strtoull(cut, NULL, 10) : 1;
		bool more;

		do {
			printf("fault %zu CUT=%u\n", i, (unsigned)n);
			more = live_with(&faults[i], n++);
		} while (more && !cut);
		/* The life has this many operations at least. */
		if (!cut)
			check_le(20, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		vset__tables_of_a_doubtful_edit_stay_until_the_next_one),
	    cmocka_unit_test(vset__a_full_disk_leaves_no_table_behind),
	    cmocka_unit_test(vset__a_full_disk_leaves_no_manifest_behind),
	    cmocka_unit_test(
		vset__a_long_manifest_goes_on_while_no_new_one_can_be_begun),
	    cmocka_unit_test(
		vset__any_failing_operation_leaves_the_old_or_the_new_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
