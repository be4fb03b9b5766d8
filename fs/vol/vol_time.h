/*
 * vol_time: times of files, which are kept as ns since 1970 in 64 bits.
 *
 * That is from 1677 to 2262; what is beyond becomes the first or the last of
 * these times, as filesystems do whose times end sooner than the kernel's.
 */
#ifndef FS_VOL_VOL_TIME_H
#define FS_VOL_VOL_TIME_H

#include <stdint.h>
#include <time.h>

#define VOL_TIME_SECOND INT64_C(1000000000)

static inline int64_t
vol_time_of(struct timespec t)
{
	int64_t sec = t.tv_sec, rest = t.tv_nsec, ns;

	/* Towards zero: the first second is not wholly within the range. */
	if (sec < 0) {
		sec++;
		rest -= VOL_TIME_SECOND;
	}
	if (__builtin_mul_overflow(sec, VOL_TIME_SECOND, &ns) ||
	    __builtin_add_overflow(ns, rest, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

/* tv_nsec is never negative. */
static inline struct timespec
vol_time_spec(int64_t ns)
{
	int64_t sec = ns / VOL_TIME_SECOND;
	int64_t rest = ns % VOL_TIME_SECOND;

	if (rest < 0) {
		sec--;
		rest += VOL_TIME_SECOND;
	}
	return (struct timespec){.tv_sec = sec, .tv_nsec = rest};
}

#endif
