/*
 * check_inos: a set of inode numbers.
 *
 * Use: a zeroed struct is an empty set; check_inos_add, check_inos_has,
 * check_inos_fini.  Numbers are not 0.  Memory: 11 to 22 bytes a number.
 */
#ifndef FS_VOL_CHECK_INOS_H
#define FS_VOL_CHECK_INOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check_inos {
	uint64_t *slots;   /* 0: free */
	size_t slot_count; /* power of two, or 0 */
	size_t count;
};

/* 1 added, 0 it was there, -ENOMEM. */
int check_inos_add(struct check_inos *set, uint64_t ino);
bool check_inos_has(const struct check_inos *set, uint64_t ino);
void check_inos_fini(struct check_inos *set);

#endif
