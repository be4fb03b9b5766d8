/*
 * check_dirs: are directories, prefixes and P records what they must be?
 *
 * Use: check_dirs_entry for each entry key in their order; check_dirs_join
 * after the last; check_dirs_prefix for each P record; check_dirs_end;
 * check_dirs_fini.  A zeroed struct is one to begin with.
 * Errors: 0 or -ENOMEM; findings go to say.
 */
#ifndef FS_VOL_CHECK_DIRS_H
#define FS_VOL_CHECK_DIRS_H

#include "fs/record/entry.h"
#include "fs/record/key.h"
#include "fs/vol/check_say.h"

/* Bytes in check_dirs.text. */
struct check_span {
	size_t at;
	size_t size;
};

struct check_dir {
	struct check_span key;
	struct check_span prefix;
	uint64_t ino;
	uint32_t nlink;
	bool is_root;
	bool is_home;
	bool has_record;   /* a P record */
	size_t range;      /* it stands in that one; not for the root */
	uint64_t children; /* that are directories */
	size_t walk;       /* the walk to the root that came by, 0: none yet */
};

/* Entries with one prefix: what is in a directory. */
struct check_range {
	struct check_span key; /* of the first */
	size_t prefix_size;
	uint64_t children; /* that are directories */
	size_t owner;      /* the directory, or SIZE_MAX */
};

struct check_dirs {
	struct buf text;
	struct check_dir *dirs; /* from check_dirs_join on by prefix */
	size_t dir_count;
	size_t dir_cap;
	struct check_range *ranges; /* by prefix */
	size_t range_count;
	size_t range_cap;
	bool has_root;
};

/* An entry with its key; e NULL: its record cannot be read. */
struct check_entry {
	struct bytes key;
	const struct key_parts *parts;
	const struct entry *e;
};

int check_dirs_entry(struct check_dirs *d, struct check_say *say,
    const struct check_entry *entry);
int check_dirs_join(struct check_dirs *d, struct check_say *say);
int check_dirs_prefix(struct check_dirs *d, struct check_say *say,
    struct bytes key, uint64_t ino);
int check_dirs_end(struct check_dirs *d, struct check_say *say);
void check_dirs_fini(struct check_dirs *d);

#endif
