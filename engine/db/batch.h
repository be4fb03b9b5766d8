/*
 * batch: operations that are applied together, as the bytes that go to the
 * log; the lsm_batch_* functions of engine/lsm.h, and the engine's own access.
 *
 * Payload: le32 count, then as many operations: u8 kind (ikey.h), for UNTIL
 * le64 expiry, sized key and, for PUT, UNTIL and RANGE, sized value.  A batch
 * keeps
 * WAL_RECORD_HEADER bytes of room in front of it, so that the log writes it
 * without a copy.
 * Threads: one at a time.
 * Errors: -EINVAL: the key is longer than LSM_KEY_MAX or the value than
 * LSM_VALUE_MAX; -E2BIG: lsm_batch_bytes would pass LSM_BATCH_MAX; -ENOMEM.
 * The batch is unchanged on error.
 */
#ifndef ENGINE_DB_BATCH_H
#define ENGINE_DB_BATCH_H

#include "engine/base/buf.h"
#include "engine/lsm.h"
#include "engine/table/ikey.h"

/* The count in front of the operations. */
#define BATCH_HEADER 4

/* Valid until the batch changes. */
struct bytes batch_payload(const struct lsm_batch *b);

/* Room for a record's header, then the payload: what wal_append takes. */
uint8_t *batch_record(struct lsm_batch *b, size_t *size);

/* Of the range deletes in it: how many, and the bytes of their keys. */
struct batch_ranges {
	uint32_t count;
	size_t bytes;
};
const struct batch_ranges *batch_ranges(const struct lsm_batch *b);

struct batch_op {
	enum ikey_kind kind;
	uint64_t expires_ms; /* UNTIL; else 0 */
	struct bytes key;
	struct bytes value; /* empty for DELETE; RANGE: the end */
};

/* Goes over the operations of a payload that is not trusted. */
struct batch_cursor {
	struct wire_in in;
	uint32_t left;              /* operations to come */
	struct batch_ranges ranges; /* so far */
};

/* ERR_DAMAGED (no message) if so many operations cannot be there. */
int batch_cursor_init(struct batch_cursor *c, struct bytes payload);

/* 1 the next operation (views into the payload), 0 the end; ERR_DAMAGED (no
 * message): malformed, beyond the limits of lsm.h, or bytes too many. */
int batch_cursor_next(struct batch_cursor *c, struct batch_op *op);

#endif
