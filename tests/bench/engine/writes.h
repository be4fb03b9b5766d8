/*
 * writes: loops of writers, each put or delete of its own unless they come in
 * batches.
 *
 * Threads: writes_run starts and joins its own; writes_loop is one writer.
 */
#ifndef TESTS_BENCH_ENGINE_WRITES_H
#define TESTS_BENCH_ENGINE_WRITES_H

#include "tests/bench/engine/random.h"
#include "tests/bench/engine/run.h"

#define WRITES_BATCH_MAX 100

enum writes_order {
	WRITES_IN_ORDER,
	WRITES_SHUFFLED, /* each key once */
	WRITES_ANYHOW,   /* as a die falls */
};

struct writes {
	uint64_t keys;  /* numbers below this are written */
	uint64_t count; /* operations, at most */
	double seconds; /* so long, at most */
	enum writes_order order;
	bool erases;
	unsigned batch;   /* operations in a call, at most WRITES_BATCH_MAX */
	unsigned threads; /* with more than one the batch is 1 */
	uint64_t seed;
	/* Done and timed after each write of the one thread; NULL: nothing. */
	void (*between)(void *ctx);
	void *ctx;
	struct tally *turns; /* what came between */
};

/* *t is written as a whole. */
void writes_run(struct run *r, const struct writes *w, struct tally *t);
void writes_loop(
    struct run *r, const struct writes *w, unsigned thread, struct tally *t);

/* Puts, without measuring, what a run with this tally was to write and did
 * not before its time was over; in key order, in batches. */
void writes_rest(struct run *r, const struct writes *w, const struct tally *t);

/* Looks whether some of what was written or deleted is so; ends the process
 * if not.  Not for WRITES_ANYHOW. */
void writes_check(struct run *r, const struct writes *w, const struct tally *t);

#endif
