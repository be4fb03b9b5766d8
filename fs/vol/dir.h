/*
 * dir: all open listings of a volume; private to fs/vol.
 *
 * Threads: no other call on the volume is in flight.
 */
#ifndef FS_VOL_DIR_H
#define FS_VOL_DIR_H

#include "fs/vol/state.h"

/* Listings let go of the store and of their nodes, which are all about to be
 * freed, and give -EIO from now on. */
void dir_stop_all(struct vol *v);

/* Frees those that nobody released; their nodes are freed by the caller. */
void dir_free_all(struct vol *v);

#endif
