#include "fs/cli/mount_table.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

bool
mount_table_find(const char *path, char *source, size_t size)
{
	FILE *table = setmntent("/proc/self/mounts", "r");
	struct mntent *m;
	bool found = false;

	if (!table)
		return false;
	/* The last line for a path is the mount on top. */
	while ((m = getmntent(table))) {
		if (strcmp(m->mnt_dir, path) != 0)
			continue;
		found = strcmp(m->mnt_type, "fuse.keyfs") == 0;
		if (found && source)
			snprintf(source, size, "%s", m->mnt_fsname);
	}
	endmntent(table);
	return found;
}

bool
mount_table_died(int err)
{
	return err == -ENOTCONN || err == -ECONNABORTED;
}
