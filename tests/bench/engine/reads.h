/*
 * reads: loops of one reader, who looks at everything it gets.
 *
 * Threads: one each; several may run on one store.
 */
#ifndef TESTS_BENCH_ENGINE_READS_H
#define TESTS_BENCH_ENGINE_READS_H

#include "tests/bench/engine/run.h"

#define READS_NEXTS 10 /* of a seek */

/* Of the keys, so many that every engine's cache holds what they need. */
#define READS_CACHED_PART 4

/* Each goes on for so many seconds and writes *t as a whole.  The store holds
 * every key below r->keys. */
void reads_hit(struct run *r, double seconds, uint64_t seed, struct tally *t);
void reads_cached(
    struct run *r, double seconds, uint64_t seed, struct tally *t);
void reads_miss(struct run *r, double seconds, uint64_t seed, struct tally *t);
void reads_seek(struct run *r, double seconds, uint64_t seed, struct tally *t);

/* All keys in order, again and again; only every 16th step is timed by
 * itself. */
void reads_all(struct run *r, double seconds, uint64_t seed, struct tally *t);

/* A range and the keys in it. */
struct reads_range {
	uint64_t from, to;    /* of key numbers */
	uint64_t first, step; /* those that are there; the rest is deleted */
};

/* Lists the range, again and again; an operation is one listing. */
void reads_range(struct run *r, double seconds, const struct reads_range *range,
    struct tally *t);

#endif
