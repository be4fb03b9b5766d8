/*
 * lane: a process for one engine, which runs the workloads of a group when it
 * is told to; so the engines take turns, and what one of them uses or breaks
 * is its own.
 *
 * Use: lane_start; lane_prepare; lane_run for each workload; lane_stop.
 * Threads: one.
 * Errors: false: the process has died (it has said why), or this one got a
 * signal; the lane can only be stopped then.
 */
#ifndef TESTS_BENCH_ENGINE_LANE_H
#define TESTS_BENCH_ENGINE_LANE_H

#include <sys/types.h>

#include "tests/bench/engine/workload.h"

struct lane {
	const struct peer_ops *ops;
	pid_t pid; /* 0: not running */
	int to, from;
	char dir[PATH_MAX]; /* of its store */
};

struct lane_task {
	struct run_setup setup;
	const struct shape *shape;
	const struct workload_group *group;
	bool first;      /* the group's first workload will be run */
	const char *dir; /* the store's is made below it */
};

bool lane_start(struct lane *l, const struct lane_task *task);
bool lane_prepare(struct lane *l);

/* rows: of the workload, WORKLOAD_ROWS_MAX of them. */
bool lane_run(struct lane *l, unsigned workload, struct row *rows);

/* Whether it ended well; kill_it: do not ask.  The store is gone in any case.
 */
bool lane_stop(struct lane *l, bool kill_it);

#endif
