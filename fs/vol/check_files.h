/*
 * check_files: do blocks, big xattrs and orphans belong to an inode that may
 * have them?
 *
 * Use: check_files_orphan_known for each O record before all others; then in
 * the order of keys check_files_block for D, check_files_entry for E,
 * check_files_blocks_end, check_files_orphan for O, check_files_xattr for X,
 * check_files_xattrs_end; check_files_fini.  A zeroed struct is one to begin
 * with; super and has_super are the caller's to set.
 * Errors: 0 or -ENOMEM; findings go to say.
 */
#ifndef FS_VOL_CHECK_FILES_H
#define FS_VOL_CHECK_FILES_H

#include "fs/record/entry.h"
#include "fs/record/key.h"
#include "fs/record/super.h"
#include "fs/vol/check_inos.h"
#include "fs/vol/check_say.h"

struct check_blocks {
	uint64_t ino;
	uint64_t end; /* the last block's, in the file; 0: owner found */
};

struct check_orphan {
	uint64_t ino;
	bool is_trim;
	uint64_t from_block; /* trim */
};

struct check_big {
	uint64_t ino;
	bool seen; /* an X record */
};

struct check_files {
	struct super super;
	bool has_super;
	/* By ino, all three; big from check_files_blocks_end on. */
	struct check_blocks *blocks;
	size_t block_count;
	size_t block_cap;
	struct check_orphan *orphans;
	size_t orphan_count;
	size_t orphan_cap;
	struct check_big *big; /* entries that have big xattrs */
	size_t big_count;
	size_t big_cap;
};

int check_files_orphan_known(
    struct check_files *f, uint64_t ino, const struct super_orphan *o);
int check_files_block(struct check_files *f, struct check_say *say,
    struct bytes key, const struct key_parts *parts, size_t size);
int check_files_entry(struct check_files *f, struct check_say *say,
    struct bytes key, const struct entry *e);
int check_files_blocks_end(struct check_files *f, struct check_say *say);

/* linked: the inode numbers of all entries. */
int check_files_orphan(struct check_say *say, struct bytes key,
    struct bytes record, const struct check_inos *linked);
int check_files_xattr(struct check_files *f, struct check_say *say,
    struct bytes key, uint64_t ino, const struct check_inos *linked);
int check_files_xattrs_end(struct check_files *f, struct check_say *say);
void check_files_fini(struct check_files *f);

#endif
