/*
 * workload: what is measured, in groups.  The workloads of a group run one
 * after another on one store; a workload makes one or more rows.
 *
 * Use: run_open; group->prepare with whether its first workload was asked for;
 * then the workloads in their order.
 */
#ifndef TESTS_BENCH_ENGINE_WORKLOAD_H
#define TESTS_BENCH_ENGINE_WORKLOAD_H

#include "tests/bench/engine/run.h"

#define WORKLOAD_ROWS_MAX 3

struct workload {
	const char *name;
	unsigned rows;
	void (*f)(struct run *r, struct row *rows);
};

struct workload_group {
	const char *name;
	bool sync; /* every write is durable */
	/* Brings the store to where the workloads begin; first: the group's
	 * first workload will run and may do it itself.  NULL: it is empty. */
	void (*prepare)(struct run *r, bool first);
	const struct workload *workloads; /* ends with one without a name */
};

/* The i-th; NULL: there are no more. */
const struct workload_group *workload_group_at(unsigned i);

#endif
