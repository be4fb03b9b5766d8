/*
 * lab_writer: a process that does a workload's steps in a directory until the
 * first error, and notes when each began and was acknowledged.
 *
 * Use: lab_writer_begin makes the directory and the state after no step;
 * lab_writer_start, lab_writer_go; after the power cut lab_writer_stop;
 * lab_writer_look; lab_writer_end, which also ends a process that still runs.
 * A zeroed struct may be ended.
 * The writer takes only names below the directory that it has opened when
 * lab_writer_start returns, and which the cut closes like every open file: it
 * can do nothing in the store as it is afterwards.
 * Errors: 0 or -errno.
 */
#ifndef FS_CLI_LAB_WRITER_H
#define FS_CLI_LAB_WRITER_H

#include <limits.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "fs/cli/lab_loss.h"
#include "fs/cli/lab_workload.h"

/* A writer that has done so many waits for the cut. */
#define LAB_WRITER_STEPS_MAX (UINT64_C(1) << 22)

/* In memory that both processes see. */
struct lab_notes {
	_Atomic uint64_t begun;
	_Atomic uint64_t acked;
	_Atomic uint64_t ended_ns; /* 0: it works */
	_Atomic int error;         /* why it ended */
	atomic_bool stop;
	uint64_t began_ns[LAB_WRITER_STEPS_MAX];
	uint64_t acked_ns[LAB_WRITER_STEPS_MAX];
};

struct lab_writer {
	const struct lab_workload *workload;
	uint64_t seed;
	char path[PATH_MAX];
	struct lab_notes *notes;
	pid_t pid; /* 0: none */
};

int lab_writer_begin(struct lab_writer *w, const struct lab_workload *workload,
    const char *path, uint64_t seed);
int lab_writer_start(struct lab_writer *w);
void lab_writer_go(struct lab_writer *w);

/* It ends with its next step.  -ETIMEDOUT: it did not, and was killed. */
int lab_writer_stop(struct lab_writer *w);

/* What it did, and what its directory says now: t->survived is set if that is
 * the state after some number of steps. */
void lab_writer_look(
    const struct lab_writer *w, struct lab_track *t, struct lab_found *found);
void lab_writer_end(struct lab_writer *w);

/* When it met its error, or 0. */
uint64_t lab_writer_ended(const struct lab_writer *w);

#endif
