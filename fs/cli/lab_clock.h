/*
 * lab_clock: the time that steps and cuts are noted with: one clock for all
 * processes of the machine.
 */
#ifndef FS_CLI_LAB_CLOCK_H
#define FS_CLI_LAB_CLOCK_H

#include <stdint.h>
#include <time.h>

#define LAB_CLOCK_MS UINT64_C(1000000)

static inline uint64_t
lab_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline struct timespec
lab_clock_span(uint64_t ns)
{
	return (struct timespec){
	    .tv_sec = (time_t)(ns / 1000000000),
	    .tv_nsec = (long)(ns % 1000000000),
	};
}

static inline void
lab_clock_sleep(uint64_t ns)
{
	struct timespec t = lab_clock_span(ns);

	nanosleep(&t, NULL);
}

#endif
