/*
 * unsynced: the calls of an env, but no device is asked: for stores whose
 * power cuts are played, and such as sync too often.
 */
#ifndef TESTS_SUPPORT_UNSYNCED_H
#define TESTS_SUPPORT_UNSYNCED_H

#include "engine/os/env.h"

/* Those of env, of which sync and sync_dir do nothing. */
struct env_ops unsynced_ops(const struct env *env);

#endif
