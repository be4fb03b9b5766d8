#include "tests/bench/engine/workload.h"

#include <pthread.h>

#include "tests/bench/engine/device.h"
#include "tests/bench/engine/reads.h"
#include "tests/bench/engine/writes.h"

#define OVERWRITES  5   /* of each key, in the run for amplification */
#define LONGER      3   /* than a fill it may take */
#define SURVIVORS   100 /* of a mass delete */
#define DELETED     100000
#define DELETED_MIN 1000
#define WARM_UP     0.5 /* of a row's time */

/* Keeps the orders in which workloads meet the keys apart. */
enum seed {
	SEED_FILL = 1,
	SEED_BATCH,
	SEED_SYNC,
	SEED_HIT,
	SEED_MISS,
	SEED_SEEK,
	SEED_MIXED,
	SEED_OVERWRITE,
	SEED_DELETE,
};

static uint64_t
seed_of(const struct run *r, enum seed what)
{
	return r->setup.seed * 64 + what;
}

static struct writes
writes_of(const struct run *r, enum writes_order order, enum seed seed)
{
	return (struct writes){
	    .keys = r->keys,
	    .count = r->keys,
	    .seconds = r->setup.cap,
	    .order = order,
	    .batch = 1,
	    .threads = 1,
	    .seed = seed_of(r, seed),
	};
}

/* --- writing ------------------------------------------------------------- */

/* Runs w into an empty store. */
static void
fill(struct run *r, const char *name, const struct writes *w, struct row *row)
{
	struct tally t;

	run_write_row_begin(r);
	writes_run(r, w, &t);
	r->live_bytes += t.given_bytes;
	run_row_end_settled(r, name, &t, row);
	row->threads = w->threads;
	row->capped = t.ops < w->count;
	writes_check(r, w, &t);
}

static void
fillseq(struct run *r, struct row *row)
{
	struct writes w = writes_of(r, WRITES_IN_ORDER, SEED_FILL);

	fill(r, "fillseq", &w, row);
}

static void
fillbatch(struct run *r, struct row *row)
{
	struct writes w = writes_of(r, WRITES_SHUFFLED, SEED_BATCH);

	w.batch = WRITES_BATCH_MAX;
	fill(r, "fillbatch", &w, row);
}

static void
device_turn(void *d)
{
	device_write(d);
}

/* As many of the same puts again, by turns with what the device takes. */
static void
sync_by_turns(struct run *r, uint64_t puts, struct row *rows)
{
	struct writes w = writes_of(r, WRITES_SHUFFLED, SEED_SYNC);
	struct tally t, turns = {.ops = 0};
	struct device d;

	device_open(&d, r);
	w.count = puts;
	w.seconds = r->setup.seconds;
	w.between = device_turn;
	w.ctx = &d;
	w.turns = &turns;
	run_row_begin(r);
	writes_run(r, &w, &t);
	t.seconds -= turns.seconds;
	run_row_end(r, "fillsync-turns", &t, &rows[0]);
	run_row_end(r, "fillsync-device", &turns, &rows[1]);
	rows[0].threads = rows[1].threads = 1;
	device_close(&d);
}

static void
fillsync(struct run *r, struct row *rows)
{
	struct writes w = writes_of(r, WRITES_SHUFFLED, SEED_SYNC);

	w.seconds = r->setup.seconds;
	fill(r, "fillsync", &w, &rows[0]);
	rows[0].capped = false; /* it is a row that is timed */
	sync_by_turns(r, rows[0].ops, &rows[1]);
}

static void
fillsync8(struct run *r, struct row *row)
{
	struct writes w = writes_of(r, WRITES_SHUFFLED, SEED_SYNC);

	w.seconds = r->setup.seconds;
	w.threads = RUN_THREADS_MAX;
	fill(r, "fillsync8", &w, row);
	row->capped = false;
}

/* What the cap has cut off is loaded behind the row's back: the workloads
 * that follow want every key. */
static void
fillrandom(struct run *r, struct row *row)
{
	struct writes w = writes_of(r, WRITES_SHUFFLED, SEED_FILL);
	struct tally t = {.ops = 0};

	fill(r, "fillrandom", &w, row);
	t.ops = row->ops;
	if (!row->capped)
		return;
	writes_rest(r, &w, &t);
	(void)run_settle(r);
}

/* All keys, shuffled, in batches. */
static void
load(struct run *r, uint64_t keys)
{
	struct writes w = writes_of(r, WRITES_SHUFFLED, SEED_FILL);
	struct tally t;

	w.keys = w.count = keys;
	w.batch = WRITES_BATCH_MAX;
	writes_run(r, &w, &t);
	r->live_bytes += t.given_bytes;
	if (t.ops < w.count)
		writes_rest(r, &w, &t);
	(void)run_settle(r);
}

static void
load_unless_first(struct run *r, bool first)
{
	if (!first)
		load(r, r->keys);
}

static void
load_all(struct run *r, bool first)
{
	(void)first;
	load(r, r->keys);
}

/* times as many puts as there are keys. */
static void
overwrite_so_often(
    struct run *r, const char *name, unsigned times, struct row *row)
{
	struct writes w = writes_of(r, WRITES_ANYHOW, SEED_OVERWRITE);
	struct tally t;

	w.count *= times;
	w.seconds *= times > 1 ? LONGER : 1;
	run_write_row_begin(r);
	writes_run(r, &w, &t);
	run_row_end_settled(r, name, &t, row);
	row->threads = 1;
	row->capped = t.ops < w.count;
}

static void
overwrite(struct run *r, struct row *row)
{
	overwrite_so_often(r, "overwrite", 1, row);
}

static void
overwrite5x(struct run *r, struct row *row)
{
	overwrite_so_often(r, "overwrite5x", OVERWRITES, row);
}

/* Half of the keys. */
static void
deleterandom(struct run *r, struct row *row)
{
	struct writes w = writes_of(r, WRITES_SHUFFLED, SEED_DELETE);
	struct random_order order = random_order_of(w.keys, w.seed);
	struct tally t;

	w.erases = true;
	w.count /= 2;
	run_write_row_begin(r);
	writes_run(r, &w, &t);
	for (uint64_t n = 0; n < t.ops; n++) {
		uint64_t i = random_order_at(&order, n);

		r->live_bytes -= shape_bytes(&r->shape, i, i + 1);
	}
	run_row_end_settled(r, "deleterandom", &t, row);
	row->threads = 1;
	row->capped = t.ops < w.count;
	writes_check(r, &w, &t);
}

/* --- reading ------------------------------------------------------------- */

typedef void reads_loop(
    struct run *r, double seconds, uint64_t seed, struct tally *t);

static void
read_row(struct run *r, const char *name, reads_loop *loop, enum seed seed,
    struct row *row)
{
	double seconds = r->setup.seconds;
	struct tally t;

	loop(r, seconds * WARM_UP, ~seed_of(r, seed), &t);
	run_row_begin(r);
	loop(r, seconds, seed_of(r, seed), &t);
	run_row_end(r, name, &t, row);
	row->threads = 1;
}

static void
readrandom(struct run *r, struct row *row)
{
	read_row(r, "readrandom", reads_hit, SEED_HIT, row);
}

static void
readcached(struct run *r, struct row *row)
{
	read_row(r, "readcached", reads_cached, SEED_HIT, row);
}

static void
readmissing(struct run *r, struct row *row)
{
	read_row(r, "readmissing", reads_miss, SEED_MISS, row);
}

static void
readseq(struct run *r, struct row *row)
{
	read_row(r, "readseq", reads_all, SEED_SEEK, row);
}

static void
seekrandom(struct run *r, struct row *row)
{
	read_row(r, "seek10", reads_seek, SEED_SEEK, row);
}

struct reader {
	struct run *run;
	struct tally tally;
};

static void *
read_beside(void *arg)
{
	struct reader *x = arg;

	reads_hit(x->run, x->run->setup.seconds, seed_of(x->run, SEED_MIXED),
	    &x->tally);
	return NULL;
}

/* What the process used goes to both rows, shared out by operations; what it
 * wrote is the writer's. */
static void
share_out(struct row *reads, struct row *writes)
{
	double share = (double)reads->ops / (double)(reads->ops + writes->ops);

	reads->cpu_seconds *= share;
	writes->cpu_seconds *= 1 - share;
	reads->written_bytes = reads->given_bytes = 0;
	reads->threads = writes->threads = 1;
}

static void
readwhilewriting(struct run *r, struct row *rows)
{
	struct writes w = writes_of(r, WRITES_ANYHOW, SEED_MIXED);
	struct reader reader = {.run = r};
	pthread_t thread;
	struct tally t;

	w.seconds = r->setup.seconds;
	w.count = UINT64_MAX;
	run_write_row_begin(r);
	if (pthread_create(&thread, NULL, read_beside, &reader) != 0)
		peer_die(r->ops->name, "reader", "no thread");
	writes_loop(r, &w, 0, &t);
	pthread_join(thread, NULL);
	run_row_end_settled(r, "readwhilewriting-w", &t, &rows[1]);
	run_row_end(r, "readwhilewriting-r", &reader.tally, &rows[0]);
	share_out(&rows[0], &rows[1]);
}

/* --- what a mass delete leaves ------------------------------------------- */

/* The first half of the store is deleted but for every step-th key. */
static struct reads_range
deleted_range(const struct run *r)
{
	uint64_t deleted = DELETED / r->setup.scale;
	uint64_t step;

	if (deleted < DELETED_MIN)
		deleted = DELETED_MIN;
	step = deleted / SURVIVORS + 1;
	return (struct reads_range){0, step * SURVIVORS, step / 2, step};
}

/* As many keys in the middle of the other half. */
static struct reads_range
clean_range(const struct run *r)
{
	uint64_t from = deleted_range(r).to * 3 / 2;

	return (struct reads_range){from, from + SURVIVORS, from, 1};
}

static void
delete_adjacent(struct run *r, bool first)
{
	struct reads_range range = deleted_range(r);
	void *session;

	(void)first;
	load(r, range.to * 2);
	session = r->ops->session_open(r->db);
	for (uint64_t i = 0; i < range.to; i++) {
		uint8_t key[SHAPE_KEY_MAX];
		struct peer_write w = {.value = {NULL, 0}};

		if (i % range.step == range.first)
			continue;
		w.key = shape_key(&r->shape, i, key);
		r->ops->write(session, &w, 1);
		r->live_bytes -= shape_bytes(&r->shape, i, i + 1);
	}
	r->ops->session_close(session);
}

static void
list_row(
    struct run *r, const char *name, struct reads_range range, struct row *row)
{
	struct tally t;

	reads_range(r, r->setup.seconds * WARM_UP / 2, &range, &t);
	run_row_begin(r);
	reads_range(r, r->setup.seconds / 2, &range, &t);
	run_row_end(r, name, &t, row);
	row->threads = 1;
}

static void
listdeleted(struct run *r, struct row *rows)
{
	list_row(r, "listclean", clean_range(r), &rows[0]);
	list_row(r, "listdeleted", deleted_range(r), &rows[1]);
}

static void
listdeleted_flushed(struct run *r, struct row *rows)
{
	(void)run_settle(r);
	list_row(r, "listclean-flushed", clean_range(r), &rows[0]);
	list_row(r, "listdeleted-flushed", deleted_range(r), &rows[1]);
}

/* --- all of them --------------------------------------------------------- */

static const struct workload in_order[] = {{"fillseq", 1, fillseq}, {0}};
static const struct workload in_batches[] = {{"fillbatch", 1, fillbatch}, {0}};
static const struct workload synced[] = {{"fillsync", 3, fillsync}, {0}};
static const struct workload synced8[] = {{"fillsync8", 1, fillsync8}, {0}};
static const struct workload at_random[] = {
    {"fillrandom", 1, fillrandom},
    {"readrandom", 1, readrandom},
    {"readcached", 1, readcached},
    {"readmissing", 1, readmissing},
    {"readseq", 1, readseq},
    {"seek10", 1, seekrandom},
    {"readwhilewriting", 2, readwhilewriting},
    {"overwrite", 1, overwrite},
    {"deleterandom", 1, deleterandom},
    {0},
};
static const struct workload deleted[] = {
    {"listdeleted", 2, listdeleted},
    {"listdeleted-flushed", 2, listdeleted_flushed},
    {0},
};
static const struct workload amplified[] = {
    {"overwrite5x", 1, overwrite5x}, {0}};

static const struct workload_group groups[] = {
    {"seq", false, NULL, in_order},
    {"batch", false, NULL, in_batches},
    {"sync", true, NULL, synced},
    {"sync8", true, NULL, synced8},
    {"random", false, load_unless_first, at_random},
    {"deleted", false, delete_adjacent, deleted},
    {"amplified", false, load_all, amplified},
};

const struct workload_group *
workload_group_at(unsigned i)
{
	return i < sizeof(groups) / sizeof(groups[0]) ? &groups[i] : NULL;
}
