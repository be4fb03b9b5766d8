/*
 * env_fault: an env over another one that fails on demand.
 *
 * Use: env_fault_init over a base env, open the engine on &f->env, then arm.
 * Operations that change something (create, pwrite, sync, truncate, allocate,
 * map_write, rename, unlink, link, mkdir, rmdir, sync_dir) are numbered from 1;
 * with `match`, only those on such paths count and fail.  Each try of an op
 * counts: a write that space_left cut short comes again; what is copied into a
 * mapping needs no space, for the file has it already.  Reading, listing and
 * closing go on in a dead env.  Fields may be set by hand while no other thread
 * uses the env.
 * Threads: any.
 */
#ifndef ENGINE_OS_ENV_FAULT_H
#define ENGINE_OS_ENV_FAULT_H

#include <stdatomic.h>

#include "engine/base/lock.h"
#include "engine/os/env.h"

enum env_fault_kind {
	ENV_FAULT_NONE,
	ENV_FAULT_ERROR, /* the op returns -error and does nothing */
	ENV_FAULT_SHORT, /* a pwrite or map_write moves half, then -error */
	ENV_FAULT_DEAD,	 /* this op and every later one, on any path, fails */
};

struct env_fault {
	struct env env; /* pass &f->env to the engine */
	struct env *base;
	struct lock lock;
	uint64_t ops;	   /* changing operations seen */
	uint64_t at;	   /* the operation to fail; 0: none */
	uint64_t at_end;   /* fail at..at_end; 0: only `at` */
	enum env_fault_kind kind;
	int error;	   /* positive errno */
	const char *match; /* only paths that contain this; NULL: all */
	uint64_t space_left; /* bytes until -ENOSPC; UINT64_MAX: no limit */
	uint64_t hits;	   /* operations that failed since env_fault_arm */
	const char *hit;   /* the first of them, as "pwrite", */
	char hit_name[64]; /* and the last part of its path */
	uint64_t syncs;	   /* file syncs passed on */
	uint64_t reads_fail_at; /* the n-th pread fails with -error; 0: none */
	uint64_t reads;
	uint64_t maps_fail_at; /* the same for env_map */
	uint64_t maps;
	uint64_t map_writes; /* passed on */
	bool syncs_kept; /* syncs succeed, but the base sees none: faster,
			    where no power cut is tried */

	/* Called by who is about to make the n-th change, or read, that is
	 * counted; without locks.  NULL: nobody is. */
	void (*seen)(struct env_fault *f, bool change, uint64_t n);

	/* May be used while others use the env. */
	_Atomic uint64_t wall_ns;    /* since 1970; 0: the base's clock */
	_Atomic uint64_t wall_reads; /* how often it was asked for */
};

void env_fault_init(struct env_fault *f, struct env *base);
void env_fault_fini(struct env_fault *f);

/* Fails the n-th changing operation from now on (n >= 1), once. */
void env_fault_arm(struct env_fault *f, enum env_fault_kind kind, int error,
    uint64_t n);
void env_fault_disarm(struct env_fault *f);

#endif
