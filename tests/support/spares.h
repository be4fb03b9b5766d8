/*
 * spares: what brings a store to have log files ready (engine/db/spare.h), and
 * a look at them.
 *
 * Use: spares_open, or lsm_store_init and lsm_store_open with other options;
 * then keys are numbers of lsm_store_fill, of 10 bytes and tag 'a', and those
 * who write some take the next number and return the next after them.
 * Threads: one, and options.no_background.
 */
#ifndef TESTS_SUPPORT_SPARES_H
#define TESTS_SUPPORT_SPARES_H

#include <sys/types.h>

#include "tests/support/lsm_store.h"

void spares_open(struct lsm_store *s);

/* How many are ready; they are in order. */
unsigned spares_ready(struct lsm_store *s);

/* The segment that is being written began in one. */
bool spares_in_use(struct lsm_store *s);

uint64_t spares_size_of(const char *path);
ino_t spares_inode_of(const char *path);

/* Files whose name contains this. */
unsigned spares_count_names(struct lsm_store *s, const char *part);

unsigned spares_put_and_sync(struct lsm_store *s, unsigned i);

/* In a store that was just opened: until one is wanted, or ready. */
unsigned spares_sync_until_wanted(struct lsm_store *s);
unsigned spares_sync_until_ready(struct lsm_store *s);

/* Until a memtable is full, with a few syncs: a rotation and a flush. */
unsigned spares_fill_memtable(struct lsm_store *s, unsigned i);

/* Keys below n are there, now and after a kill, with which the store goes on.
 */
void spares_check_all(struct lsm_store *s, unsigned n);

#endif
