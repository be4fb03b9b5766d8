/*
 * device: what one durable write costs without an engine: pwrite and fdatasync
 * of a record, one behind the other as in a log, over blocks that were written
 * before.
 *
 * Threads: one.
 */
#ifndef TESTS_BENCH_ENGINE_DEVICE_H
#define TESTS_BENCH_ENGINE_DEVICE_H

#include "tests/bench/engine/run.h"

/* For so many seconds, in a file beside the store that is removed; *t is
 * written as a whole. */
void device_sync(struct run *r, double seconds, struct tally *t);

#endif
