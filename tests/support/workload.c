#include "tests/support/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/db/db.h"

#define START_MS  UINT64_C(1700000000000)
#define TRIES_MAX 4

void
workload_note(struct workload *w, const char *what, const char *text)
{
	size_t used, left;

	lock_acquire(&w->lock);
	used = strlen(w->messages);
	left = sizeof(w->messages) - used;
	if (strlen(what) + strlen(text) + 2 > left) {
		used = 0;
		left = sizeof(w->messages);
	}
	(void)snprintf(w->messages + used, left, "%s%s\n", what, text);
	lock_release(&w->lock);
}

static void
on_message(void *ctx, enum err_level level, const char *text)
{
	struct workload *w = ctx;

	if (level > ERR_LEVEL_INFO)
		workload_note(w, "", text);
}

/* --- beginning and end ---------------------------------------------------- */

static size_t
one_of(struct check_rand *r, size_t a, size_t b, size_t c)
{
	const size_t all[] = {a, b, c};

	return all[check_rand_below(r, 3)];
}

void
workload_draw_options(struct workload *w, struct check_rand *r)
{
	struct lsm_options *o = &w->options;

	o->memtable_bytes = one_of(r, 2000, 2000, 9000);
	o->block_bytes = one_of(r, 200, 600, 1000);
	o->cache_bytes = one_of(r, 0, 4096, 65536);
	o->filter_bits = (unsigned)one_of(r, 0, 10, 10);
	o->value_log_bytes = one_of(r, 0, 100, 600);
	o->compression = (enum lsm_compression)one_of(
	    r, LSM_COMPRESSION_NONE, LSM_COMPRESSION_LZ4, LSM_COMPRESSION_ZSTD);
	o->bottom_compression = (enum lsm_compression)one_of(
	    r, LSM_COMPRESSION_SAME, LSM_COMPRESSION_LZ4, LSM_COMPRESSION_ZSTD);
	o->compaction_style =
	    (enum lsm_compaction_style)one_of(r, LSM_COMPACTION_LEVELED,
		LSM_COMPACTION_LEVELED, LSM_COMPACTION_LAZY);
	o->compaction_threads = (unsigned)one_of(r, 1, 2, 3);
}

static void
first_options(struct workload *w)
{
	struct check_rand r = check_rand_of(w->seed);
	struct lsm_options *o = &w->options;

	lsm_options_init(o);
	o->create = true;
	o->table_bytes = 1500;
	o->level_base_bytes = 3000;
	o->level0_tables = 2;
	o->no_background = true;
	o->env = &w->fault.env;
	workload_draw_options(w, &r);
}

void
workload_init(struct workload *w, uint64_t seed, bool forgets)
{
	const struct env_forget_options o = {.no_device_sync = true};
	struct env *base = &w->posix;

	*w = (struct workload){
	    .seed = seed,
	    .steps = 170,
	    .steps_after = UINT32_MAX,
	    .clock_ms = START_MS,
	};
	lock_init(&w->lock, LOCK_RANK_LEAF);
	w->dir = check_tmpdir();
	(void)snprintf(w->store, sizeof(w->store), "%s/store", w->dir);
	w->states = calloc(WORKLOAD_STATES, sizeof(*w->states));
	check_true(w->states != NULL);
	env_posix_init(&w->posix, (struct err_sink){on_message, w});
	if (forgets) {
		check_ok(env_forget_new(&w->posix, &o, &w->forget));
		base = env_forget_env(w->forget);
	}
	env_fault_init(&w->fault, base);
	w->fault.syncs_kept = !forgets;
	w->fault.wall_ns = w->clock_ms * 1000000;
	first_options(w);
}

/* Whether the manifest is another one than the first, whose number is 1. */
static bool
has_other_manifest(const struct workload *w)
{
	char path[1100], name[64] = "";
	unsigned number = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/CURRENT", w->store);
	f = fopen(path, "r");
	if (!f)
		return false;
	(void)fread(name, 1, sizeof(name) - 1, f);
	(void)fclose(f);
	(void)sscanf(name + strcspn(name, "0123456789"), "%u", &number);
	return number > 1;
}

bool
workload_did_all(const struct workload *w)
{
	const struct lsm_stats *s = &w->sum;

	return s->flushes > 0 && s->compactions > 0 && s->expired > 0 &&
	       s->range_deletes > 0 && s->value_bytes_collected > 0 &&
	       w->snapshots_seen > 0 && w->names_made > 0 &&
	       w->copies_made > 0 && w->manifest_changed;
}

void
workload_tell_done(const struct workload *w)
{
	printf("%zu writes, %u flushes, %u compactions, %u expired,"
	       " %u ranges, %u bytes collected, %u snapshots, %u named,"
	       " %u checkpoints, %s manifest\n",
	    w->live, (unsigned)w->sum.flushes, (unsigned)w->sum.compactions,
	    (unsigned)w->sum.expired, (unsigned)w->sum.range_deletes,
	    (unsigned)w->sum.value_bytes_collected, w->snapshots_seen,
	    w->names_made, w->copies_made,
	    w->manifest_changed ? "another" : "the first");
}

void
workload_fini(struct workload *w)
{
	if (w->db)
		(void)workload_close(w);
	w->manifest_changed = has_other_manifest(w);
	env_fault_fini(&w->fault);
	env_forget_free(w->forget);
	check_rmtree(w->dir);
	free(w->states);
	lock_fini(&w->lock);
}

void
workload_tell(struct workload *w)
{
	printf("seed %" PRIu64 ", step %u (%s), error %u, writes: %zu shown,"
	       " %zu acknowledged, %zu tried, %zu promised\n",
	    w->seed, w->step, w->doing ? w->doing : "none", w->errors, w->live,
	    w->acked, w->tried, w->promised);
	if (w->fault.hits > 0)
		printf("failed: %s of %s\n", w->fault.hit, w->fault.hit_name);
	lock_acquire(&w->lock);
	printf("%s", w->messages);
	lock_release(&w->lock);
}

/* --- opening and closing -------------------------------------------------- */

static void
add_stats(struct lsm_stats *to, const struct lsm_stats *s)
{
	to->flushes += s->flushes;
	to->compactions += s->compactions;
	to->expired += s->expired;
	to->syncs += s->syncs;
	to->range_deletes += s->range_deletes;
	to->value_bytes_collected += s->value_bytes_collected;
}

int
workload_close(struct workload *w)
{
	struct lsm *db = w->db;
	struct lsm_stats s;
	int err;

	for (size_t i = 0; i < WORKLOAD_OPEN; i++) {
		lsm_snapshot_close(db, w->snapshots[i].handle);
		w->snapshots[i].handle = NULL;
	}
	lsm_stats(db, &s);
	add_stats(&w->sum, &s);
	w->db = NULL;
	err = lsm_close(db);
	if (!err)
		w->promised = w->live;
	return err;
}

/* The store's state is one that was written, and not too old a one. */
static void
find_state(struct workload *w, size_t oldest)
{
	uint64_t seq = lsm_seq(w->db);
	size_t n = w->tried;

	while (n > 0 && w->states[n].seq != seq)
		n--;
	check_eq(w->states[n].seq, seq);
	check_le(oldest, n);
	w->live = w->acked = w->tried = n;
}

static bool
is_dead(const struct workload *w)
{
	return w->fault.kind == ENV_FAULT_DEAD && w->fault.hits > 0;
}

static bool
is_over(const struct workload *w)
{
	return is_dead(w) || (w->forget && env_forget_is_cut(w->forget));
}

int
workload_try_open(struct workload *w)
{
	struct lsm *none = (struct lsm *)(void *)&w->db, *db = none;
	int err = lsm_open(w->store, &w->options, &db);

	if (err) {
		check_true(db == none);
		return err;
	}
	w->db = db;
	/* So that manifests are begun all the time. */
	db->vset.manifest_bytes_max = 256;
	return 0;
}

/* False: the run is over.  A call failed: that may be, and may not be again
 * and again. */
static bool
bear(struct workload *w, int err, unsigned tries)
{
	w->errors++;
	if (w->relieve)
		w->relieve(w);
	if (!w->explains(w, err))
		check_ok(err);
	if (is_over(w))
		return false;
	if (tries >= TRIES_MAX)
		check_ok(err);
	return true;
}

/* oldest: the state that the store must have at least. */
static bool
open_at_last(struct workload *w, size_t oldest)
{
	unsigned tries = 0;
	int err;

	w->doing = "open";
	while ((err = workload_try_open(w)))
		if (!bear(w, err, ++tries))
			return false;
	find_state(w, oldest);
	while ((err = workload_settle_names(w)) || (err = workload_look(w)) ||
	       (err = workload_check_copy(w)))
		if (!bear(w, err, ++tries))
			return false;
	return true;
}

void
workload_open(struct workload *w)
{
	(void)open_at_last(w, w->acked);
}

void
workload_restart(struct workload *w)
{
	size_t oldest = w->forget ? w->promised : w->acked;

	if (w->db)
		(void)workload_close(w);
	env_fault_disarm(&w->fault);
	if (w->forget)
		check_ok(env_forget_restart(w->forget, NULL));
	(void)open_at_last(w, oldest);
	if (w->forget)
		w->promised = w->live;
}

/* --- running -------------------------------------------------------------- */

/* What the store itself says is durable is a promise. */
static void
note_promises(struct workload *w)
{
	uint64_t seq = lsm_durable_seq(w->db);

	check_le(seq, lsm_seq(w->db));
	while (w->promised < w->live && w->states[w->promised + 1].seq <= seq)
		w->promised++;
}

/* The log has failed: reading goes on, writing does not, until the store is
 * opened again. */
static bool
end_and_open(struct workload *w)
{
	struct lsm_batch *b = lsm_batch_new();

	check_true(b != NULL);
	check_ok(lsm_batch_delete(b, bytes_str("none")));
	check_err(lsm_write(w->db, b, NULL), -EROFS);
	lsm_batch_free(b);
	check_ok(workload_look(w));
	(void)workload_close(w);
	return open_at_last(w, w->acked);
}

/* The state of the store after a call of a step failed. */
static bool
go_on(struct workload *w)
{
	int err;
	unsigned tries = 0;

	if (!w->db)
		return open_at_last(w, w->acked);
	if (lsm_failure(w->db))
		return end_and_open(w);
	while ((err = workload_look(w)))
		if (!bear(w, err, ++tries))
			return false;
	return true;
}

static bool
run_step(struct workload *w)
{
	unsigned tries = 0;
	int err;

	w->target = w->end = 0;
	while ((err = workload_step(w)))
		if (!bear(w, err, ++tries) || !go_on(w))
			return false;
	if (!w->db && !open_at_last(w, w->acked))
		return false;
	note_promises(w);
	return true;
}

bool
workload_run(struct workload *w)
{
	unsigned after = 0;

	if (!w->db)
		return false;
	while (w->step < w->steps + WORKLOAD_LAST) {
		if (!run_step(w))
			return false;
		after += w->errors > 0;
		if (++w->step < w->steps && after > w->steps_after)
			w->step = w->steps;
	}
	return true;
}
