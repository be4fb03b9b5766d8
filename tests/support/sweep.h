/*
 * sweep: a workload again and again, each time with a fault at another place.
 *
 * Use: sweep_all from a test case, with sweep_teardown as the case's teardown:
 * it says where a run that failed was, so that NTH= (and SEED=) repeats it;
 * NTH=100-199 or NTH=100- make a part of all runs.  A workload that leaves out
 * something the engine can do is not taken, but the next seed's.
 * All places in long runs.  Else one of those that are reached from the same
 * place in the code, if the run without a fault tells by site_note.
 */
#ifndef TESTS_SUPPORT_SWEEP_H
#define TESTS_SUPPORT_SWEEP_H

#include "tests/support/workload.h"

struct sweep {
	const char *name;
	/* A whole run; n 0: without a fault.  Returns how many places it had.
	 */
	uint64_t (*run)(struct workload *w, uint64_t n, uint64_t seed);
	unsigned callers; /* that tell places in the code apart */
	unsigned runs;    /* no more than that, if not long */
};

/* Returns how many places there were. */
uint64_t sweep_all(const struct sweep *s);
int sweep_teardown(void **state);

#endif
