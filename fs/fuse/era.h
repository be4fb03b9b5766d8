/*
 * era: inodes of before a power cut told from those after it.
 *
 * A mount serves one volume after the other: a power cut begins a new era.  The
 * kernel may hold inodes of an old era for as long as somebody has them open,
 * and the new volume may have given their numbers to other files.  So the
 * kernel's node ids have the era in the bits above the inode number; the root
 * and control files, which every era has, do not.  In era 0 node ids are inode
 * numbers.
 *
 * Handlers see inode numbers only: era_take looks at each request as it was
 * read, and replies that hand out a node give era_node.
 * Threads: the era changes while no request is in work.
 */
#ifndef FS_FUSE_ERA_H
#define FS_FUSE_ERA_H

#include <stddef.h>
#include <stdint.h>

#include "fs/vol/vol.h"

#define ERA_SHIFT 48
#define ERA_MAX   ((UINT64_C(1) << 14) - 1)

_Static_assert(VOL_INO_MAX == UINT64_C(1) << ERA_SHIFT, "an era has its bits");
_Static_assert((ERA_MAX + 1) << ERA_SHIFT == VOL_INO_CONTROL, "and no others");

struct fuse_session;

enum era_verdict {
	ERA_SERVE,  /* as it is now: without eras in its nodes */
	ERA_REFUSE, /* it speaks of a node that has gone: era_refuse */
	ERA_DROP,   /* it does as well, and nobody waits for an answer */
};

/* The kernel's id of an inode. */
static inline uint64_t
era_node(uint64_t era, uint64_t ino)
{
	if (ino == VOL_INO_ROOT || ino >= VOL_INO_CONTROL)
		return ino;
	return ino | era << ERA_SHIFT;
}

/* Looks at a raw request, and may change it. */
enum era_verdict era_take(uint64_t era, void *request, size_t size);

/* Answers it with EIO. */
void era_refuse(struct fuse_session *se, const void *request);

#endif
