/*
 * env_forget_pick: what a power cut leaves, as a choice that the same seed and
 * the same history always repeat: nothing is drawn in turn, all follows from
 * the seed and from numbers of operations.
 * Threads: any; nothing is written.  Errors: none.
 */
#ifndef ENGINE_OS_ENV_FORGET_PICK_H
#define ENGINE_OS_ENV_FORGET_PICK_H

#include "engine/os/env_forget.h"

struct env_forget_pick {
	enum env_forget_keep keep;
	uint64_t seed;
	uint64_t last; /* with ENV_FORGET_KEEP_PREFIX: the last that survives */
};

/* Operations before oldest are synced, newest is the last there was. */
struct env_forget_pick env_forget_pick_of(
    const struct env_forget_how *how, uint64_t oldest, uint64_t newest);

/* Whether a change of names survives, if nothing that it follows is lost. */
bool env_forget_pick_name(const struct env_forget_pick *p, uint64_t op);

/*
 * Only with ENV_FORGET_KEEP_RANDOM: how many of a file's `count` operations a
 * sector has got (or the size: `sector` ENV_FORGET_PICK_SIZE); `first` is the
 * number of the first of them and stands for the file.
 */
#define ENV_FORGET_PICK_SIZE UINT64_MAX
uint64_t env_forget_pick_state(const struct env_forget_pick *p, uint64_t first,
    uint64_t sector, uint64_t count);

#endif
