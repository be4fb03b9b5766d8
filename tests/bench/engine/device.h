/*
 * device: what one durable write costs without an engine: pwrite and fdatasync
 * of a record, one behind the other as in a log, over blocks that were written
 * before.
 *
 * Use: device_open, device_write..., device_close.
 * Threads: one.
 */
#ifndef TESTS_BENCH_ENGINE_DEVICE_H
#define TESTS_BENCH_ENGINE_DEVICE_H

#include "tests/bench/engine/run.h"

struct device {
	char path[PATH_MAX + 16];
	int fd;
	size_t record_bytes;
	uint64_t writes;
};

/* A file beside the store. */
void device_open(struct device *d, const struct run *r);
void device_write(struct device *d);
void device_close(struct device *d); /* and removes it */

#endif
