/*
 * durability: when an operation is on stable storage: a policy with its
 * parameters, and the text that users type for it.
 *
 *	sync      before it is acknowledged
 *	batch     at most batch_ops operations and batch_ms milliseconds later,
 *		  whichever comes first
 *	adaptive  at most adaptive_ms milliseconds later; at once when little
 *		  is written, seldom when much is
 *	none      when somebody asks (fsync)
 *
 * Text: words separated by blanks or commas: the policy, and any of
 * batch_ops=N batch_ms=N adaptive_ms=N, in any order; the policy may also be
 * written durability=POLICY.  What is not named stays as it was.
 * Pure functions.
 */
#ifndef ENGINE_BASE_DURABILITY_H
#define ENGINE_BASE_DURABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"

#define DURABILITY_OPS_MAX 1000000
#define DURABILITY_MS_MAX  60000

enum durability_policy {
	DURABILITY_NONE,
	DURABILITY_BATCH,
	DURABILITY_ADAPTIVE,
	DURABILITY_SYNC,
};

struct durability {
	enum durability_policy policy;
	uint32_t batch_ops;   /* 1 to DURABILITY_OPS_MAX */
	uint32_t batch_ms;    /* 1 to DURABILITY_MS_MAX */
	uint32_t adaptive_ms; /* the same */
};

/* The policy, with 100 operations, 10 ms and 10 ms. */
struct durability durability_of(enum durability_policy policy);
bool durability_valid(const struct durability *d);

#define DURABILITY_ERROR_MAX 256
#define DURABILITY_TEXT_MAX  96

/*
 * Changes *d as text says.  -EINVAL: *d is as it was, and why (at least
 * DURABILITY_ERROR_MAX bytes; NULL: nobody asks) names the word and lists what
 * is allowed.  Text without any word is -EINVAL too.
 */
int durability_parse(struct bytes text, struct durability *d, char *why);

/* "batch batch_ops=100 batch_ms=10": the policy with the parameters it uses,
 * in at most DURABILITY_TEXT_MAX bytes, NUL included. */
void durability_format(const struct durability *d, char *text);

/* What a text may say, in one line, for messages. */
const char *durability_allowed(void);

/* "sync", ... */
const char *durability_word(enum durability_policy policy);

#endif
