/*
 * crew: processes that work side by side in a mount, with steps that follow
 * from their seeds (step.h), for harnesses that end the mount under them.
 *
 * Use: for each worker crew_begin, and crew_make_tops in a new store; then
 * crew_start, which forks them, and crew_await.  They tell what they do in
 * memory of crew_memory, where each has a crew_report; in the parent the models
 * are moved on by that, and crew_holds says whether they are what is there.
 * crew_fini, whatever happened.
 * Each works in a directory of its own, one also in a second one.
 * Errors: end the case.  Threads: one.
 */
#ifndef TESTS_SUPPORT_CREW_H
#define TESTS_SUPPORT_CREW_H

#include <stdatomic.h>

#include "tests/support/step.h"

#define CREW              4
#define CREW_WAIT_SECONDS 60

struct crew {
	struct step_state states[CREW];
	pid_t pids[CREW]; /* 0: it has ended */
};

/* Of one worker; outlives it. */
struct crew_report {
	_Atomic uint64_t issued; /* steps */
	atomic_bool failed;      /* the last one, otherwise than by the end */
	char why[1024];
};

/* Memory of 0, shared with all processes that are forked later. */
void *crew_memory(size_t size);

/* The model of a worker before its first step. */
void crew_begin(struct crew *c, int who, uint64_t seed);
/* Its next step. */
void crew_advance(struct crew *c, int who, struct step *step);
/* Its directories, in the one where they work. */
void crew_make_tops(int who, const char *dir);

/* Each runs work in dir, as if with umask 0, and ends when that returns.  It is
 * what dir is now, however late they get to run. */
void crew_start(struct crew *c, const char *dir,
    void (*work)(void *ctx, int who), void *ctx);
void crew_await(struct crew *c);
void crew_fini(struct crew *c);

/* In a worker: the step returned err, and not what it should. */
void crew_report_failure(
    struct crew_report *r, const struct step *step, int err, int want);
/* In the parent: it did not. */
void crew_check_report(const struct crew_report *r, int who);

/* What is in dir is what the worker's model says; else why not. */
bool crew_holds(
    const struct crew *c, int who, const char *dir, char *why, size_t size);

#endif
