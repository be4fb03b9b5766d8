/*
 * lab_trial: one power cut: work, cut, look.
 *
 * Errors: an exit status, messages shown; 0 is done, also if what the cut left
 * breaks the contract: that is in what was found.
 */
#ifndef FS_CLI_LAB_TRIAL_H
#define FS_CLI_LAB_TRIAL_H

#include "fs/cli/lab_crew.h"
#include "fs/cli/lab_mount.h"
#include "fs/cli/lab_probe.h"
#include "fs/cli/lab_result.h"

struct lab_trial {
	const struct lab_option *option;
	const struct lab_mount *mount;
	const struct lab_workload *workload; /* NULL: the script */
	const char *script;
	atomic_int *group;
	struct lab_probe *probe;
	unsigned number; /* of the cut, from 0 */
};

/* Adds to cell what was found. */
int lab_trial_run(const struct lab_trial *t, struct lab_cell *cell);

#endif
