/* Files of the log that stand ready: that nothing depends on them. */
#include <stdio.h>

#include "engine/db/db.h"
#include "tests/support/spares.h"

/* --- numbers ---------------------------------------------------------------
 */

static struct lsm_store *overtaken;
static unsigned overtakings;
static const struct env_ops *plain_ops;

/* A segment is begun without a spare while one gets its name. */
static int
sync_dir_and_overtake(struct env *env, const char *path)
{
	struct lsm *db = overtaken->db;
	uint64_t number = 0;

	if (db && db->spare.running > 0 && overtakings > 0) {
		overtakings--;
		check_true(spare_take_or_number(db, &number) == NULL);
		check_ne(number, 0);
	}
	return plain_ops->sync_dir(env, path);
}

static void
spare_fault__one_that_is_overtaken_gets_another_number(void **state)
{
	struct lsm_store s;
	struct env_ops ops;
	unsigned i;

	(void)state;
	lsm_store_init(&s);
	overtaken = &s;
	overtakings = 3;
	plain_ops = s.posix.ops;
	ops = *plain_ops;
	ops.sync_dir = sync_dir_and_overtake;
	s.posix.ops = &ops;
	lsm_store_open(&s);
	i = spares_sync_until_ready(&s);
	check_eq(overtakings, 0);
	check_le(s.db->spares.newest_other + 1,
	    STAILQ_FIRST(&s.db->spares.ready)->number);
	check_eq(spares_count_names(&s, ".log"), 2);
	i = spares_put_and_sync(&s, i);
	check_true(spares_in_use(&s));
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* --- names -----------------------------------------------------------------
 */

static struct {
	struct lsm_store *store;
	const struct env_ops *plain;
	bool spare;   /* becomes ready before the next log is created */
	bool durable; /* the directory was synced since */
	bool fails;   /* syncing it does */
} names;

static int
open_after_a_spare(
    struct env *env, const char *path, int flags, struct env_file **out)
{
	struct lsm *db = names.store->db;

	if (names.spare && (flags & ENV_OPEN_CREATE)) {
		names.spare = false;
		db->spares.wanted = true;
		check_eq(spare_step(db), 1);
		names.durable = false;
	}
	return names.plain->open(env, path, flags, out);
}

static int
sync_dir_or_fail(struct env *env, const char *path)
{
	if (names.fails)
		return -EIO;
	names.durable = true;
	return names.plain->sync_dir(env, path);
}

/* Its name is not, when the segment behind it begins in a spare that got its
 * name before: a flush that keeps its values syncs only what is in it. */
static void
spare_fault__a_log_without_a_durable_name_is_not_durable(void **state)
{
	const size_t size = 40u << 20; /* two in a segment are too many */
	struct lsm_store s;
	struct env_ops ops;

	(void)state;
	lsm_store_init_values(&s);
	names.store = &s;
	names.plain = s.posix.ops;
	ops = *names.plain;
	ops.open = open_after_a_spare;
	ops.sync_dir = sync_dir_or_fail;
	s.posix.ops = &ops;
	s.options.memtable_bytes = 64u << 20;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 1, size, 'a');
	names.spare = true;
	lsm_store_fill(&s, 1, 2, size, 'a');
	check_eq(lsm_store_stats(&s).log_files, 2);
	check_eq(spares_ready(&s), 1);
	names.fails = true;
	check_err(lsm_flush(s.db), -EIO);
	names.fails = false;
	check_true(spares_in_use(&s));
	check_false(names.durable);
	check_ok(lsm_sync(s.db, lsm_seq(s.db)));
	check_true(names.durable);
	lsm_store_expect(&s, 0, 2, size, 'a');
	lsm_store_fini(&s);
}

/* --- the end ---------------------------------------------------------------
 */

static void
spare_fault__closing_leaves_a_small_store(void **state)
{
	struct lsm_store s;
	uint64_t end;
	unsigned i;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 4u << 20;
	lsm_store_open(&s);
	i = spares_put_and_sync(&s, spares_sync_until_ready(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(spares_ready(&s), 1);
	end = wal_size(s.db->log->wal);
	lsm_store_close(&s);
	check_eq(spares_count_names(&s, ".log"), 2);
	check_eq(spares_size_of(lsm_store_file(&s, ".log")), end);
	lsm_store_open(&s);
	check_false(spares_in_use(&s)); /* nor is it of this process */
	lsm_store_expect(&s, 0, i, 10, 'a');
	lsm_store_fini(&s);
}

static void
spare_fault__what_a_kill_leaves_is_removed(void **state)
{
	struct lsm_store s;
	char path[512];
	unsigned i;
	FILE *f;

	(void)state;
	spares_open(&s);
	i = spares_put_and_sync(&s, spares_sync_until_ready(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(spares_count_names(&s, ".log"), 3);
	(void)snprintf(path, sizeof(path), "%s/000077.log.tmp", s.dir);
	f = fopen(path, "w");
	check_true(f != NULL);
	check_ok(fclose(f));
	spares_check_all(&s, i);
	check_eq(spares_count_names(&s, ".log"), 2);
	check_eq(spares_count_names(&s, ".tmp"), 0);
	check_false(spares_in_use(&s));
	lsm_store_fini(&s);
}

/* --- failures --------------------------------------------------------------
 */

/* The n-th operation of preparing fails, once or from then on. */
static void
fail_preparing(int error, uint64_t n, bool lasting)
{
	struct lsm_store s;
	unsigned i;

	spares_open(&s);
	i = spares_sync_until_wanted(&s);
	env_fault_arm(&s.fault, ENV_FAULT_SHORT, error, n + 1);
	if (lasting)
		s.fault.at_end = s.fault.at + 1;
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(spares_ready(&s), 0);
	check_eq(s.db->spares.count, 0);
	check_true(lsm_store_said(&s, "log preparation failed"));
	env_fault_disarm(&s.fault);
	if (!lasting) /* else removing failed, too */
		check_eq(spares_count_names(&s, ".log"), 1);
	/* Here there is no pause. */
	i = spares_put_and_sync(&s, i);
	check_eq(spares_ready(&s), 1);
	i = spares_put_and_sync(&s, i);
	check_true(spares_in_use(&s));
	spares_check_all(&s, i);
	check_eq(spares_count_names(&s, ".tmp"), 0);
	lsm_store_fini(&s);
}

static void
spare_fault__failing_to_make_one_is_no_error_of_the_store(void **state)
{
	(void)state;
	/* Create, write, sync, rename, sync the directory. */
	for (uint64_t n = 1; n <= 5; n++) {
		fail_preparing(EIO, n, false);
		fail_preparing(ENOSPC, n, false);
		fail_preparing(EIO, n, true);
	}
}

static void
spare_fault__none_is_made_when_the_disk_is_nearly_full(void **state)
{
	struct lsm_store s;
	uint64_t ops;
	unsigned i;

	(void)state;
	spares_open(&s);
	i = spares_sync_until_wanted(&s);
	s.fault.space_left = 3 * spare_bytes(s.db);
	ops = s.fault.ops;
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(s.fault.ops, ops + 1);
	check_eq(spares_ready(&s), 0);
	check_true(lsm_store_said(&s, "log preparation failed"));
	s.fault.space_left = UINT64_MAX;
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(spares_ready(&s), 1);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* Tables need the space more than the log does. */
static void
spare_fault__a_full_disk_gets_them_back(void **state)
{
	struct lsm_store s;
	unsigned i;

	(void)state;
	spares_open(&s);
	i = spares_sync_until_ready(&s);
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	check_err(lsm_flush(s.db), -ENOSPC);
	check_eq(spares_ready(&s), 0);
	check_eq(s.db->spares.count, 0);
	env_fault_disarm(&s.fault);
	check_ok(lsm_flush(s.db));
	i = spares_put_and_sync(&s, i);
	check_eq(spares_ready(&s), 1);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* The header of a segment cannot be written into the spare. */
static void
spare_fault__one_that_cannot_be_used_is_dropped(void **state)
{
	struct lsm_store s;
	unsigned i;

	(void)state;
	spares_open(&s);
	i = spares_sync_until_ready(&s);
	env_fault_arm(&s.fault, ENV_FAULT_SHORT, EIO, 1);
	i = spares_put_and_sync(&s, i);
	check_false(spares_in_use(&s));
	i = spares_put_and_sync(&s, i);
	check_true(spares_in_use(&s));
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* As before, but the file cannot be removed: its header is there, with numbers
 * that the segment before it went on to use. */
static void
spare_fault__a_segment_begun_in_vain_is_no_damage(void **state)
{
	struct lsm_store s;
	struct wal *wal;
	struct wal_id id = {.kind = WAL_KIND_LOG};
	struct spare *p;
	unsigned i;

	(void)state;
	spares_open(&s);
	i = spares_sync_until_ready(&s);
	p = spare_take(s.db);
	check_true(p != NULL);
	id.number = p->number;
	id.salt = s.db->vset.salt;
	check_ok(wal_create_in(s.db->env, p->path, &id, s.db->next_seq, &wal));
	wal_close(wal);
	spare_free(p);
	i = spares_put_and_sync(&s, i);
	spares_check_all(&s, i);
	check_eq(spares_count_names(&s, ".log"), 1);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		spare_fault__one_that_is_overtaken_gets_another_number),
	    cmocka_unit_test(
		spare_fault__a_log_without_a_durable_name_is_not_durable),
	    cmocka_unit_test(spare_fault__closing_leaves_a_small_store),
	    cmocka_unit_test(spare_fault__what_a_kill_leaves_is_removed),
	    cmocka_unit_test(
		spare_fault__failing_to_make_one_is_no_error_of_the_store),
	    cmocka_unit_test(
		spare_fault__none_is_made_when_the_disk_is_nearly_full),
	    cmocka_unit_test(spare_fault__a_full_disk_gets_them_back),
	    cmocka_unit_test(spare_fault__one_that_cannot_be_used_is_dropped),
	    cmocka_unit_test(spare_fault__a_segment_begun_in_vain_is_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
