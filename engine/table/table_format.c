#include "engine/table/table_format.h"

#include "engine/base/hash.h"
#include "engine/table/ikey.h"

/* Places in the footer. */
enum {
	TABLE_AT_FILTER = 0,
	TABLE_AT_INDEX = 16,
	TABLE_AT_PROPERTIES = 32,
	TABLE_AT_FILE_NO = 48,
	TABLE_AT_VERSION = 56,
	TABLE_AT_RESERVED = 60,
	TABLE_AT_CHECKSUM = 64,
	TABLE_AT_MAGIC = 72,
};

static void
table_format_put_handle(uint8_t *p, struct frame_handle h)
{
	wire_put_le64(p, h.offset);
	wire_put_le64(p + 8, h.size);
}

static struct frame_handle
table_format_get_handle(const uint8_t *p)
{
	return (struct frame_handle){wire_get_le64(p), wire_get_le64(p + 8)};
}

static uint64_t
table_format_footer_sum(const uint8_t *p)
{
	return hash_64(bytes_of(p, TABLE_AT_CHECKSUM), 0);
}

void
table_format_footer_encode(uint8_t *p, const struct table_footer *f)
{
	table_format_put_handle(p + TABLE_AT_FILTER, f->filter);
	table_format_put_handle(p + TABLE_AT_INDEX, f->index);
	table_format_put_handle(p + TABLE_AT_PROPERTIES, f->properties);
	wire_put_le64(p + TABLE_AT_FILE_NO, f->file_no);
	wire_put_le32(p + TABLE_AT_VERSION, TABLE_VERSION);
	wire_put_le32(p + TABLE_AT_RESERVED, 0);
	wire_put_le64(p + TABLE_AT_CHECKSUM, table_format_footer_sum(p));
	memcpy(p + TABLE_AT_MAGIC, TABLE_MAGIC, TABLE_MAGIC_SIZE);
}

int
table_format_footer_decode(const uint8_t *p, struct table_footer *out)
{
	if (memcmp(p + TABLE_AT_MAGIC, TABLE_MAGIC, TABLE_MAGIC_SIZE) != 0)
		return ERR_FORMAT;
	if (wire_get_le64(p + TABLE_AT_CHECKSUM) != table_format_footer_sum(p))
		return ERR_DAMAGED;
	out->version = wire_get_le32(p + TABLE_AT_VERSION);
	if (out->version <= TABLE_VERSION &&
	    wire_get_le32(p + TABLE_AT_RESERVED) != 0)
		return ERR_DAMAGED;
	out->filter = table_format_get_handle(p + TABLE_AT_FILTER);
	out->index = table_format_get_handle(p + TABLE_AT_INDEX);
	out->properties = table_format_get_handle(p + TABLE_AT_PROPERTIES);
	out->file_no = wire_get_le64(p + TABLE_AT_FILE_NO);
	return 0;
}

/* In the order in which they stand in the properties block. */
#define TABLE_NUMBERS(X) \
	X(entries)       \
	X(deletes)       \
	X(key_bytes)     \
	X(value_bytes)   \
	X(data_blocks)   \
	X(seq_min)       \
	X(seq_max)

/* Behind the keys; numbers never change their meaning. */
enum table_field {
	TABLE_FIELD_RANGES = 1,
	TABLE_FIELD_REFS = 2,
	TABLE_FIELD_INDEX = 3,
	TABLE_FIELD_EXPIRIES = 4,
	TABLE_FIELD_HIDDEN = 5,
};

static int
table_format_ranges_encode(struct buf *out, const struct table_ranges *r)
{
	struct buf b = {0};
	int err = frame_handle_append(&b, r->handle);

	if (!err)
		err = buf_append_varint(&b, r->count);
	if (!err)
		err = buf_append_sized(&b, r->begin);
	if (!err)
		err = buf_append_sized(&b, r->end);
	if (!err)
		err = buf_append_varint(out, TABLE_FIELD_RANGES);
	if (!err)
		err = buf_append_sized(out, buf_bytes(&b));
	buf_fini(&b);
	return err;
}

static int
table_format_ranges_decode(struct bytes content, struct table_ranges *out)
{
	struct wire_in in = wire_in_of(content);
	struct table_ranges r;
	int err = frame_handle_decode(&in, &r.handle);

	if (!err)
		err = wire_in_varint(&in, &r.count);
	if (!err)
		err = wire_in_sized(&in, &r.begin);
	if (!err)
		err = wire_in_sized(&in, &r.end);
	if (err)
		return err;
	if (wire_in_left(&in) != 0 || r.count == 0 ||
	    !ranges_ends_behind(r.end, r.begin))
		return ERR_DAMAGED;
	*out = r;
	return 0;
}

static int
table_format_index_encode(struct buf *out, uint64_t leaves)
{
	uint8_t content[WIRE_VARINT_MAX];
	size_t size = wire_put_varint(content, leaves);
	int err = buf_append_varint(out, TABLE_FIELD_INDEX);

	return err ? err : buf_append_sized(out, bytes_of(content, size));
}

static int
table_format_index_decode(struct bytes content, uint64_t *leaves)
{
	struct wire_in in = wire_in_of(content);
	uint64_t n;

	if (wire_in_varint(&in, &n) || n == 0 || wire_in_left(&in) != 0)
		return ERR_DAMAGED;
	*leaves = n;
	return 0;
}

static int
table_format_expiries_encode(struct buf *out, const struct expiries *e)
{
	struct buf b = {0};
	int err = expiries_encode(e, &b);

	if (!err)
		err = buf_append_varint(out, TABLE_FIELD_EXPIRIES);
	if (!err)
		err = buf_append_sized(out, buf_bytes(&b));
	buf_fini(&b);
	return err;
}

static int
table_format_hidden_encode(struct buf *out, const struct hidden *h)
{
	struct buf b = {0};
	int err = hidden_encode(h, &b);

	if (!err)
		err = buf_append_varint(out, TABLE_FIELD_HIDDEN);
	if (!err)
		err = buf_append_sized(out, buf_bytes(&b));
	buf_fini(&b);
	return err;
}

int
table_format_properties_encode(
    struct buf *out, const struct table_properties *p)
{
	int err = 0;

#define TABLE_NUMBER_PUT(name) \
	if (!err)              \
		err = buf_append_varint(out, p->name);
	TABLE_NUMBERS(TABLE_NUMBER_PUT)
#undef TABLE_NUMBER_PUT
	if (!err)
		err = buf_append_sized(out, p->smallest);
	if (!err)
		err = buf_append_sized(out, p->largest);
	if (!err && p->ranges.count > 0)
		err = table_format_ranges_encode(out, &p->ranges);
	if (!err && p->refs.size > 0)
		err = buf_append_varint(out, TABLE_FIELD_REFS);
	if (!err && p->refs.size > 0)
		err = buf_append_sized(out, p->refs);
	if (!err && p->index_leaves > 0)
		err = table_format_index_encode(out, p->index_leaves);
	if (!err && p->expiries.count > 0)
		err = table_format_expiries_encode(out, &p->expiries);
	if (!err && p->hidden.count > 0)
		err = table_format_hidden_encode(out, &p->hidden);
	return err;
}

static bool
table_format_entries_agree(const struct table_properties *p)
{
	struct ikey k;

	if (p->entries == 0)
		return p->ranges.count > 0 && p->deletes == 0 &&
		       p->data_blocks == 0 && p->smallest.size == 0 &&
		       p->largest.size == 0;
	return p->deletes <= p->entries && p->data_blocks > 0 &&
	       p->data_blocks <= p->entries &&
	       ikey_decode(p->smallest, &k) == 0 &&
	       ikey_decode(p->largest, &k) == 0 &&
	       ikey_cmp(p->smallest, p->largest) <= 0;
}

static bool
table_format_properties_agree(const struct table_properties *p)
{
	return table_format_entries_agree(p) && p->seq_min <= p->seq_max &&
	       p->seq_max <= IKEY_SEQ_MAX && p->index_leaves <= p->data_blocks;
}

static int
table_format_field_decode(
    uint64_t tag, struct bytes content, struct table_properties *p)
{
	switch (tag) {
	case TABLE_FIELD_RANGES:
		return table_format_ranges_decode(content, &p->ranges);
	case TABLE_FIELD_REFS:
		p->refs = content;
		return content.size > 0 ? 0 : ERR_DAMAGED;
	case TABLE_FIELD_INDEX:
		return table_format_index_decode(content, &p->index_leaves);
	case TABLE_FIELD_EXPIRIES:
		return expiries_decode(content, p->entries, &p->expiries);
	case TABLE_FIELD_HIDDEN:
		return hidden_decode(
		    content, p->entries, p->seq_max, &p->hidden);
	default:
		return ERR_FORMAT;
	}
}

/*
 * What newer tables say besides stands at the end: tag, sized content, tags
 * ascending.  One that is not known cannot be left out: what it says may change
 * what the rest means.
 */
static int
table_format_fields_decode(struct wire_in *in, struct table_properties *p)
{
	struct bytes content;
	uint64_t tag = 0;
	int err = 0;

	while (!err && wire_in_left(in) > 0) {
		err = wire_in_field(in, &tag, &content);
		if (!err)
			err = table_format_field_decode(tag, content, p);
	}
	return err;
}

int
table_format_properties_decode(
    struct bytes block, uint32_t version, struct table_properties *out)
{
	struct wire_in in = wire_in_of(block);
	struct table_properties p = {0};
	int err = 0;

#define TABLE_NUMBER_GET(name) \
	if (!err)              \
		err = wire_in_varint(&in, &p.name);
	TABLE_NUMBERS(TABLE_NUMBER_GET)
#undef TABLE_NUMBER_GET
	if (!err)
		err = wire_in_sized(&in, &p.smallest);
	if (!err)
		err = wire_in_sized(&in, &p.largest);
	if (!err && version > 1)
		err = table_format_fields_decode(&in, &p);
	if (err)
		return err;
	if (wire_in_left(&in) != 0 || !table_format_properties_agree(&p))
		return ERR_DAMAGED;
	*out = p;
	return 0;
}
