/*
 * create: a new name for a new node: files, directories, links; private to
 * fs/vol.
 */
#ifndef FS_VOL_CREATE_H
#define FS_VOL_CREATE_H

#include "fs/vol/state.h"

/* Makes a node of e's type, perm (the umask is applied), rdev and content;
 * everything else follows from the parent and ctx. */
int create_node(struct vol *v, struct vol_ctx *ctx, struct vol_place at,
    struct entry *e, struct vol_attr *out);

#endif
