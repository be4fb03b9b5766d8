/*
 * entry: the record of a file, directory or other node (docs/SPEC.md).
 *
 * A version byte, then the fields one by one.  entry_decode gives views into
 * the record; entry_encode takes the same struct.  Times are nanoseconds since
 * 1970, signed.  Errors: ERR_DAMAGED for bytes that are no entry (also a type,
 * flag or version that is unknown: ERR_FORMAT for the version), -ENOMEM.
 */
#ifndef FS_RECORD_ENTRY_H
#define FS_RECORD_ENTRY_H

#include <sys/types.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

#define ENTRY_VERSION 1

/* Written to disk. */
#define ENTRY_TYPES(X)                                                         \
	X(FILE, 1)                                                             \
	X(DIR, 2)                                                              \
	X(SYMLINK, 3)                                                          \
	X(FIFO, 4)                                                             \
	X(SOCKET, 5)                                                           \
	X(CHAR, 6)                                                             \
	X(BLOCK, 7)                                                            \
	X(LINK, 8) /* points to an I record; reserved */

enum entry_type {
#define ENTRY_TYPE_ENUM(name, number) ENTRY_##name = number,
	ENTRY_TYPES(ENTRY_TYPE_ENUM)
#undef ENTRY_TYPE_ENUM
};

struct entry {
	enum entry_type type;
	uint16_t perm; /* 07777 */
	uint32_t uid;
	uint32_t gid;
	uint64_t ino;
	uint32_t nlink;
	uint64_t rdev;	/* CHAR, BLOCK */
	uint64_t size;	/* FILE: bytes; SYMLINK: target's length; DIR: 0 */
	int64_t atime;
	int64_t mtime;
	int64_t ctime;
	int64_t btime;
	bool is_inline;	      /* FILE: content holds it all; else D blocks */
	bool has_big_xattrs;  /* some xattrs stand under X */
	struct bytes prefix;  /* DIR: its own prefix */
	struct bytes content; /* FILE inline, SYMLINK target */
	struct bytes xattrs;  /* a list for entry_xattr_*; may be empty */
};

/* Appends the record to b. */
int entry_encode(struct buf *b, const struct entry *e);
int entry_decode(struct bytes record, struct entry *out);

/* S_IF* bits for a type and back (0: no such type). */
mode_t entry_type_mode(enum entry_type type);
enum entry_type entry_type_of_mode(mode_t mode);

/* The xattr list: walk it with a cursor; names are unique, order is by name. */
struct entry_xattr {
	struct bytes name;
	struct bytes value;
};

/* 1 and *out, 0 at the end, ERR_DAMAGED.  *pos starts at 0. */
int entry_xattr_next(struct bytes list, size_t *pos, struct entry_xattr *out);

/* 1 found, 0 not. */
int entry_xattr_find(struct bytes list, struct bytes name, struct bytes *value);

/* out (cleared first) becomes list with name set to value, or without name if
 * value is NULL. */
int entry_xattr_set(struct buf *out, struct bytes list, struct bytes name,
    const struct bytes *value);

#endif
