#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/lsm.h"
#include "fs/cli/commands.h"
#include "fs/cli/mount_table.h"
#include "fs/cli/report.h"
#include "fs/fuse/session.h"

/* The daemon syncs and closes the store after the kernel has unmounted. */
#define CLOSE_WAIT_MS 60000

static int
wait_until_closed(const char *store)
{
	struct timespec ms = {.tv_nsec = 1000000};
	char note[PATH_MAX];
	pid_t pid = 0;

	for (int i = 0; i < CLOSE_WAIT_MS; i++) {
		if (lsm_holder(store, &pid, note, sizeof(note)) != 0 ||
		    pid == 0)
			return COMMAND_DONE;
		nanosleep(&ms, NULL);
	}
	report(store,
	    "is unmounted, but process %d still has not closed it; wait for "
	    "it, do not kill it",
	    (int)pid);
	return COMMAND_UNUSABLE;
}

static int
run(int argc, char **argv)
{
	char path[PATH_MAX];
	char store[PATH_MAX];
	int err;

	if (argc != 2)
		return command_usage(&cmd_umount);
	/* realpath fails on the mount of a daemon that has died. */
	if (!realpath(argv[1], path))
		snprintf(path, sizeof(path), "%s", argv[1]);
	if (!mount_table_find(path, store, sizeof(store))) {
		report(argv[1], "no keyfs is mounted here");
		return COMMAND_UNUSABLE;
	}
	err = unmount_path(path, false);
	if (err == -EBUSY) {
		report(argv[1],
		    "busy: some process has a file open or its working "
		    "directory there (fuser -m %s lists them)",
		    path);
		return COMMAND_UNUSABLE;
	}
	if (err != 0)
		return report_errno(argv[1], "cannot unmount", err);
	return wait_until_closed(store);
}

const struct command cmd_umount = {
    .name = "umount",
    .args = "MOUNTPOINT",
    .summary = "Unmounts a store; returns when it is closed",
    .run = run,
};
