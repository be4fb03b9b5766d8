/*
 * mount_table: which store is mounted where, as the kernel says.
 */
#ifndef FS_CLI_MOUNT_TABLE_H
#define FS_CLI_MOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Is a keyfs what is seen at this absolute path?  Then source (may be NULL)
 * becomes the path of its store; otherwise it is untouched. */
bool mount_table_find(const char *path, char *source, size_t size);

/* Whether a call on a mount that returned this -errno says that its daemon has
 * died, be it during the call. */
bool mount_table_died(int err);

#endif
