/* Files of the log that stand ready: when they are made, what for, and that
 * nothing depends on them. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/db/db.h"
#include "tests/support/lsm_store.h"

/* --- looking at the directory --------------------------------------------- */

static uint64_t
size_of(const char *path)
{
	struct stat st;

	check_ok(stat(path, &st));
	return (uint64_t)st.st_size;
}

static ino_t
inode_of(const char *path)
{
	struct stat st;

	check_ok(stat(path, &st));
	return st.st_ino;
}

/* Files whose name contains this. */
static unsigned
count_names(struct lsm_store *s, const char *part)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	unsigned n = 0;

	check_true(dir != NULL);
	while ((e = readdir(dir)))
		n += strstr(e->d_name, part) != NULL;
	check_ok(closedir(dir));
	return n;
}

static unsigned
ready(struct lsm_store *s)
{
	struct spare *p;
	uint64_t number = TAILQ_LAST(&s->db->segments, segment_list)->number;
	unsigned n = 0;

	STAILQ_FOREACH (p, &s->db->spares.ready, link) {
		check_le(number + 1, p->number);
		number = p->number;
		check_eq(size_of(p->path), spare_bytes(s->db));
		n++;
	}
	check_le(n, SPARE_MAX);
	return n;
}

/* The segment that is being written began in a spare. */
static bool
in_spare(struct lsm_store *s)
{
	return wal_prepared(s->db->log->wal) > 0;
}

/* --- causes ----------------------------------------------------------------
 */

static unsigned
put_and_sync(struct lsm_store *s, unsigned i)
{
	lsm_store_fill(s, i, i + 1, 10, 'a');
	check_ok(lsm_sync(s->db, lsm_seq(s->db)));
	return i + 1;
}

/* Until a spare is wanted; how many keys there are. */
static unsigned
sync_until_wanted(struct lsm_store *s)
{
	unsigned i = 0;

	while (!s->db->spares.wanted)
		i = put_and_sync(s, i);
	check_le(10, i);
	check_le(i, 16);
	check_eq(count_names(s, ".log"), 1);
	return i;
}

/* Until one is ready. */
static unsigned
sync_until_ready(struct lsm_store *s)
{
	unsigned i = put_and_sync(s, sync_until_wanted(s));

	check_eq(ready(s), 1);
	return i;
}

/* A memtable is full: a rotation and a flush. */
static unsigned
fill_memtable(struct lsm_store *s, unsigned i)
{
	uint64_t flushes = lsm_store_stats(s).flushes;

	while (lsm_store_stats(s).flushes == flushes) {
		lsm_store_fill(s, i, i + 1, 10, 'a');
		i++;
	}
	return i;
}

static void
open_store(struct lsm_store *s)
{
	lsm_store_init(s);
	lsm_store_open(s);
}

/* Everything is there, now and after a kill. */
static void
check_all(struct lsm_store *s, unsigned n)
{
	const char *copy = lsm_store_copy(s);

	lsm_store_expect(s, 0, n, 10, 'a');
	lsm_store_check(s);
	lsm_store_close(s);
	check_rmtree(s->dir);
	s->dir = copy;
	lsm_store_open(s);
	lsm_store_expect(s, 0, n, 10, 'a');
	lsm_store_check(s);
}

/* --- when ------------------------------------------------------------------
 */

static void
spare__a_short_life_makes_none(void **state)
{
	struct lsm_store s;
	unsigned i = 0;

	(void)state;
	open_store(&s);
	for (unsigned k = 0; k < 10; k++)
		i = put_and_sync(&s, i);
	check_eq(ready(&s), 0);
	check_eq(count_names(&s, ".log"), 1);
	lsm_store_close(&s);
	check_eq(count_names(&s, ".log"), 1);
	lsm_store_fini(&s);
}

static void
spare__many_syncs_move_the_log_into_one(void **state)
{
	struct lsm_store s;
	const struct segment *first;
	unsigned i;

	(void)state;
	open_store(&s);
	first = s.db->log;
	i = sync_until_ready(&s);
	check_true(s.db->log == first);
	i = put_and_sync(&s, i);
	check_true(s.db->log != first);
	check_true(in_spare(&s));
	check_eq(lsm_store_stats(&s).memtables, 1);
	check_eq(lsm_store_stats(&s).log_files, 2);
	check_all(&s, i);
	lsm_store_fini(&s);
}

static void
spare__a_rotation_is_a_cause_and_the_next_a_use(void **state)
{
	struct lsm_store s;
	unsigned i = 0;

	(void)state;
	open_store(&s);
	i = fill_memtable(&s, i);
	check_false(in_spare(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a');
	check_eq(ready(&s), 1);
	i = fill_memtable(&s, i + 1);
	check_true(in_spare(&s));
	check_all(&s, i);
	lsm_store_fini(&s);
}

/* A name of its own, and the directory synced, before it is used. */
static void
spare__a_sync_in_one_is_a_sync_of_data_alone(void **state)
{
	struct lsm_store s;
	char path[512];
	unsigned i;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_open(&s);
	i = put_and_sync(&s, sync_until_ready(&s));
	check_true(in_spare(&s));
	i = put_and_sync(&s, i);
	(void)snprintf(path, sizeof(path), "%s", s.db->log->path);
	check_eq(size_of(path), spare_bytes(s.db));
	s.fault.syncs = s.fault.ops = 0;
	for (unsigned k = 0; k < 1000; k++)
		i = put_and_sync(&s, i);
	check_eq(s.fault.syncs, 1000);
	check_eq(s.fault.ops, 2000); /* a write and a sync each */
	check_eq(size_of(path), spare_bytes(s.db));
	check_str(path, s.db->log->path);
	lsm_store_fini(&s);
}

/* --- which record goes where -----------------------------------------------
 */

static void
spare__what_does_not_fit_goes_to_the_next_one(void **state)
{
	struct lsm_store s;
	const struct segment *log;
	char value[6000];
	unsigned i;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 64u << 10;
	lsm_store_open(&s);
	i = put_and_sync(&s, sync_until_ready(&s));
	check_true(in_spare(&s));
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log = s.db->log;
	/* The same key again and again: the memtable counts it each time, so
	 * make the log the larger of the two. */
	while (s.db->log == log && lsm_store_stats(&s).flushes == 0) {
		check_le(wal_size(log->wal), spare_bytes(s.db));
		lsm_store_put(&s, "", "");
	}
	check_eq(lsm_store_stats(&s).flushes, 0);
	check_true(in_spare(&s));
	check_eq(lsm_store_stats(&s).memtables, 1);
	check_eq(lsm_store_stats(&s).log_files, 3);
	check_all(&s, i);
	lsm_store_fini(&s);
}

static void
spare__what_fits_nowhere_lets_the_file_grow(void **state)
{
	static char value[100000];
	struct lsm_store s;
	const struct segment *log;
	unsigned i;

	(void)state;
	open_store(&s);
	i = put_and_sync(&s, sync_until_ready(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(ready(&s), 1);
	log = s.db->log;
	memset(value, 'v', sizeof(value) - 1);
	/* Written behind the present end; the memtable is full then. */
	lsm_store_put(&s, "large", value);
	check_true(s.db->log == log);
	check_le(sizeof(value), wal_size(log->wal));
	check_str(lsm_store_get(&s, "large"), value);
	check_all(&s, i);
	check_str(lsm_store_get(&s, "large"), value);
	lsm_store_fini(&s);
}

/* All segments of a memtable go with it. */
static void
spare__a_flush_takes_all_segments_of_the_memtable(void **state)
{
	struct lsm_store s;
	unsigned i;

	(void)state;
	open_store(&s);
	i = put_and_sync(&s, sync_until_ready(&s));
	check_eq(lsm_store_stats(&s).log_files, 2);
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).log_files, 1);
	i = put_and_sync(&s, i); /* what was retired becomes a spare */
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	check_all(&s, i);
	lsm_store_fini(&s);
}

/* --- use again -------------------------------------------------------------
 */

static void
spare__files_go_round(void **state)
{
	struct lsm_store s;
	ino_t seen[8] = {0};
	unsigned i = 0, seen_count = 0;

	(void)state;
	open_store(&s);
	for (unsigned round = 0; round < 30; round++) {
		ino_t inode;
		unsigned k = 0;

		i = fill_memtable(&s, i);
		lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
		if (!in_spare(&s))
			continue;
		check_le(ready(&s), SPARE_MAX);
		inode = inode_of(s.db->log->path);
		while (k < seen_count && seen[k] != inode)
			k++;
		if (k == seen_count) {
			check_le(seen_count + 1, 4);
			seen[seen_count++] = inode;
		}
	}
	check_le(2, seen_count);
	check_le(count_names(&s, ".log"), 1 + SPARE_MAX);
	check_eq(count_names(&s, ".tmp"), 0);
	check_all(&s, i);
	lsm_store_fini(&s);
}

/* Somebody reads the file: it is not written over. */
static void
spare__a_segment_in_use_is_not_used_again(void **state)
{
	struct lsm_store s;
	struct segment *log;
	ino_t inode;
	unsigned i;

	(void)state;
	open_store(&s);
	i = put_and_sync(&s, sync_until_ready(&s));
	log = s.db->log;
	inode = inode_of(log->path);
	atomic_fetch_add(&log->refs, 1);
	for (unsigned round = 0; round < 6; round++) {
		i = fill_memtable(&s, i);
		check_ne(inode_of(s.db->log->path), inode);
	}
	check_err(access(log->path, F_OK), -1);
	segment_unref(log);
	check_all(&s, i);
	lsm_store_fini(&s);
}

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

	if (db && db->spare.busy && overtakings > 0) {
		overtakings--;
		check_true(spare_take_or_number(db, &number) == NULL);
		check_ne(number, 0);
	}
	return plain_ops->sync_dir(env, path);
}

static void
spare__one_that_is_overtaken_gets_another_number(void **state)
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
	i = sync_until_ready(&s);
	check_eq(overtakings, 0);
	check_le(s.db->spares.newest_other + 1,
	    STAILQ_FIRST(&s.db->spares.ready)->number);
	check_eq(count_names(&s, ".log"), 2);
	i = put_and_sync(&s, i);
	check_true(in_spare(&s));
	check_all(&s, i);
	lsm_store_fini(&s);
}

/* --- the end ---------------------------------------------------------------
 */

static void
spare__closing_leaves_a_small_store(void **state)
{
	struct lsm_store s;
	uint64_t end;
	unsigned i;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 4u << 20;
	lsm_store_open(&s);
	i = put_and_sync(&s, sync_until_ready(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(ready(&s), 1);
	end = wal_size(s.db->log->wal);
	lsm_store_close(&s);
	check_eq(count_names(&s, ".log"), 2);
	check_eq(size_of(lsm_store_file(&s, ".log")), end);
	lsm_store_open(&s);
	check_false(in_spare(&s)); /* nor is it of this process */
	lsm_store_expect(&s, 0, i, 10, 'a');
	lsm_store_fini(&s);
}

static void
spare__what_a_kill_leaves_is_removed(void **state)
{
	struct lsm_store s;
	char path[512];
	unsigned i;
	FILE *f;

	(void)state;
	open_store(&s);
	i = put_and_sync(&s, sync_until_ready(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(count_names(&s, ".log"), 3);
	(void)snprintf(path, sizeof(path), "%s/000077.log.tmp", s.dir);
	f = fopen(path, "w");
	check_true(f != NULL);
	check_ok(fclose(f));
	check_all(&s, i);
	check_eq(count_names(&s, ".log"), 2);
	check_eq(count_names(&s, ".tmp"), 0);
	check_false(in_spare(&s));
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

	open_store(&s);
	i = sync_until_wanted(&s);
	env_fault_arm(&s.fault, ENV_FAULT_SHORT, error, n + 1);
	if (lasting)
		s.fault.at_end = s.fault.at + 1;
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(ready(&s), 0);
	check_eq(s.db->spares.count, 0);
	check_true(lsm_store_said(&s, "log preparation failed"));
	env_fault_disarm(&s.fault);
	if (!lasting) /* else removing failed, too */
		check_eq(count_names(&s, ".log"), 1);
	/* Here there is no pause. */
	i = put_and_sync(&s, i);
	check_eq(ready(&s), 1);
	i = put_and_sync(&s, i);
	check_true(in_spare(&s));
	check_all(&s, i);
	check_eq(count_names(&s, ".tmp"), 0);
	lsm_store_fini(&s);
}

static void
spare__failing_to_make_one_is_no_error_of_the_store(void **state)
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
spare__none_is_made_when_the_disk_is_nearly_full(void **state)
{
	struct lsm_store s;
	uint64_t ops;
	unsigned i;

	(void)state;
	open_store(&s);
	i = sync_until_wanted(&s);
	s.fault.space_left = 3 * spare_bytes(s.db);
	ops = s.fault.ops;
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(s.fault.ops, ops + 1);
	check_eq(ready(&s), 0);
	check_true(lsm_store_said(&s, "log preparation failed"));
	s.fault.space_left = UINT64_MAX;
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(ready(&s), 1);
	check_all(&s, i);
	lsm_store_fini(&s);
}

/* Tables need the space more than the log does. */
static void
spare__a_full_disk_gets_them_back(void **state)
{
	struct lsm_store s;
	unsigned i;

	(void)state;
	open_store(&s);
	i = sync_until_ready(&s);
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	check_err(lsm_flush(s.db), -ENOSPC);
	check_eq(ready(&s), 0);
	check_eq(s.db->spares.count, 0);
	env_fault_disarm(&s.fault);
	check_ok(lsm_flush(s.db));
	i = put_and_sync(&s, i);
	check_eq(ready(&s), 1);
	check_all(&s, i);
	lsm_store_fini(&s);
}

/* The header of a segment cannot be written into the spare. */
static void
spare__one_that_cannot_be_used_is_dropped(void **state)
{
	struct lsm_store s;
	unsigned i;

	(void)state;
	open_store(&s);
	i = sync_until_ready(&s);
	env_fault_arm(&s.fault, ENV_FAULT_SHORT, EIO, 1);
	i = put_and_sync(&s, i);
	check_false(in_spare(&s));
	i = put_and_sync(&s, i);
	check_true(in_spare(&s));
	check_all(&s, i);
	lsm_store_fini(&s);
}

/* As before, but the file cannot be removed: its header is there, with numbers
 * that the segment before it went on to use. */
static void
spare__a_segment_begun_in_vain_is_no_damage(void **state)
{
	struct lsm_store s;
	struct wal *wal;
	struct wal_id id = {.kind = WAL_KIND_LOG};
	struct spare *p;
	unsigned i;

	(void)state;
	open_store(&s);
	i = sync_until_ready(&s);
	p = spare_take(s.db);
	check_true(p != NULL);
	id.number = p->number;
	id.salt = s.db->vset.salt;
	check_ok(wal_create_in(s.db->env, p->path, &id, s.db->next_seq, &wal));
	wal_close(wal);
	spare_free(p);
	i = put_and_sync(&s, i);
	check_all(&s, i);
	check_eq(count_names(&s, ".log"), 1);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spare__a_short_life_makes_none),
	    cmocka_unit_test(spare__many_syncs_move_the_log_into_one),
	    cmocka_unit_test(spare__a_rotation_is_a_cause_and_the_next_a_use),
	    cmocka_unit_test(spare__a_sync_in_one_is_a_sync_of_data_alone),
	    cmocka_unit_test(spare__what_does_not_fit_goes_to_the_next_one),
	    cmocka_unit_test(spare__what_fits_nowhere_lets_the_file_grow),
	    cmocka_unit_test(spare__a_flush_takes_all_segments_of_the_memtable),
	    cmocka_unit_test(spare__files_go_round),
	    cmocka_unit_test(spare__a_segment_in_use_is_not_used_again),
	    cmocka_unit_test(spare__one_that_is_overtaken_gets_another_number),
	    cmocka_unit_test(spare__closing_leaves_a_small_store),
	    cmocka_unit_test(spare__what_a_kill_leaves_is_removed),
	    cmocka_unit_test(
		spare__failing_to_make_one_is_no_error_of_the_store),
	    cmocka_unit_test(spare__none_is_made_when_the_disk_is_nearly_full),
	    cmocka_unit_test(spare__a_full_disk_gets_them_back),
	    cmocka_unit_test(spare__one_that_cannot_be_used_is_dropped),
	    cmocka_unit_test(spare__a_segment_begun_in_vain_is_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
