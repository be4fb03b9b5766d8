/*
 * unmount: taking a mount away, as root or as its owner.
 */
#ifndef FS_FUSE_UNMOUNT_H
#define FS_FUSE_UNMOUNT_H

#include <stdbool.h>

/* lazy: also when busy; it disappears when the last user is gone.  -EBUSY,
 * -EPERM, -EINVAL (nothing is mounted there), or that of starting
 * fusermount3. */
int unmount_path(const char *path, bool lazy);

#endif
