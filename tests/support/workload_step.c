/* The calls that a workload makes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/workload.h"

/* --- writes --------------------------------------------------------------- */

/* A batch in the making, and the state behind it. */
struct write {
	struct workload *w;
	struct check_rand *r;
	struct lsm_batch *b;
	struct workload_state *next;
	uint32_t ops;
	bool huge; /* the values are */
};

/* -ENOMEM leaves the batch as it was. */
static int
done(struct write *x, int err, uint32_t count, size_t bytes)
{
	if (err) {
		check_eq(lsm_batch_count(x->b), count);
		check_eq(lsm_batch_bytes(x->b), bytes);
		return err;
	}
	x->ops++;
	x->next->seq++;
	return 0;
}

static int
add_put(struct write *x, size_t key, uint64_t expires_ms)
{
	uint32_t version = (uint32_t)(x->w->target * 64 + x->ops + 1) |
			   (x->huge ? WORKLOAD_HUGE : 0);
	uint32_t count = lsm_batch_count(x->b);
	size_t bytes = lsm_batch_bytes(x->b);
	struct bytes value = workload_value(version);
	uint8_t *room;
	int err;

	if (version % 2 == 0 && expires_ms == 0) {
		err = lsm_batch_put_room(
		    x->b, workload_key(key), value.size, &room);
		if (!err && value.size > 0)
			memcpy(room, value.data, value.size);
	} else {
		err = lsm_batch_put_until(
		    x->b, workload_key(key), value, expires_ms);
	}
	err = done(x, err, count, bytes);
	if (!err)
		x->next->cells[key] =
		    (struct workload_cell){version, expires_ms};
	return err;
}

static int
add_delete(struct write *x, size_t key)
{
	uint32_t count = lsm_batch_count(x->b);
	size_t bytes = lsm_batch_bytes(x->b);
	int err = lsm_batch_delete(x->b, workload_key(key));

	err = done(x, err, count, bytes);
	if (!err)
		x->next->cells[key] = (struct workload_cell){0};
	return err;
}

/* Up to the end now and then. */
static int
add_delete_range(struct write *x, size_t key)
{
	size_t end = key + 1 + check_rand_below(x->r, 8);
	uint32_t count = lsm_batch_count(x->b);
	size_t bytes = lsm_batch_bytes(x->b);
	char begin[512];
	struct bytes first = workload_key(key);
	int err;

	memcpy(begin, first.data, first.size);
	err = lsm_batch_delete_range(x->b, bytes_of(begin, first.size),
	    end < WORKLOAD_KEYS ? workload_key(end) : (struct bytes){NULL, 0});
	err = done(x, err, count, bytes);
	for (; !err && key < end && key < WORKLOAD_KEYS; key++)
		x->next->cells[key] = (struct workload_cell){0};
	return err;
}

static int
add_some(struct write *x)
{
	size_t key = check_rand_below(x->r, WORKLOAD_KEYS);
	uint64_t kind = check_rand_below(x->r, 20);

	if (kind < 1)
		return add_delete_range(x, key);
	if (kind < 4)
		return add_delete(x, key);
	if (kind < 8)
		return add_put(
		    x, key, x->w->clock_ms + 1 + check_rand_below(x->r, 4000));
	return add_put(x, key, 0);
}

/* A write that failed is none, unless the log has failed with it: then it may
 * be seen again. */
static int
commit(struct workload *w, struct lsm_batch *b)
{
	uint64_t none = UINT64_MAX, seq = none;
	int err;

	w->tried = w->target;
	err = lsm_write(w->db, b, &seq);
	if (!err) {
		check_eq(seq, w->states[w->target].seq);
		w->live = w->acked = w->target;
	} else if (lsm_failure(w->db)) {
		if (lsm_seq(w->db) == w->states[w->target].seq)
			w->live = w->target;
	} else {
		check_eq(seq, none);
		w->tried = w->live;
	}
	check_eq(lsm_seq(w->db), w->states[w->live].seq);
	return err;
}

static int
write_batch(struct workload *w, struct write *x, size_t count)
{
	int err = 0;

	if (w->target == 0)
		w->target = w->live + 1;
	/* A try that failed, but is in the store that was opened since. */
	if (w->target <= w->live)
		return 0;
	check_true(w->target < WORKLOAD_COPY);
	x->next = &w->states[w->target];
	*x->next = w->states[w->live];
	x->b = lsm_batch_new();
	if (!x->b)
		return -ENOMEM;
	while (count-- > 0 && !err)
		err = x->huge ? add_put(x, count, 0) : add_some(x);
	if (!err)
		err = commit(w, x->b);
	lsm_batch_free(x->b);
	return err;
}

static int
write_ops(struct workload *w, struct check_rand *r, size_t count)
{
	struct write x = {.w = w, .r = r};

	return write_batch(w, &x, count);
}

static int
step_put(struct workload *w, struct check_rand *r)
{
	return write_ops(w, r, 1);
}

static int
step_batch(struct workload *w, struct check_rand *r)
{
	return write_ops(w, r, 2 + check_rand_below(r, 5));
}

/* More than a memtable takes. */
static int
step_large_batch(struct workload *w, struct check_rand *r)
{
	return write_ops(w, r, 40);
}

/* More than memory is asked for at a time. */
static int
step_huge(struct workload *w, struct check_rand *r)
{
	struct write x = {.w = w, .r = r, .huge = true};

	return write_batch(w, &x, 1);
}

/* So many in a row that the log is written in another way. */
static int
step_burst(struct workload *w, struct check_rand *r)
{
	int err = 0;

	if (w->end == 0)
		w->end = w->live + 24;
	while (w->live < w->end && !err) {
		struct check_rand own = check_rand_of(r->state + w->live);

		w->target = w->live + 1;
		err = write_ops(w, &own, 1);
	}
	return err;
}

/* --- reads -----------------------------------------------------------------
 */

static int
step_get(struct workload *w, struct check_rand *r)
{
	(void)r;
	return workload_get_all(w, NULL, w->live);
}

static int
step_scan(struct workload *w, struct check_rand *r)
{
	(void)r;
	return workload_scan(w, NULL, w->live);
}

static int
step_look(struct workload *w, struct check_rand *r)
{
	(void)r;
	return workload_look(w);
}

/* Opens one, or looks at it and closes it. */
static int
step_snapshot(struct workload *w, struct check_rand *r)
{
	struct workload_snapshot *s =
	    &w->snapshots[check_rand_below(r, WORKLOAD_OPEN)];
	int err;

	if (!s->handle) {
		err = lsm_snapshot_open(w->db, &s->handle);
		if (err)
			check_true(!s->handle);
		s->state = w->live;
		return err;
	}
	err = workload_get_all(w, s->handle, s->state);
	if (!err)
		err = workload_scan(w, s->handle, s->state);
	if (err)
		return err;
	lsm_snapshot_close(w->db, s->handle);
	s->handle = NULL;
	w->snapshots_seen++;
	return 0;
}

/* --- named snapshots -------------------------------------------------------
 */

static int
step_name(struct workload *w, struct check_rand *r)
{
	unsigned i = (unsigned)check_rand_below(r, WORKLOAD_NAMES);
	struct workload_name *n = &w->names[i];
	char name[8];
	int err;

	workload_name(i, name);
	if (n->there)
		err = lsm_snapshot_delete(w->db, name);
	else
		err = lsm_snapshot_create(w->db, name);
	if (err) {
		n->maybe = true;
		n->maybe_there = !n->there;
		n->maybe_state = w->live;
		return err;
	}
	n->maybe = false;
	n->there = !n->there;
	n->state = w->live;
	w->names_made += n->there;
	return 0;
}

static int
count_name(void *ctx, const char *name, uint64_t seq, uint64_t created_ms)
{
	unsigned *count = ctx;

	check_contains(name, "snap");
	check_le(1, seq + 1);
	check_le(1, created_ms);
	++*count;
	return 0;
}

static int
step_names(struct workload *w, struct check_rand *r)
{
	unsigned found = 0, want = 0;
	int err = lsm_snapshot_list(w->db, count_name, &found);

	(void)r;
	if (err)
		return err;
	for (unsigned i = 0; i < WORKLOAD_NAMES; i++)
		want += w->names[i].there;
	check_eq(found, want);
	return workload_check_names(w);
}

/* --- care ------------------------------------------------------------------
 */

static int
step_clock(struct workload *w, struct check_rand *r)
{
	w->clock_ms += 1 + check_rand_below(r, 1500);
	w->fault.wall_ns = w->clock_ms * 1000000;
	return 0;
}

static int
step_sync(struct workload *w, struct check_rand *r)
{
	int err = lsm_sync(w->db, lsm_seq(w->db));

	(void)r;
	if (!err)
		check_eq(lsm_durable_seq(w->db), lsm_seq(w->db));
	return err;
}

/* What is in tables is durable. */
static int
promise_all(struct workload *w, int err)
{
	if (!err)
		w->promised = w->live;
	return err;
}

static int
step_flush(struct workload *w, struct check_rand *r)
{
	(void)r;
	return promise_all(w, lsm_flush(w->db));
}

static int
step_compact(struct workload *w, struct check_rand *r)
{
	(void)r;
	return promise_all(w, lsm_compact(w->db, NULL, NULL));
}

/* Bounds in time that do not come, so that each run is like the other. */
static int
step_policy(struct workload *w, struct check_rand *r)
{
	static const char *const policies[] = {"none", "sync",
	    "batch batch_ops=3 batch_ms=10000", "adaptive adaptive_ms=10000"};
	struct durability d = durability_of(DURABILITY_NONE);

	check_ok(durability_parse(
	    bytes_str(policies[check_rand_below(r, 4)]), &d, NULL));
	return lsm_set_durability(w->db, &d);
}

static int
step_check(struct workload *w, struct check_rand *r)
{
	(void)r;
	return workload_check_store(w);
}

struct dump {
	FILE *out;
	bool leavings; /* there may be unfinished files */
};

static int
dump_file(void *ctx, const char *path)
{
	const struct dump *d = ctx;
	int err = lsm_dump_file(path, d->out);

	return err == ERR_DAMAGED && d->leavings ? 0 : err;
}

/* Not while others write the files. */
static int
step_dump(struct workload *w, struct check_rand *r)
{
	struct dump d = {.leavings = !w->leaves_nothing};
	int err;

	(void)r;
	if (!w->options.no_background)
		return 0;
	d.out = fopen("/dev/null", "w");
	check_true(d.out != NULL);
	err = lsm_list_files(w->store, dump_file, &d);
	check_ok(fclose(d.out));
	return err;
}

const char *
workload_copy_path(const struct workload *w, unsigned number)
{
	static char path[1024];

	(void)snprintf(path, sizeof(path), "%s/copy%u", w->dir, number);
	return path;
}

/* After an error there is nothing of it. */
static int
step_copy(struct workload *w, struct check_rand *r)
{
	const char *path = workload_copy_path(w, ++w->copies);
	int err = lsm_checkpoint(w->db, path);

	(void)r;
	if (err) {
		if (w->leaves_nothing)
			check_err(access(path, F_OK) ? -errno : 0, -ENOENT);
		return err;
	}
	w->copy.number = w->copies;
	w->copies_made++;
	w->states[WORKLOAD_COPY] = w->states[w->live];
	memcpy(w->copy.names, w->names, sizeof(w->names));
	for (size_t i = 0; i < WORKLOAD_NAMES; i++)
		w->copy.names[i].maybe = false;
	return workload_check_copy(w);
}

/* Closes; whoever runs the step opens.  Options that may change do. */
static int
step_reopen(struct workload *w, struct check_rand *r)
{
	workload_draw_options(w, r);
	return workload_close(w);
}

/* --- all of them -----------------------------------------------------------
 */

static const struct step {
	const char *name;
	unsigned weight;
	int (*run)(struct workload *w, struct check_rand *r);
} steps[] = {
    {"put", 30, step_put},
    {"batch", 22, step_batch},
    {"large batch", 1, step_large_batch},
    {"huge value", 1, step_huge},
    {"burst", 1, step_burst},
    {"get", 5, step_get},
    {"scan", 5, step_scan},
    {"snapshot", 10, step_snapshot},
    {"name", 8, step_name},
    {"names", 2, step_names},
    {"clock", 4, step_clock},
    {"sync", 5, step_sync},
    {"flush", 3, step_flush},
    {"compact", 1, step_compact},
    {"policy", 3, step_policy},
    {"check", 2, step_check},
    {"dump", 1, step_dump},
    {"copy", 2, step_copy},
    {"reopen", 3, step_reopen},
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* What comes behind all others. */
static const struct step last[WORKLOAD_LAST] = {
    {"last look", 0, step_look},
    {"last reopen", 0, step_reopen},
    {"last compact", 0, step_compact},
    {"look at what was compacted", 0, step_look},
    {"last check", 0, step_check},
    {"last close", 0, step_reopen},
};

static const struct step *
draw(struct check_rand *r)
{
	uint64_t total = 0, at;
	size_t i;

	for (i = 0; i < STEPS; i++)
		total += steps[i].weight;
	at = check_rand_below(r, total);
	for (i = 0; at >= steps[i].weight; i++)
		at -= steps[i].weight;
	return &steps[i];
}

int
workload_step(struct workload *w)
{
	struct check_rand r = check_rand_of(w->seed * 1000003 + w->step);
	const struct step *s =
	    w->step < w->steps ? draw(&r) : &last[w->step - w->steps];

	w->doing = s->name;
	return s->run(w, &r);
}
