#include "engine/base/eventcount.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/must.h"

#define US_MAX ((uint64_t)1000000 * 3600 * 24 * 365)

static long
futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *t)
{
	return syscall(
	    SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, t, NULL, 0);
}

/*
 * Sequentially consistent, both: either the one who notifies finds this thread
 * counted, or this thread, which the kernel has compare the counts while it is
 * in line to be woken, finds another count.
 */
void
eventcount_wait(struct eventcount *e, uint32_t count, uint64_t timeout_us)
{
	uint64_t us = timeout_us < US_MAX ? timeout_us : US_MAX;
	const struct timespec t = {
	    .tv_sec = (time_t)(us / 1000000),
	    .tv_nsec = (long)(us % 1000000) * 1000,
	};
	long r;

	atomic_fetch_add_explicit(&e->waiting, 1, memory_order_seq_cst);
	r = futex(&e->count, FUTEX_WAIT, count,
	    timeout_us == EVENTCOUNT_FOREVER ? NULL : &t);
	must(r == 0 || errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR);
	atomic_fetch_sub_explicit(&e->waiting, 1, memory_order_relaxed);
}

void
eventcount_notify(struct eventcount *e)
{
	/* Also a release: who takes this count sees what was changed before. */
	atomic_fetch_add_explicit(&e->count, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&e->waiting, memory_order_seq_cst) > 0)
		must(futex(&e->count, FUTEX_WAKE, INT_MAX, NULL) >= 0);
}
