/*
 * lab_mount: a store mounted with power cuts, by a daemon of its own.
 *
 * Use: lab_mount_open makes store and mount point below a directory and starts
 * `keyfs mount`; lab_mount_close unmounts and waits until the store is closed.
 * Errors: an exit status, messages shown; 0 is done.
 * What may be left when a process that used this was killed, lab_mount_sweep
 * takes away.
 */
#ifndef FS_CLI_LAB_MOUNT_H
#define FS_CLI_LAB_MOUNT_H

#include <limits.h>

#include "fs/cli/lab_option.h"

struct lab_mount {
	char store[PATH_MAX];
	char point[PATH_MAX];
};

/* The two paths below dir; nothing is made. */
int lab_mount_name(struct lab_mount *m, const char *dir, const char *store);

int lab_mount_open(const struct lab_mount *m, const struct lab_option *o,
    const struct durability *policy);
int lab_mount_close(const struct lab_mount *m);

/* Also a mount whose daemon does not answer; a daemon that does not end is
 * killed.  Without messages; 0 or -errno. */
int lab_mount_sweep(const struct lab_mount *m);

/* Everything done so far is durable. */
int lab_mount_sync(const struct lab_mount *m);

/* Power cuts that there were, and syncs of the log. */
int lab_mount_cuts(const struct lab_mount *m, uint64_t *out);
int lab_mount_syncs(const struct lab_mount *m, uint64_t *out);

/* after 0: now, and returns when the store is open again; else arms the cut
 * for so many changes of the disk from now. */
int lab_mount_cut(const struct lab_mount *m, uint64_t after, uint64_t seed,
    enum lab_keep keep);

#endif
