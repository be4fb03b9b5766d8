/*
 * policy: the durability policy that one operation goes by; private to fs/vol.
 *
 * A file or directory has one of its own if it has the xattr POLICY_XATTR.
 * Changes of content and attributes go by that of the file, changes of names by
 * that of the directories they are in; without one, the store's holds.  What is
 * made in a directory gets the directory's.
 * Pure functions.
 */
#ifndef FS_VOL_POLICY_H
#define FS_VOL_POLICY_H

#include "engine/base/buf.h"
#include "engine/base/durability.h"
#include "fs/record/entry.h"

#define POLICY_XATTR "user.keyfs.durability"

/* Packed into a word, as nodes keep it. */
#define POLICY_STORE UINT64_C(0) /* none of its own */
uint64_t policy_pack(const struct durability *d);

/* false: POLICY_STORE, *out is untouched. */
bool policy_unpack(uint64_t packed, struct durability *out);

/* Files and directories can have one. */
bool policy_is_for(enum entry_type type);

/* What a user gives as the xattr's value: as durability_parse, but it has to
 * name the policy. */
int policy_parse(struct bytes text, struct durability *out, char *why);

/* The packed policy in an entry's xattr list.  A value that cannot be read (a
 * later version's) counts as sync: nobody gets less than he asked for. */
uint64_t policy_of_list(struct bytes list);

/* out becomes the xattr list of what is made in a directory with this list. */
int policy_inherit(struct buf *out, struct bytes list);

/* What holds the bounds of both. */
struct durability policy_strictest(
    const struct durability *a, const struct durability *b);

#endif
