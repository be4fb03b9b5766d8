#include "engine/db/batch.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/wire.h"
#include "engine/table/value.h"
#include "engine/table/wal.h"

/* Of an operation: kind, key size. */
#define OP_BYTES_MIN 2

/* Memory that lsm_batch_new asks for: most batches need no more. */
#define FIRST_BYTES 512

#define OPS_AT (WAL_RECORD_HEADER + BATCH_HEADER)

struct lsm_batch {
	struct buf buf; /* room for a record's header, payload */
	struct batch_ranges ranges;
};

static void
count_set(struct lsm_batch *b, uint32_t count)
{
	wire_put_le32(b->buf.data + WAL_RECORD_HEADER, count);
}

struct lsm_batch *
lsm_batch_new(void)
{
	struct lsm_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	if (buf_reserve(&b->buf, FIRST_BYTES)) {
		free(b);
		return NULL;
	}
	memset(b->buf.data, 0, OPS_AT);
	b->buf.size = OPS_AT;
	return b;
}

void
lsm_batch_free(struct lsm_batch *b)
{
	if (!b)
		return;
	buf_fini(&b->buf);
	free(b);
}

void
lsm_batch_clear(struct lsm_batch *b)
{
	b->buf.size = OPS_AT;
	b->ranges = (struct batch_ranges){0};
	count_set(b, 0);
}

uint32_t
lsm_batch_count(const struct lsm_batch *b)
{
	return wire_get_le32(b->buf.data + WAL_RECORD_HEADER);
}

size_t
lsm_batch_bytes(const struct lsm_batch *b)
{
	return b->buf.size - OPS_AT;
}

static bool
has_value(enum ikey_kind kind)
{
	return kind == IKEY_KIND_PUT || kind == IKEY_KIND_UNTIL ||
	       kind == IKEY_KIND_RANGE;
}

/* False if the limits of lsm.h are passed then. */
static bool
ranges_add(struct batch_ranges *r, struct bytes begin, struct bytes end)
{
	size_t bytes = begin.size + end.size;

	if (r->count >= LSM_BATCH_RANGES_MAX ||
	    bytes > LSM_BATCH_RANGE_BYTES_MAX - r->bytes)
		return false;
	r->count++;
	r->bytes += bytes;
	return true;
}

/* Makes room for an operation of a key and, unless it is a tombstone, a value
 * of value_size bytes; the operation's size. */
static int
op_room(struct lsm_batch *b, enum ikey_kind kind, struct bytes key,
    size_t value_size)
{
	size_t size;

	if (key.size > LSM_KEY_MAX || value_size > LSM_VALUE_MAX)
		return -EINVAL;
	size = 1 + wire_varint_size(key.size) + key.size;
	if (kind == IKEY_KIND_UNTIL)
		size += VALUE_EXPIRY;
	if (has_value(kind))
		size += wire_varint_size(value_size) + value_size;
	if (size > LSM_BATCH_MAX - lsm_batch_bytes(b))
		return -E2BIG;
	return buf_reserve(&b->buf, size);
}

/* Appends the operation up to its key, within the room made, and counts it. */
static void
op_begin(struct lsm_batch *b, const struct batch_op *op)
{
	uint8_t *p = b->buf.data + b->buf.size;

	*p++ = (uint8_t)op->kind;
	if (op->kind == IKEY_KIND_UNTIL) {
		wire_put_le64(p, op->expires_ms);
		p += VALUE_EXPIRY;
	}
	p += wire_put_varint(p, op->key.size);
	if (op->key.size > 0)
		memcpy(p, op->key.data, op->key.size);
	b->buf.size = (size_t)(p - b->buf.data) + op->key.size;
	count_set(b, lsm_batch_count(b) + 1);
}

/* The operation, with a value of size bytes that is filled in at *value. */
static int
op_put_room(struct lsm_batch *b, const struct batch_op *op, size_t size,
    uint8_t **value)
{
	int err = op_room(b, op->kind, op->key, size);

	if (err)
		return err;
	op_begin(b, op);
	b->buf.size += wire_put_varint(b->buf.data + b->buf.size, size);
	*value = b->buf.data + b->buf.size;
	b->buf.size += size;
	return 0;
}

int
lsm_batch_put_room(
    struct lsm_batch *b, struct bytes key, size_t size, uint8_t **value)
{
	const struct batch_op op = {.kind = IKEY_KIND_PUT, .key = key};

	return op_put_room(b, &op, size, value);
}

int
lsm_batch_put(struct lsm_batch *b, struct bytes key, struct bytes value)
{
	return lsm_batch_put_until(b, key, value, 0);
}

int
lsm_batch_put_until(struct lsm_batch *b, struct bytes key, struct bytes value,
    uint64_t expires_ms)
{
	const struct batch_op op = {
	    .kind = expires_ms > 0 ? IKEY_KIND_UNTIL : IKEY_KIND_PUT,
	    .key = key,
	    .expires_ms = expires_ms,
	};
	uint8_t *room;
	int err = op_put_room(b, &op, value.size, &room);

	if (!err && value.size > 0)
		memcpy(room, value.data, value.size);
	return err;
}

int
lsm_batch_delete(struct lsm_batch *b, struct bytes key)
{
	const struct batch_op op = {.kind = IKEY_KIND_DELETE, .key = key};
	int err = op_room(b, op.kind, key, 0);

	if (!err)
		op_begin(b, &op);
	return err;
}

int
lsm_batch_delete_range(
    struct lsm_batch *b, struct bytes begin, struct bytes end)
{
	const struct batch_op op = {.kind = IKEY_KIND_RANGE, .key = begin};
	struct batch_ranges ranges = b->ranges;
	uint8_t *room;
	int err;

	if (begin.size > LSM_KEY_MAX || end.size > LSM_KEY_MAX)
		return -EINVAL;
	if (end.data && bytes_cmp(begin, end) >= 0)
		return 0;
	if (!ranges_add(&ranges, begin, end))
		return -E2BIG;
	err = op_put_room(b, &op, end.size, &room);
	if (err)
		return err;
	if (end.size > 0)
		memcpy(room, end.data, end.size);
	b->ranges = ranges;
	return 0;
}

const struct batch_ranges *
batch_ranges(const struct lsm_batch *b)
{
	return &b->ranges;
}

struct bytes
batch_payload(const struct lsm_batch *b)
{
	return bytes_of(
	    b->buf.data + WAL_RECORD_HEADER, b->buf.size - WAL_RECORD_HEADER);
}

uint8_t *
batch_record(struct lsm_batch *b, size_t *size)
{
	*size = b->buf.size;
	return b->buf.data;
}

int
batch_cursor_init(struct batch_cursor *c, struct bytes payload)
{
	struct wire_in in = wire_in_of(payload);
	uint32_t count;

	if (wire_in_le32(&in, &count) ||
	    count > wire_in_left(&in) / OP_BYTES_MIN)
		return ERR_DAMAGED;
	*c = (struct batch_cursor){.in = in, .left = count};
	return 0;
}

static bool
is_kind(uint8_t kind)
{
	return kind == IKEY_KIND_DELETE || kind == IKEY_KIND_PUT ||
	       kind == IKEY_KIND_UNTIL || kind == IKEY_KIND_RANGE;
}

/* What lsm_batch_delete_range would not have added. */
static bool
range_is_absurd(struct batch_cursor *c, const struct batch_op *op)
{
	if (op->value.size > LSM_KEY_MAX ||
	    (op->value.size > 0 && bytes_cmp(op->key, op->value) >= 0))
		return true;
	return !ranges_add(&c->ranges, op->key, op->value);
}

static int
op_decode(struct wire_in *in, struct batch_op *op)
{
	struct batch_op o = {.value = {NULL, 0}};
	uint8_t kind;

	if (wire_in_u8(in, &kind) || !is_kind(kind))
		return ERR_DAMAGED;
	o.kind = (enum ikey_kind)kind;
	if (o.kind == IKEY_KIND_UNTIL &&
	    (wire_in_le64(in, &o.expires_ms) || o.expires_ms == 0))
		return ERR_DAMAGED;
	if (wire_in_sized(in, &o.key) || o.key.size > LSM_KEY_MAX)
		return ERR_DAMAGED;
	if (has_value(o.kind) &&
	    (wire_in_sized(in, &o.value) || o.value.size > LSM_VALUE_MAX))
		return ERR_DAMAGED;
	*op = o;
	return 0;
}

int
batch_cursor_next(struct batch_cursor *c, struct batch_op *op)
{
	int err;

	if (c->left == 0)
		return wire_in_left(&c->in) == 0 ? 0 : ERR_DAMAGED;
	err = op_decode(&c->in, op);
	if (err)
		return err;
	if (op->kind == IKEY_KIND_RANGE && range_is_absurd(c, op))
		return ERR_DAMAGED;
	c->left--;
	return 1;
}
