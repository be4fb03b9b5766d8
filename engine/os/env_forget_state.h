/*
 * env_forget_state: what the parts of env_forget share.
 */
#ifndef ENGINE_OS_ENV_FORGET_STATE_H
#define ENGINE_OS_ENV_FORGET_STATE_H

#include "engine/base/lock.h"
#include "engine/os/env_forget_names.h"

struct env_forget_order {
	struct env_forget_how how;
	void (*call)(void *ctx);
	void *ctx;
};

struct env_forget {
	struct env env;
	struct env *base;    /* constant from here */
	bool no_device_sync; /* to here */
	struct lock lock;    /* protects everything below */
	struct env_forget_names names;
	uint64_t open_files;
	uint64_t ops;
	uint64_t sync_delay_us;
	const char *fails; /* a part of the path; or NULL */
	bool is_cut;
	uint64_t cuts; /* so many so far: a sync in flight sees a new one */
	struct env_forget_how how; /* of the last */
	uint64_t armed_at;         /* the operation to fail; 0: none */
	struct env_forget_order armed;
};

/* What the env does: env_forget_calls.c. */
extern const struct env_ops env_forget_calls;

/* A name that env_forget_list hides. */
bool env_forget_calls_hides(const char *name);

/* The cut; from here on changes fail.  Caller holds f->lock. */
void env_forget_cut_now(struct env_forget *f, const struct env_forget_how *how);

#endif
