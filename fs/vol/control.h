/*
 * control: the hidden directory ".keyfs" in the root.
 *
 * Reachable by lookup, never listed; nothing in it can be created, renamed or
 * removed (-EPERM).  Files: stats (text), durability (read and write: the text
 * of engine/base/durability.h; a refused write changes nothing, and why it was
 * refused is shown until one is not), compact and sync (writing anything does
 * it), check (writing anything checks the store, reading tells what the last
 * check found), power-cut (vol_lab.h; -EPERM without a lab; control_cut.h says
 * what is written).
 * Content is made at lookup and getattr, so that the size given there is right,
 * and read until it is made again.
 * Their inode numbers begin at VOL_INO_CONTROL; the vol_* functions that take
 * an ino ask control_is first.  Threads: any.
 */
#ifndef FS_VOL_CONTROL_H
#define FS_VOL_CONTROL_H

#include "fs/vol/state.h"

#define CONTROL_NAME ".keyfs"

static inline bool
control_is(uint64_t ino)
{
	return ino >= VOL_INO_CONTROL;
}

int control_open(struct vol *v);
void control_close(struct vol *v);

/* Forgets the contents; nothing is in flight. */
void control_clear(struct vol *v);

/* Is it the directory's name in its parent? */
bool control_is_name(uint64_t parent, struct bytes name);

/* parent: the root with CONTROL_NAME, or the control directory. */
int control_lookup(
    struct vol *v, uint64_t parent, struct bytes name, struct vol_attr *out);
int control_getattr(struct vol *v, uint64_t ino, struct vol_attr *out);

/* Times and a new size are accepted and change nothing; else -EPERM. */
int control_setattr(struct vol *v, uint64_t ino, const struct vol_set *set,
    struct vol_attr *out);

/* As vol_read; -EISDIR, -EACCES for files that cannot be read. */
int control_read(struct vol *v, uint64_t ino, uint64_t offset, void *data,
    size_t size, size_t *got);

/* As vol_write; -EINVAL for a word that is not known (the volume's message
 * sink lists those that are). */
int control_write(struct vol *v, uint64_t ino, struct bytes data);

/* The index-th file in the control directory: 1, or 0 past the end. */
int control_entry(size_t index, struct vol_dirent *out);

#endif
