/*
 * check: every record of a volume against every other.
 *
 * Use: vol_check on a store, with a volume open on it or not.  It sees one
 * state, whatever is written meanwhile, and changes nothing.  A store without
 * any record holds no volume yet, which is no damage.
 * Checked: every key and record decodes; superblock and root are there; inode
 * numbers are unique and reserved; every entry stands below a directory that
 * the root leads to; prefixes are natural, fresh, or recorded under P, and
 * nothing else is; link counts; blocks, big xattrs and orphans belong to an
 * inode that may have them.  Not checked: that an xattr is not in its entry's
 * list and under X at once.
 * Memory: 11 to 22 bytes per inode, 16 more if it has blocks, and per
 * directory about 150 and its path three times.
 */
#ifndef FS_VOL_CHECK_H
#define FS_VOL_CHECK_H

#include <stdint.h>

struct store;

struct vol_check_sink {
	/* One line: the key (what is not printable as \xNN), what is wrong. */
	void (*finding)(void *ctx, const char *text);
	/* Records read so far.  NULL: nobody asks. */
	void (*progress)(void *ctx, uint64_t records);
	void *ctx;
};

struct vol_check_totals {
	uint64_t records;
	uint64_t files;
	uint64_t directories; /* with the root */
	uint64_t others;      /* symbolic links, devices and so on */
	uint64_t orphans;
	uint64_t bytes; /* sizes of the files */
};

/* How many findings there were, or <0 if the check could not go on.  *totals
 * tells how far it came in any case. */
int vol_check(struct store *s, const struct vol_check_sink *sink,
    struct vol_check_totals *totals);

#endif
