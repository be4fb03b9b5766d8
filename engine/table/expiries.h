/*
 * expiries: when the values of a table expire, in three numbers: what one has
 * to know to tell whether rewriting the table is worth it.
 */
#ifndef ENGINE_TABLE_EXPIRIES_H
#define ENGINE_TABLE_EXPIRIES_H

#include "engine/base/buf.h"

/* Moments are milliseconds since 1970 UTC; all is 0 if nothing expires. */
struct expiries {
	uint64_t count;    /* entries that expire */
	uint64_t first_ms; /* when the first one does */
	uint64_t half_ms;  /* when half of them have, rounded up */
};

/* Of moments appended to b as uint64_t; they are put in order. */
struct expiries expiries_of(struct buf *b);

bool expiries_eq(const struct expiries *a, const struct expiries *b);

/* At least half of them have passed, and they are many among so many entries:
 * an eighth of the entries is of no use any more. */
bool expiries_are_due(
    const struct expiries *e, uint64_t entries, uint64_t now_ms);

/* As they stand in properties and in the manifest; count > 0. */
int expiries_encode(const struct expiries *e, struct buf *out);

/* Of a table of so many entries.  ERR_DAMAGED. */
int expiries_decode(
    struct bytes content, uint64_t entries, struct expiries *out);

#endif
