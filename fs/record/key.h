/*
 * key: the keys of a volume as bytes (docs/SPEC.md).
 *
 *	E prefix NUL name	entry in the directory whose prefix that is;
 *				the root's own entry has an empty name
 *	D be64(ino) be64(block)	a block of a file
 *	X be64(ino) name	an xattr that is not in the entry
 *	I be64(ino)		inode with several links (reserved)
 *	O be64(ino)		orphan or unfinished purge
 *	P prefix		prefix of a directory that has moved away
 *	S name			superblock ("super"), next inode ("ino")
 *
 * A prefix never contains NUL; a name contains neither NUL nor '/'.  Names are
 * bytes, not text.  Pure functions.  Errors: -ENOMEM; decoding: ERR_DAMAGED.
 */
#ifndef FS_RECORD_KEY_H
#define FS_RECORD_KEY_H

#include "engine/base/buf.h"
#include "engine/base/err.h"

#define KEY_NAME_MAX   255
/* A longer natural prefix is replaced by a fresh one. */
#define KEY_PREFIX_MAX 4096

/* Bytes of a block's key, for callers that keep one on their stack. */
#define KEY_BLOCK_SIZE (1 + 8 + 8)

enum key_tag {
	KEY_ENTRY = 'E',
	KEY_BLOCK = 'D',
	KEY_XATTR = 'X',
	KEY_INODE = 'I',
	KEY_ORPHAN = 'O',
	KEY_PREFIX = 'P',
	KEY_SUPER = 'S',
};

/* Each sets b to the key (clears it first). */
int key_entry(struct buf *b, struct bytes prefix, struct bytes name);
int key_block(struct buf *b, uint64_t ino, uint64_t block);
int key_xattr(struct buf *b, uint64_t ino, struct bytes name);
int key_orphan(struct buf *b, uint64_t ino);
int key_prefix(struct buf *b, struct bytes prefix);
int key_super(struct buf *b, const char *name);

/* All entries of one directory: [lower, upper).  The root's own entry is in
 * the root's range, first. */
int key_entry_range(struct buf *lower, struct buf *upper, struct bytes prefix);

/* Blocks `from` and later of a file: [lower, upper). */
int key_block_range(struct buf *lower, struct buf *upper, uint64_t ino,
    uint64_t from);
int key_xattr_range(struct buf *lower, struct buf *upper, uint64_t ino);

/* Prefix that a directory `name` below `parent` gets if it is free. */
int key_natural_prefix(struct buf *b, struct bytes parent, struct bytes name);

/* "/" and ino in hex: never natural, never used twice. */
int key_fresh_prefix(struct buf *b, uint64_t ino);

/* A key taken apart; views into it. */
struct key_parts {
	enum key_tag tag;
	struct bytes prefix; /* E, P */
	struct bytes name;   /* E, X, S */
	uint64_t ino;	     /* D, X, I, O */
	uint64_t block;	     /* D */
};
int key_decode(struct bytes key, struct key_parts *out);

/* 0, -EINVAL (empty, '.', '..', NUL or '/' inside) or -ENAMETOOLONG. */
int key_check_name(struct bytes name);

#endif
