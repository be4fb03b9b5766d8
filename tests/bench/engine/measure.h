/*
 * measure: what a process has used.
 *
 * Time: CLOCK_MONOTONIC.  CPU: of the process, user and system, all threads,
 * but for what measuring costs itself.
 * Written: pages that the process dirtied less those it deleted before they
 * went to the disk, from /proc/self/io (write_bytes - cancelled_write_bytes):
 * unlike the bytes given to write(2) it counts mapped files too, and a log
 * that is gone before the kernel wrote it counts as what it cost: nothing.
 * Memory: anon is what the process has for itself (resident - shared of
 * /proc/self/statm, looked at every 10 ms); resident (VmHWM) has mapped files
 * too, which for LMDB is the page cache.
 * Store: blocks that the disk has given to the files of a directory.
 */
#ifndef TESTS_BENCH_ENGINE_MEASURE_H
#define TESTS_BENCH_ENGINE_MEASURE_H

#include <stdint.h>
#include <time.h>

#include "tests/bench/engine/peer.h"

struct measure {
	double seconds;
	double cpu_seconds;
	uint64_t written_bytes;
};

static inline uint64_t
measure_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct measure measure_now(void);

/* Peaks are those since the last reset; the first starts the looking. */
void measure_peak_reset(void);
uint64_t measure_peak_anon(void);
uint64_t measure_peak_resident(void);

/* So much memory is taken, and given back: what is free then is there.  The
 * host of a virtual machine takes what is free for more than a second or two,
 * and to get a page of it again takes longer than a put. */
void measure_warm_memory(uint64_t bytes);

uint64_t measure_store_bytes(const char *dir);

/* Waits until the engine has no background work: it says so, and for quiet_ms
 * the process has neither written nor used 2 % of a CPU. */
void measure_settle(const struct peer_ops *ops, void *db, unsigned quiet_ms);

/* Removes dir and everything in it, as far as it can. */
void measure_remove(const char *dir);

#endif
