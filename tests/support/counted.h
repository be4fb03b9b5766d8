/*
 * counted: batches with numbers, of which the whole state of a store follows.
 *
 * Batch n puts n under "count" and a value made of n under one of
 * COUNTED_KEYS keys, and deletes another of them.  So a state is that after a
 * prefix of the batches if it is the state that its "count" asks for.
 * Use: counted_write 1, 2, 3 ... by one thread at a time; counted_state at any
 * moment.
 * Errors: what is not expected ends the case.
 */
#ifndef TESTS_SUPPORT_COUNTED_H
#define TESTS_SUPPORT_COUNTED_H

#include "engine/lsm.h"

#define COUNTED_KEYS 37

/* Values are of 8 to 1,200 bytes times this, 1 to 10. */
extern unsigned counted_scale;

/* Returns what lsm_write returns; seq may be NULL. */
int counted_write(struct lsm *db, uint64_t n, uint64_t *seq);

/* How many batches the store holds at the snapshot (NULL: now), all that they
 * left and nothing else. */
uint64_t counted_state(struct lsm *db, const struct lsm_snapshot *at);

#endif
