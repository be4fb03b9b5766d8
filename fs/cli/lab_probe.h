/*
 * lab_probe: how long a sync of the device takes meanwhile: a process that
 * syncs a block of a file again and again, on the file system of the store.
 *
 * A store can promise when it begins a sync, not when the device ends it.
 * Use: lab_probe_start; lab_probe_clear at the beginning of a cut's run,
 * lab_probe_longest at its end; lab_probe_stop.  A zeroed struct is a probe
 * that is not started: its longest is 0.
 * Errors: 0 or -errno.
 */
#ifndef FS_CLI_LAB_PROBE_H
#define FS_CLI_LAB_PROBE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct lab_probe_times {
	_Atomic uint64_t longest; /* ns, of those that have ended */
	_Atomic uint64_t began;   /* of the one in progress, or 0 */
};

struct lab_probe {
	struct lab_probe_times *times; /* in memory that both processes see */
	pid_t pid;
};

/* path: a file that is made, and removed by its directory's owner. */
int lab_probe_start(struct lab_probe *p, const char *path);
void lab_probe_clear(struct lab_probe *p);
uint64_t lab_probe_longest(const struct lab_probe *p);
void lab_probe_stop(struct lab_probe *p);

#endif
