/* The operations of a model that are neither writes nor reads. */
#include "tests/support/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- snapshots -------------------------------------------------------------
 */

#define NAME_SIZE 32

static struct model_snapshot *
some(struct model *m)
{
	return &m->snapshots[check_rand_below(&m->r, MODEL_SNAPSHOTS)];
}

static const char *
name_of(const struct model *m, const struct model_snapshot *s, char *name)
{
	snprintf(name, NAME_SIZE, "snapshot-%td", s - m->snapshots);
	return name;
}

static void
close_handle(struct model *m, struct model_snapshot *s)
{
	lsm_snapshot_close(m->s.db, s->handle);
	s->handle = NULL;
}

void
model_life_snapshot(struct model *m)
{
	struct model_snapshot *s = some(m);

	if (s->is_named)
		return;
	if (s->handle) {
		close_handle(m, s);
	} else {
		check_ok(lsm_snapshot_open(m->s.db, &s->handle));
		model_cells_copy(m, s->cells, m->now);
	}
}

static void
create(struct model *m, struct model_snapshot *s, const char *name)
{
	struct lsm_snapshot *none;

	check_err(lsm_snapshot_find(m->s.db, name, &none), -ENOENT);
	check_err(lsm_snapshot_delete(m->s.db, name), -ENOENT);
	check_ok(lsm_snapshot_create(m->s.db, name));
	model_cells_copy(m, s->cells, m->now);
	s->is_named = true;
	check_ok(lsm_snapshot_find(m->s.db, name, &s->handle));
}

/* A free one gets a name; of a named one the name goes, and it can be read
 * until it is closed, or it is opened anew. */
void
model_life_named_snapshot(struct model *m)
{
	struct model_snapshot *s = some(m);
	char name[NAME_SIZE];

	name_of(m, s, name);
	if (!s->handle) {
		create(m, s, name);
	} else if (s->is_named && check_rand_one_in(&m->r, 2)) {
		check_ok(lsm_snapshot_delete(m->s.db, name));
		s->is_named = false;
	} else if (s->is_named) {
		check_err(lsm_snapshot_create(m->s.db, name), -EEXIST);
		close_handle(m, s);
		check_ok(lsm_snapshot_find(m->s.db, name, &s->handle));
	}
}

static int
count_snapshot(void *ctx, const char *name, uint64_t seq, uint64_t created_ms)
{
	size_t *count = ctx;

	(void)seq;
	(void)created_ms;
	check_contains(name, "snapshot-");
	++*count;
	return 0;
}

void
model_life_list_snapshots(struct model *m)
{
	size_t count = 0, want = 0;

	check_ok(lsm_snapshot_list(m->s.db, count_snapshot, &count));
	for (size_t i = 0; i < MODEL_SNAPSHOTS; i++)
		want += m->snapshots[i].is_named;
	check_eq(count, want);
}

/* --- time ------------------------------------------------------------------
 */

void
model_life_clock(struct model *m)
{
	model_set_clock(m, m->clock_ms + 1 + check_rand_below(&m->r, 1000));
}

/* What had expired is there again, or was swept: both are right, and so it
 * stays. */
static void
find_out(struct model *m, const struct lsm_snapshot *snapshot,
    struct model_cell *cells, uint64_t before_ms)
{
	struct lsm_value value;

	for (size_t i = 0; i < m->keys.count; i++) {
		if (!model_is_there(&cells[i], m->clock_ms) ||
		    model_is_there(&cells[i], before_ms))
			continue;
		if (lsm_get(m->s.db, snapshot, model_key(m, i), &value) == 1) {
			model_check_value(m, i, cells[i].version, value.bytes);
			lsm_value_release(&value);
		} else {
			cells[i].version = 0;
		}
	}
}

/* Not with threads: one that works by the old clock may sweep yet. */
void
model_life_clock_back(struct model *m)
{
	uint64_t before_ms = m->clock_ms;

	if (!m->s.options.no_background)
		return;
	model_let_go(m);
	model_set_clock(m, m->clock_ms - check_rand_below(&m->r, 1000));
	find_out(m, NULL, m->now, before_ms);
	for (size_t i = 0; i < MODEL_SNAPSHOTS; i++)
		if (m->snapshots[i].handle)
			find_out(m, m->snapshots[i].handle,
			    m->snapshots[i].cells, before_ms);
}

void
model_life_pattern(struct model *m)
{
	m->pattern =
	    (enum model_pattern)check_rand_below(&m->r, MODEL_PATTERNS);
	m->pattern_at = check_rand_below(&m->r, m->keys.count);
}

/* --- care ------------------------------------------------------------------
 */

void
model_life_flush(struct model *m)
{
	check_ok(lsm_flush(m->s.db));
}

void
model_life_compact(struct model *m)
{
	check_ok(lsm_compact(m->s.db, NULL, NULL));
}

void
model_life_sync(struct model *m)
{
	check_ok(lsm_sync(m->s.db, lsm_seq(m->s.db)));
	check_eq(lsm_durable_seq(m->s.db), lsm_seq(m->s.db));
}

/* What was written before is durable then, unless nobody wants that. */
void
model_life_durability(struct model *m)
{
	struct durability d = model_draw_durability(m), found;

	check_ok(lsm_set_durability(m->s.db, &d));
	lsm_get_durability(m->s.db, &found);
	check_eq(found.policy, d.policy);
	if (d.policy != DURABILITY_NONE)
		check_eq(lsm_durable_seq(m->s.db), lsm_seq(m->s.db));
}

void
model_life_check(struct model *m)
{
	lsm_store_check(&m->s);
}

/* --- closing and opening ---------------------------------------------------
 */

static void
let_go_of_all(struct model *m)
{
	struct lsm_stats stats = lsm_store_stats(&m->s);

	model_add_stats(&m->sum, &stats);
	m->compactions[m->s.options.compaction_style] += stats.compactions;
	model_let_go(m);
	for (size_t i = 0; i < MODEL_SNAPSHOTS; i++)
		close_handle(m, &m->snapshots[i]);
}

static void
open_again(struct model *m)
{
	char name[NAME_SIZE];

	if (check_rand_one_in(&m->r, 2))
		model_draw_options(m);
	lsm_store_open(&m->s);
	for (size_t i = 0; i < MODEL_SNAPSHOTS; i++) {
		struct model_snapshot *s = &m->snapshots[i];

		if (s->is_named)
			check_ok(lsm_snapshot_find(
			    m->s.db, name_of(m, s, name), &s->handle));
	}
	model_life_list_snapshots(m);
	model_check_all(m);
}

void
model_life_reopen(struct model *m)
{
	let_go_of_all(m);
	lsm_store_close(&m->s);
	open_again(m);
}

/* The files of the moment, without closing first: as after a kill. */
static void
go_on_with(struct model *m, const char *copy)
{
	let_go_of_all(m);
	lsm_store_close(&m->s);
	check_rmtree(m->s.dir);
	m->s.dir = copy;
	open_again(m);
}

/* Not with threads: they change files while these are copied. */
void
model_life_kill(struct model *m)
{
	if (m->s.options.no_background)
		go_on_with(m, lsm_store_copy(&m->s));
}

/* What a cut leaves of the log in the copy that has the name of the one at
 * path: it ends at offset from, or other bytes stand there up to end. */
static void
tear(const char *copy, const char *path, uint64_t from, uint64_t end, bool cut)
{
	struct buf name = {0}, rest = {0};
	size_t size = end - from;
	FILE *f;

	check_ok(buf_printf(&name, "%s%s%c", copy, strrchr(path, '/'), 0));
	check_ok(buf_reserve(&rest, size));
	f = fopen((const char *)name.data, "r+");
	check_true(f != NULL);
	check_ok(fseek(f, (long)from, SEEK_SET));
	if (cut) {
		check_ok(ftruncate(fileno(f), (off_t)from));
	} else {
		check_eq(fread(rest.data, 1, size, f), size);
		for (size_t i = 0; i < size; i++)
			rest.data[i] ^= 0x55;
		check_ok(fseek(f, (long)from, SEEK_SET));
		check_eq(fwrite(rest.data, 1, size, f), size);
	}
	check_ok(fclose(f));
	buf_fini(&name);
	buf_fini(&rest);
}

/* The last batch did not get to the log as a whole: nothing of it is there. */
void
model_life_torn(struct model *m)
{
	struct model_cell *before;
	struct lsm_stats old, new;
	struct lsm_batch *b;
	const char *copy;

	if (!m->s.options.no_background)
		return;
	before = model_cells_new(m);
	model_cells_copy(m, before, m->now);
	b = lsm_batch_new();
	check_true(b != NULL);
	old = lsm_store_stats(&m->s);
	model_write_some(m, b, 1 + check_rand_below(&m->r, 20));
	check_ok(lsm_write(m->s.db, b, NULL));
	lsm_batch_free(b);
	new = lsm_store_stats(&m->s);
	/* The record's place is known if there is one log, and the same. */
	if (old.log_files == 1 && new.log_files == 1 &&
	    new.log_bytes > old.log_bytes) {
		copy = lsm_store_copy(&m->s);
		tear(copy, lsm_store_file(&m->s, ".log"),
		    old.log_bytes +
			check_rand_below(&m->r, new.log_bytes - old.log_bytes),
		    new.log_bytes, check_rand_one_in(&m->r, 2));
		model_cells_copy(m, m->now, before);
		go_on_with(m, copy);
	}
	free(before);
}

/* Of a store and its copy one lives on, and does not miss the other. */
void
model_life_checkpoint(struct model *m)
{
	const char *copy = check_tmpdir();

	check_ok(lsm_checkpoint(m->s.db, copy));
	if (check_rand_one_in(&m->r, 2))
		go_on_with(m, copy);
	else
		check_rmtree(copy);
}
