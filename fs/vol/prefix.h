/*
 * prefix: which prefix a directory has, and the P records.
 *
 * A directory is at home where the natural prefix of its place (its parent's
 * prefix, '/', its name) is its own.  A natural prefix whose directory is not
 * at home is recorded under P, so that no other directory gets it.  That is
 * enough: a place has one natural prefix, a natural prefix one place, and at a
 * place there is one directory.  Fresh prefixes ('/' and an inode number) are
 * no place's natural one and need no record.
 */
#ifndef FS_VOL_PREFIX_H
#define FS_VOL_PREFIX_H

#include "fs/vol/state.h"

/* A name in the directory that has the prefix. */
struct prefix_place {
	struct bytes parent;
	struct bytes name;
};

/* Is it the natural prefix of the place?  Nothing is built. */
bool prefix_is_home(struct bytes prefix, struct prefix_place at);

/* Has it the form of a fresh one (of whatever inode)? */
bool prefix_is_fresh(struct bytes prefix);

/* The prefix for the new directory ino at the place. */
int prefix_choose(
    struct vol *v, struct prefix_place at, uint64_t ino, struct buf *out);

/* Adds to b what moving dir, or removing it, changes under P. */
int prefix_move(struct store_batch *b, const struct entry *dir,
    struct prefix_place from, struct prefix_place to);
int prefix_remove(
    struct store_batch *b, const struct entry *dir, struct prefix_place from);

#endif
