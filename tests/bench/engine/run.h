/*
 * run: one engine with one store, and the workloads that it is given.
 *
 * Use:
 *	run_open(&r, &setup); r.live_bytes is what the store holds
 *	workload's f(&r, rows); ...
 *	run_close(&r); the store is the caller's to remove
 *
 * Threads: by one; workloads start and join their own.
 */
#ifndef TESTS_BENCH_ENGINE_RUN_H
#define TESTS_BENCH_ENGINE_RUN_H

#include <limits.h>

#include "tests/bench/engine/hist.h"
#include "tests/bench/engine/measure.h"
#include "tests/bench/engine/shape.h"

#define RUN_THREADS_MAX 8

/* What does not change from engine to engine. */
struct run_setup {
	uint64_t scale;    /* counts are divided by this */
	double seconds;    /* a timed row takes so long */
	double cap;        /* a counted row ends after so long */
	unsigned quiet_ms; /* settled is who is quiet for so long */
	bool tidies;       /* or for peer_ops.tidy_ms */
	uint64_t seed;     /* of this round */
};

struct run {
	/* constant after run_open */
	struct run_setup setup;
	const struct peer_ops *ops;
	struct shape shape;
	uint64_t keys;       /* the shape's, scaled */
	uint64_t data_bytes; /* of all of them, about */
	char dir[PATH_MAX];
	/* the store */
	void *db;
	uint64_t live_bytes;
	/* the row */
	struct measure begin;
};

/* What a loop did. */
struct tally {
	struct hist hist;
	uint64_t ops;
	uint64_t thread_ops[RUN_THREADS_MAX];
	uint64_t given_bytes; /* keys and values handed to the engine */
	double seconds;
};

/* A line of the result; goes through a pipe as it is. */
struct row {
	char name[32];
	unsigned threads;
	bool capped; /* ended by time, not by count */
	uint64_t ops;
	double seconds, settle_seconds, cpu_seconds;
	double p50_us, p99_us, p999_us, max_us;
	uint64_t written_bytes, given_bytes;
	uint64_t store_bytes, live_bytes;
	uint64_t anon_peak, resident_peak;
};

/* Makes dir and a store in it; sync: each write is durable. */
void run_open(struct run *r, const struct peer_ops *ops,
    const struct shape *shape, const char *dir, bool sync);
void run_close(struct run *r);

/* Flushes, and waits until nothing moves; how long that took. */
double run_settle(struct run *r);

/* Around what a row measures.  A row that writes settles before the figures
 * are taken: work it has put off is its own. */
void run_row_begin(struct run *r);
void run_write_row_begin(struct run *r); /* with memory for what it writes */
void run_row_end(
    struct run *r, const char *name, const struct tally *t, struct row *out);
void run_row_end_settled(
    struct run *r, const char *name, const struct tally *t, struct row *out);

#endif
