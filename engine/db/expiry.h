/*
 * expiry: whether an entry is there for one operation: a read, an iterator, a
 * flush or a compaction.
 *
 * The wall clock is read once for the whole operation, at the first entry that
 * expires, so that all it sees is of one moment, and costs nothing where no
 * value expires.  What is done in pieces reads it first (expiry_begin), for
 * each piece has a copy.  Who has passed an entry's expiry treats it in every
 * way as a delete: it hides what is older.
 * A clock that is set back shows what expired again, unless a flush or a
 * compaction has made it a delete by then; what is older stays hidden in any
 * case.
 * Use: struct expiry x = {.env = env, .dir = dir}; expiry_look for each entry.
 * Threads: one at a time.
 */
#ifndef ENGINE_DB_EXPIRY_H
#define ENGINE_DB_EXPIRY_H

#include "engine/os/env.h"
#include "engine/table/value.h"

struct expiry {
	/* constant */
	struct env *env;
	const char *dir; /* of the store, for messages */

	uint64_t now_ms; /* since 1970 */
	bool has_now;
};

/* Reads the clock, unless that was done. */
void expiry_begin(struct expiry *x);

bool expiry_passed(struct expiry *x, uint64_t expires_ms);

/* expiry_look for what is neither a plain put nor a delete. */
int expiry_look_closely(
    struct expiry *x, uint64_t trailer, struct bytes raw, struct value *out);

/*
 * 1: *out is the value; 0: the entry is a delete, or has expired; ERR_DAMAGED
 * with a message.  trailer: of its ikey; raw: its value as it is stored.
 */
static inline int
expiry_look(
    struct expiry *x, uint64_t trailer, struct bytes raw, struct value *out)
{
	switch (trailer & 0xff) {
	case IKEY_KIND_PUT:
		*out = (struct value){.bytes = raw};
		return 1;
	case IKEY_KIND_DELETE:
		return 0;
	default:
		return expiry_look_closely(x, trailer, raw, out);
	}
}

#endif
