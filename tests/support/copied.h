/*
 * copied: a store, and copies of it that lsm_checkpoint makes.
 *
 * Use: p = copied_new(), lsm_store_open(&p->s), write, copied_take ... read
 * p->copy, copied_free.  No device is synced.  Each copy goes to a directory of
 * its own, the last one to p->path.
 * Errors: what is not expected ends the case.
 */
#ifndef TESTS_SUPPORT_COPIED_H
#define TESTS_SUPPORT_COPIED_H

#include "tests/support/lsm_store.h"

struct copied {
	struct lsm_store s, copy;
	struct env_ops ops; /* of their files, to be replaced by a case */
	const char *base;   /* of the copies */
	char path[512];     /* of the next one, or the last */
	unsigned copies;
};

struct copied *copied_new(void);
void copied_free(struct copied *p);

void copied_next_path(struct copied *p);

/* To the next path; open in p->copy, and good. */
void copied_take(struct copied *p);

/* Batches of counted.h into the store. */
void copied_write(struct copied *p, uint64_t from, uint64_t to);

/* counted_state at a named snapshot. */
uint64_t copied_state_at(struct lsm *db, const char *name);

/* For ops.link: there are no links. */
int copied_no_link(struct env *env, const char *from, const char *to);

/* How many names a table of the store has. */
unsigned copied_links(struct lsm_store *s);

#endif
