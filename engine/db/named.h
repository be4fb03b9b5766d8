/*
 * named: a set of named snapshots, ordered by name.
 *
 * A name is a string of 1 to NAMED_MAX bytes.  A zeroed struct is an empty
 * set.  Owns its members.  Adding, finding and removing take the time of a
 * few comparisons, however many there are.
 * Threads: one at a time.
 */
#ifndef ENGINE_DB_NAMED_H
#define ENGINE_DB_NAMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/tree.h>

#define NAMED_MAX 255

struct named {
	RB_ENTRY(named) link;
	const char *name;
	uint64_t seq;        /* what it shows: everything up to here */
	uint64_t created_ms; /* since 1970 */
};

struct named_set {
	RB_HEAD(named_tree, named) tree;
	size_t count;
};

void named_fini(struct named_set *s);
bool named_valid(const char *name);

/* Copies the name.  -EEXIST, -ENOMEM. */
int named_add(
    struct named_set *s, const char *name, uint64_t seq, uint64_t created_ms);
int named_add_all(struct named_set *s, const struct named_set *from);

/* NULL: not there. */
const struct named *named_find(const struct named_set *s, const char *name);

/* -ENOENT. */
int named_remove(struct named_set *s, const char *name);

/* Moves all members of from, of which none is in s, and empties it. */
void named_take(struct named_set *s, struct named_set *from);

/* In order; NULL: the end. */
const struct named *named_first(const struct named_set *s);
const struct named *named_next(const struct named *n);

/* Whether both have the same members. */
bool named_same(const struct named_set *a, const struct named_set *b);

/* The highest number of them, 0 if there is none. */
uint64_t named_last_seq(const struct named_set *s);

#endif
