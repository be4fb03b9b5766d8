/*
 * super: the superblock of a volume and the records beside it.
 *
 * S "super": format version, uuid, block size, inline limit; written once, at
 * creation.  S "ino": the next inode number that was not yet reserved.
 * O ino: what is still to be purged.  P prefix: who has the prefix.
 */
#ifndef FS_RECORD_SUPER_H
#define FS_RECORD_SUPER_H

#include "engine/base/buf.h"
#include "engine/base/err.h"

#define SUPER_VERSION	1
#define SUPER_UUID_SIZE 16
#define SUPER_INO_ROOT	1

struct super {
	uint32_t version;
	uint8_t uuid[SUPER_UUID_SIZE];
	uint32_t block_bytes;	/* power of two, 4 KiB to 1 MiB */
	uint32_t inline_bytes;	/* files up to this stand in their entry */
	int64_t created; /* ns since 1970 */
};

int super_encode(struct buf *b, const struct super *s);

/* ERR_FORMAT for a newer version, ERR_DAMAGED for anything impossible. */
int super_decode(struct bytes record, struct super *out);

int super_ino_encode(struct buf *b, uint64_t next_ino);
int super_ino_decode(struct bytes record, uint64_t *next_ino);

/* An O record: an orphan's entry record, or blocks from `from_block` of a file
 * that lives on (a truncation that a crash may have interrupted). */
struct super_orphan {
	bool is_trim;
	uint64_t from_block; /* trim */
	struct bytes entry;  /* orphan: its entry record */
};
int super_orphan_encode(struct buf *b, const struct super_orphan *o);
int super_orphan_decode(struct bytes record, struct super_orphan *out);

/* A P record: the ino of the directory that has the prefix. */
int super_prefix_encode(struct buf *b, uint64_t ino);
int super_prefix_decode(struct bytes record, uint64_t *ino);

#endif
