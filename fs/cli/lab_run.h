/*
 * lab_run: every workload under every policy, one cut after the other.
 *
 * Errors: an exit status, messages shown; 0 is done, whatever was found.
 */
#ifndef FS_CLI_LAB_RUN_H
#define FS_CLI_LAB_RUN_H

#include <stdatomic.h>

#include "fs/cli/lab_option.h"
#include "fs/cli/lab_result.h"

/* script: the path of the option's, or NULL.  dir, group: as in lab_guard.h.
 * *out is empty before, and what was found until an error is in it. */
int lab_run_all(const struct lab_option *o, const char *script, const char *dir,
    atomic_int *group, struct lab_result *out);

#endif
