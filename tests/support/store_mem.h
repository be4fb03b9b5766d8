/*
 * store_mem: a store in memory, for tests of what stands on fs/store.
 *
 * Use: s = store_mem_new(); ... store_close(s).  Calls can be counted and made
 * to fail; a failing write changes nothing.  What is written is there until
 * the store is closed, so closing and opening a volume on it is a remount, and
 * opening one on a clone taken in the middle is a mount after a crash.
 * Threads: any.  Errors: those that were ordered; out of memory ends the
 * program.
 */
#ifndef TESTS_SUPPORT_STORE_MEM_H
#define TESTS_SUPPORT_STORE_MEM_H

#include "fs/store/store.h"

enum store_mem_call {
	STORE_MEM_GET,
	STORE_MEM_WRITE, /* of a batch that is not empty */
	STORE_MEM_BATCH, /* put and delete into a batch */
	STORE_MEM_ITER,  /* open, seek, next */
	STORE_MEM_SYNC,
	STORE_MEM_CALLS,
};

struct store *store_mem_new(void);

/* A new store with the same content and no faults. */
struct store *store_mem_clone(struct store *s);

/* The n-th call of this kind from now on (1: the next one) returns err, once.
 * n 0: none does. */
void store_mem_fail(
    struct store *s, enum store_mem_call call, uint64_t n, int err);

/* Has the ordered failure happened? */
bool store_mem_failed(struct store *s, enum store_mem_call call);

/* Calls of this kind so far. */
uint64_t store_mem_calls(struct store *s, enum store_mem_call call);

/* The policy of the last write. */
struct durability store_mem_written_under(struct store *s);

/* Keys from lower on, before upper (upper.data NULL: no end). */
size_t store_mem_count(struct store *s, struct bytes lower, struct bytes upper);

/* Keys that begin with this byte. */
size_t store_mem_count_tag(struct store *s, uint8_t tag);

/* Are the contents of both the same? */
bool store_mem_same(struct store *a, struct store *b);

#endif
