#include "engine/db/batch.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/wire.h"
#include "engine/table/wal.h"

/* Of an operation: kind, key size. */
#define OP_BYTES_MIN 2

/* Memory that lsm_batch_new asks for: most batches need no more. */
#define FIRST_BYTES 512

#define OPS_AT (WAL_RECORD_HEADER + BATCH_HEADER)

struct lsm_batch {
	struct buf buf; /* room for a record's header, payload */
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
	if (kind == IKEY_KIND_PUT)
		size += wire_varint_size(value_size) + value_size;
	if (size > LSM_BATCH_MAX - lsm_batch_bytes(b))
		return -E2BIG;
	return buf_reserve(&b->buf, size);
}

/* Appends kind and key within the room made, and counts the operation. */
static void
op_begin(struct lsm_batch *b, enum ikey_kind kind, struct bytes key)
{
	uint8_t *p = b->buf.data + b->buf.size;

	*p++ = (uint8_t)kind;
	p += wire_put_varint(p, key.size);
	if (key.size > 0)
		memcpy(p, key.data, key.size);
	b->buf.size = (size_t)(p - b->buf.data) + key.size;
	count_set(b, lsm_batch_count(b) + 1);
}

int
lsm_batch_put_room(
    struct lsm_batch *b, struct bytes key, size_t size, uint8_t **value)
{
	int err = op_room(b, IKEY_KIND_PUT, key, size);

	if (err)
		return err;
	op_begin(b, IKEY_KIND_PUT, key);
	b->buf.size += wire_put_varint(b->buf.data + b->buf.size, size);
	*value = b->buf.data + b->buf.size;
	b->buf.size += size;
	return 0;
}

int
lsm_batch_put(struct lsm_batch *b, struct bytes key, struct bytes value)
{
	uint8_t *room;
	int err = lsm_batch_put_room(b, key, value.size, &room);

	if (!err && value.size > 0)
		memcpy(room, value.data, value.size);
	return err;
}

int
lsm_batch_delete(struct lsm_batch *b, struct bytes key)
{
	int err = op_room(b, IKEY_KIND_DELETE, key, 0);

	if (!err)
		op_begin(b, IKEY_KIND_DELETE, key);
	return err;
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
	c->in = in;
	c->left = count;
	return 0;
}

static int
op_decode(struct wire_in *in, struct batch_op *op)
{
	struct batch_op o = {.value = {NULL, 0}};
	uint8_t kind;

	if (wire_in_u8(in, &kind) || wire_in_sized(in, &o.key) ||
	    o.key.size > LSM_KEY_MAX)
		return ERR_DAMAGED;
	if (kind == IKEY_KIND_PUT) {
		if (wire_in_sized(in, &o.value) || o.value.size > LSM_VALUE_MAX)
			return ERR_DAMAGED;
	} else if (kind != IKEY_KIND_DELETE) {
		return ERR_DAMAGED;
	}
	o.kind = (enum ikey_kind)kind;
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
	c->left--;
	return 1;
}
