/*
 * latency: how long calls and jobs take, for lsm_stats.
 *
 * Use: begin = latency_begin(), latency_end(&histogram, begin) for what is slow
 * against reading a clock; latency_sample(kind) for what is not: it begins one
 * call of this kind in LATENCY_EVERY of a thread, the first few always, and is
 * 0 for the others, which latency_end then leaves out. The clock is the
 * machine's, also in an env that has one of its own: nothing depends on these
 * figures. Threads: any.
 */
#ifndef ENGINE_DB_LATENCY_H
#define ENGINE_DB_LATENCY_H

#include "engine/base/histogram.h"

#define LATENCY_EVERY 16
#define LATENCY_FIRST 64

struct latencies {
	struct histogram get, put, commit, sync, flush, compaction;
};

/* Each counted by itself: threads have a rhythm. */
enum latency_kind { LATENCY_GET, LATENCY_PUT, LATENCY_COMMIT, LATENCY_KINDS };

/* Nanoseconds, never 0. */
uint64_t latency_begin(void);
uint64_t latency_sample(enum latency_kind kind);

/* begin 0: nothing is counted. */
void latency_end(struct histogram *h, uint64_t begin);

#endif
