/*
 * lab_workload: what writers do in the lab, step by step, and what may be
 * left of it.
 *
 * A workload works in one directory.  begin makes the state after no step;
 * then a writer has open, any number of step (from 1 on), close.  check says of
 * how many steps a directory is the state; as a step may be several
 * operations, also a state between two steps is right.
 * Everything that is written follows from seed and the step's number.
 * Errors: 0 or -errno.  Threads: one at a time on one directory.
 */
#ifndef FS_CLI_LAB_WORKLOAD_H
#define FS_CLI_LAB_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* A writer's hold on its directory. */
struct lab_hand {
	int dir; /* the caller's */
	int files[2];
	uint64_t seed;
};

/* What is there. */
struct lab_found {
	bool prefix;    /* the state after some number of steps */
	bool partial;   /* and after a part of the next one */
	uint64_t steps; /* the number; of what is no such state: what counts as
			 * survived nevertheless */
	char why[256];  /* if it is no such state */
};

struct lab_workload {
	const char *name;
	const char *summary;
	bool durable;     /* a step has ended when it is synced */
	unsigned changes; /* of the store in one step, at least */
	int (*begin)(int dir, uint64_t seed);
	int (*open)(struct lab_hand *h);
	int (*step)(struct lab_hand *h, uint64_t step);
	void (*close)(struct lab_hand *h);
	/* A directory that cannot be read is no such state. */
	void (*check)(int dir, uint64_t seed, struct lab_found *out);
};

/* Ends with NULL. */
extern const struct lab_workload *const lab_workload_table[];
#define LAB_WORKLOADS_MAX 8

/* NULL: there is none of that name. */
const struct lab_workload *lab_workload_find(const char *name);

extern const struct lab_workload lab_append, lab_append_fsync;
extern const struct lab_workload lab_replace, lab_replace_fsync;
extern const struct lab_workload lab_create;
extern const struct lab_workload lab_overwrite;
extern const struct lab_workload lab_pair;

/* For check: it is the state after so many steps, or none because of this. */
void lab_workload_is(struct lab_found *out, uint64_t steps, bool partial);
void lab_workload_is_not(struct lab_found *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* For workloads that hold no file open. */
int lab_workload_open(struct lab_hand *h);
void lab_workload_close(struct lab_hand *h);

#endif
