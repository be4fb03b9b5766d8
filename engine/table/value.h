/*
 * value: what stands behind an ikey: the value itself or a reference to where
 * it is, and in front of it, for the kinds that expire, when.
 *
 * By kind: PUT the value; UNTIL le64 expiry, the value; REF a reference;
 * REF_UNTIL le64 expiry, a reference.  An expiry is in milliseconds since 1970
 * UTC, and never 0: from that moment on the key is absent.
 */
#ifndef ENGINE_TABLE_VALUE_H
#define ENGINE_TABLE_VALUE_H

#include <stdbool.h>

#include "engine/table/ikey.h"

/* Bytes of the expiry in front. */
#define VALUE_EXPIRY 8

struct value {
	struct bytes bytes;  /* the value or the reference: a view */
	uint64_t expires_ms; /* 0: never */
	bool is_reference;
};

/* Takes what is stored apart.  ERR_DAMAGED (no message): too short for its
 * kind, an expiry of 0, or a kind that has no value (DELETE). */
int value_decode(enum ikey_kind kind, struct bytes raw, struct value *out);

/* Whether these bytes can stand behind an entry of this kind. */
static inline bool
value_fits(enum ikey_kind kind, struct bytes raw)
{
	struct value v;

	return kind == IKEY_KIND_PUT || kind == IKEY_KIND_DELETE ||
	       value_decode(kind, raw, &v) == 0;
}

#endif
