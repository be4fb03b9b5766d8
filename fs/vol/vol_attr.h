/*
 * vol_attr: what a file is like, and what is to change about it.
 */
#ifndef FS_VOL_VOL_ATTR_H
#define FS_VOL_VOL_ATTR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vol_attr {
	uint64_t ino;
	mode_t mode; /* type and permissions */
	uint32_t nlink;
	uid_t uid;
	gid_t gid;
	uint64_t rdev;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	uint32_t block_bytes;
	int64_t atime; /* ns since 1970 */
	int64_t mtime;
	int64_t ctime;
	int64_t btime;
	bool volatile_content; /* a control file: do not cache */
};

enum vol_set_mask {
	VOL_SET_MODE = 1,
	VOL_SET_UID = 2,
	VOL_SET_GID = 4,
	VOL_SET_SIZE = 8,
	VOL_SET_ATIME = 16,
	VOL_SET_MTIME = 32,
	VOL_SET_ATIME_NOW = 64,
	VOL_SET_MTIME_NOW = 128,
	VOL_SET_CTIME = 256,
};

struct vol_set {
	unsigned mask;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	int64_t atime;
	int64_t mtime;
	int64_t ctime;
};

#endif
