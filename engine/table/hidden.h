/*
 * hidden: what of a table only snapshots can see, in two numbers: what one has
 * to know to tell whether rewriting the table is worth it.
 */
#ifndef ENGINE_TABLE_HIDDEN_H
#define ENGINE_TABLE_HIDDEN_H

#include "engine/base/buf.h"
#include "engine/table/ikey.h"

/* All is 0 if there is nothing. */
struct hidden {
	/* Entries that stand behind a newer one of their key; but for deletes,
	 * which tables count by themselves. */
	uint64_t count;
	/* The newest of the numbers that hide them: who sees up to here, or
	 * more, sees none of them. */
	uint64_t by_seq;
};

/* Counts k if the one before it (an ikey; of no bytes: none) hides it. */
void hidden_note(struct hidden *h, struct bytes before, const struct ikey *k);

bool hidden_eq(const struct hidden *a, const struct hidden *b);

/* As they stand in properties and in the manifest; count > 0. */
int hidden_encode(const struct hidden *h, struct buf *out);

/* Of a table of so many entries, of numbers up to seq_max.  ERR_DAMAGED. */
int hidden_decode(struct bytes content, uint64_t entries, uint64_t seq_max,
    struct hidden *out);

#endif
