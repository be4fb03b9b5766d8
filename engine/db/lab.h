/*
 * lab: what opening and closing a store need from the disk of
 * engine/lsm_lab.h.
 *
 * The store's lock file passes between the two, so that nobody else gets hold
 * of the store between a power cut and the opening after it.
 * Threads: while the store is closed, one at a time.
 */
#ifndef ENGINE_DB_LAB_H
#define ENGINE_DB_LAB_H

#include "engine/lsm_lab.h"
#include "engine/os/env.h"
#include "engine/os/filelock.h"

struct env *lab_env(struct lsm_lab *lab);

/* The lock of the store; NULL: the lab has none yet. */
struct filelock *lab_take_lock(struct lsm_lab *lab);
void lab_keep_lock(struct lsm_lab *lab, struct filelock *lock);

#endif
