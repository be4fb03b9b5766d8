/* Named snapshots in the manifest. */
#include "engine/db/vset.h"

#include <stdio.h>

#include "tests/support/vset_check.h"

static int
make(struct vset *s, const char *name, uint64_t seq)
{
	struct edit e = {0};
	int err;

	check_ok(named_add(&e.snapshots, name, seq, seq * 1000));
	err = vset_apply(s, &e);
	edit_fini(&e);
	return err;
}

static int
drop(struct vset *s, const char *name)
{
	struct edit e = {0};
	int err;

	check_ok(named_add(&e.drops, name, 0, 0));
	err = vset_apply(s, &e);
	edit_fini(&e);
	return err;
}

/* As "name:number ", valid until the next call. */
static const char *
names_of(const struct vset *s)
{
	static char text[512];
	const struct named *n;
	size_t used = 0;

	text[0] = '\0';
	for (n = named_first(&s->named); n; n = named_next(n)) {
		check_eq(n->created_ms, n->seq * 1000);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s:%u ", n->name, (unsigned)n->seq);
	}
	return text;
}

static void
reopen(struct store_dir *d, struct vset *s)
{
	vset_fini(s);
	check_ok(vset_recover(s, &d->place, &d->sink));
}

static void
vset__snapshots_come_back(void **state)
{
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_ok(make(&s, "b", 7));
	check_ok(make(&s, "a", 0));
	check_ok(make(&s, "c", 9));
	check_ok(drop(&s, "b"));
	for (int i = 0; i < 2; i++) {
		check_str(names_of(&s), "a:0 c:9 ");
		reopen(&d, &s);
		/* Begins a manifest that says it all. */
		check_ok(make(&s, "new", 10));
		check_ok(vset_check(&s, &d.sink));
		check_str(names_of(&s), "a:0 c:9 new:10 ");
		reopen(&d, &s);
		check_ok(drop(&s, "new"));
		vset_check_apply_table(
		    &d, &s, vset_new_number(&s), i ? "x" : "a", i ? "z" : "c");
	}
	check_str(names_of(&s), "a:0 c:9 ");
	vset_fini(&s);
	store_dir_fini(&d);
}

static void
vset__snapshots_have_one_name_each(void **state)
{
	struct store_dir d;
	struct edit e = {0};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_ok(make(&s, "a", 1));
	check_err(make(&s, "a", 2), -EEXIST);
	check_err(drop(&s, "b"), -ENOENT);
	check_str(names_of(&s), "a:1 ");
	/* One edit that drops and makes. */
	check_ok(named_add(&e.drops, "a", 0, 0));
	check_ok(named_add(&e.snapshots, "a", 3, 3000));
	vset_check_apply(&s, &e);
	check_str(names_of(&s), "a:3 ");
	check_ok(vset_check(&s, &d.sink));
	reopen(&d, &s);
	check_str(names_of(&s), "a:3 ");
	vset_fini(&s);
	store_dir_fini(&d);
}

/* What fails changes nothing, and does not come back. */
static void
vset__snapshots_that_failed_are_not_there(void **state)
{
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_ok(make(&s, "a", 1));
	env_fault_arm(&d.fault, ENV_FAULT_ERROR, EIO, 1);
	check_err(make(&s, "b", 2), -EIO);
	check_str(names_of(&s), "a:1 ");
	env_fault_arm(&d.fault, ENV_FAULT_ERROR, EIO, 2);
	check_err(drop(&s, "a"), -EIO);
	check_str(names_of(&s), "a:1 ");
	env_fault_disarm(&d.fault);
	/* Nobody knows what is on the disk. */
	check_ok(vset_check(&s, &d.sink));
	check_ok(make(&s, "c", 3));
	check_ok(vset_check(&s, &d.sink));
	reopen(&d, &s);
	check_str(names_of(&s), "a:1 c:3 ");
	vset_fini(&s);
	store_dir_fini(&d);
}

static void
vset__whole_says_everything(void **state)
{
	struct store_dir d;
	struct edit e = {.log_number = 5, .last_seq = 99}, whole = {0};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	check_ok(make(&s, "a", 1));
	vset_mark_number(&s, 6);
	store_dir_add(&d, &e, 2, 6, "a", "c");
	vset_check_apply(&s, &e);
	check_ok(vset_whole(&s, &whole));
	check_eq(whole.add_count, 1);
	check_eq(whole.adds[0].level, 2);
	check_eq(whole.adds[0].file->number, 6);
	check_eq(whole.log_number, 5);
	check_eq(whole.last_seq, 99);
	check_le(7, whole.next_number);
	check_true(named_same(&whole.snapshots, &s.named));
	check_eq(whole.snapshots.count, 1);
	/* Its file stays as long as it does. */
	check_ok(edit_remove_file(&e, 2, 6));
	vset_check_apply(&s, &e);
	check_true(store_dir_has(&d, "000006.sst"));
	edit_fini(&whole);
	check_false(store_dir_has(&d, "000006.sst"));
	vset_fini(&s);
	store_dir_fini(&d);
}

static void
vset__check_finds_a_manifest_that_was_changed(void **state)
{
	struct store_dir d;
	struct buf before = {0}, after = {0};
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	store_dir_load(&d, "MANIFEST-000001", &before);
	check_ok(make(&s, "a", 1));
	store_dir_load(&d, "MANIFEST-000001", &after);
	check_ok(vset_check(&s, &d.sink));
	/* As a last record that was torn: recovery would pass over it. */
	store_dir_store(&d, "MANIFEST-000001", buf_bytes(&before));
	check_err(vset_check(&s, &d.sink), ERR_DAMAGED);
	check_contains(d.log.last, "MANIFEST-000001");
	check_contains(d.log.last, "snapshots");
	after.data[60] ^= 1;
	store_dir_store(&d, "MANIFEST-000001", buf_bytes(&after));
	check_err(vset_check(&s, &d.sink), ERR_DAMAGED);
	vset_fini(&s);
	buf_fini(&before);
	buf_fini(&after);
	store_dir_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vset__snapshots_come_back),
	    cmocka_unit_test(vset__snapshots_have_one_name_each),
	    cmocka_unit_test(vset__snapshots_that_failed_are_not_there),
	    cmocka_unit_test(vset__whole_says_everything),
	    cmocka_unit_test(vset__check_finds_a_manifest_that_was_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
