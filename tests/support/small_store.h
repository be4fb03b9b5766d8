/*
 * small_store: a store on a small disk.
 *
 * Use: small_store_init, then s->db; s->options may be changed before
 * small_store_reopen (or what comes between lsm_close and lsm_open);
 * small_store_fini closes and removes it.
 * Everything ends the test when it fails.
 */
#ifndef TESTS_SUPPORT_SMALL_STORE_H
#define TESTS_SUPPORT_SMALL_STORE_H

#include "engine/lsm.h"
#include "tests/support/small_disk.h"

struct small_store {
	struct small_disk disk;
	struct lsm_options options; /* sizes in proportion to the memtable */
	struct lsm *db;
	struct lsm_batch *batch; /* for whoever needs one */
	unsigned count;          /* keys put so far; the test's */
};

void small_store_init(struct small_store *s, enum small_disk_kind kind,
    uint64_t disk_bytes, size_t memtable_bytes);
void small_store_fini(struct small_store *s);
void small_store_close(struct small_store *s);
void small_store_open(struct small_store *s); /* what was closed */
void small_store_reopen(struct small_store *s);

/* The i-th key, valid until the next call. */
struct bytes small_store_key(unsigned i);

/* Of the reserve; 0: there is none. */
uint64_t small_store_held(const struct small_store *s);

#endif
