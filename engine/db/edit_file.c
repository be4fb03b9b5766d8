#include "engine/db/edit_file.h"

#include "engine/db/file_name.h"

/* Written to disk: numbers never change their meaning. */
enum more_tag {
	MORE_TAG_RANGES = 1,
	MORE_TAG_REFS = 2,
	MORE_TAG_EXPIRIES = 3,
	MORE_TAG_HIDDEN = 4,
};

/* In the order in which they stand behind the file's number. */
#define NUMBERS(X)           \
	X(file_bytes, bytes) \
	X(entries, entries)  \
	X(deletes, deletes)  \
	X(seq_min, seq_min)  \
	X(seq_max, seq_max)

bool
edit_file_has_more(const struct version_file *f)
{
	return f->ranges > 0 || f->value_refs.count > 0 ||
	       f->expiries.count > 0 || f->hidden.count > 0;
}

/* --- encoding ---------------------------------------------------------- */

/* What a field holds stands in b, which is emptied. */
static int
encode_tagged(struct buf *out, enum more_tag tag, struct buf *b)
{
	int err = buf_append_varint(out, tag);

	if (!err)
		err = buf_append_sized(out, buf_bytes(b));
	buf_clear(b);
	return err;
}

static int
encode_ranges(struct buf *b, const struct version_file *f)
{
	int err = buf_append_varint(b, f->ranges);

	if (!err)
		err = buf_append_sized(b, buf_bytes(&f->ranges_begin));
	return err ? err : buf_append_sized(b, buf_bytes(&f->ranges_end));
}

static int
encode_more(struct buf *out, const struct version_file *f)
{
	struct buf b = {0};
	bool ranges = f->ranges > 0, refs = f->value_refs.count > 0;
	bool expiries = f->expiries.count > 0, hidden = f->hidden.count > 0;
	int err =
	    buf_append_varint(out, (uint64_t)ranges + refs + expiries + hidden);

	if (!err && ranges)
		err = encode_ranges(&b, f);
	if (!err && ranges)
		err = encode_tagged(out, MORE_TAG_RANGES, &b);
	if (!err && refs)
		err = vref_list_encode(&f->value_refs, &b);
	if (!err && refs)
		err = encode_tagged(out, MORE_TAG_REFS, &b);
	if (!err && expiries)
		err = expiries_encode(&f->expiries, &b);
	if (!err && expiries)
		err = encode_tagged(out, MORE_TAG_EXPIRIES, &b);
	if (!err && hidden)
		err = hidden_encode(&f->hidden, &b);
	if (!err && hidden)
		err = encode_tagged(out, MORE_TAG_HIDDEN, &b);
	buf_fini(&b);
	return err;
}

int
edit_file_encode(struct buf *out, const struct version_file *f)
{
	int err = buf_append_varint(out, f->number);

#define NUMBER_PUT(info_name, name) \
	if (!err)                   \
		err = buf_append_varint(out, f->name);
	NUMBERS(NUMBER_PUT)
#undef NUMBER_PUT
	if (!err)
		err = buf_append_sized(out, buf_bytes(&f->smallest));
	if (!err)
		err = buf_append_sized(out, buf_bytes(&f->largest));
	if (!err && edit_file_has_more(f))
		err = encode_more(out, f);
	return err;
}

/* --- decoding ---------------------------------------------------------- */

/* An ikey, or nothing: whether that may be is seen when all is read. */
static int
decode_ikey(struct wire_in *in, struct buf *out)
{
	struct bytes encoded;
	struct ikey key;
	int err = wire_in_sized(in, &encoded);

	if (!err && encoded.size == 0)
		return 0;
	if (!err)
		err = ikey_decode(encoded, &key);
	if (err)
		return err;
	if (key.user.size > LSM_KEY_MAX)
		return ERR_DAMAGED;
	return buf_assign(out, encoded);
}

static int
decode_key(struct wire_in *in, struct buf *out)
{
	struct bytes key;
	int err = wire_in_sized(in, &key);

	if (!err && key.size > LSM_KEY_MAX)
		err = ERR_DAMAGED;
	return err ? err : buf_assign(out, key);
}

static int
decode_ranges(struct bytes content, struct table_info *info)
{
	struct wire_in in = wire_in_of(content);
	int err = wire_in_varint(&in, &info->ranges);

	if (!err)
		err = decode_key(&in, &info->ranges_begin);
	if (!err)
		err = decode_key(&in, &info->ranges_end);
	if (!err && (wire_in_left(&in) != 0 || info->ranges == 0 ||
			!ranges_ends_behind(buf_bytes(&info->ranges_end),
			    buf_bytes(&info->ranges_begin))))
		err = ERR_DAMAGED;
	return err;
}

static int
decode_field(uint64_t tag, struct bytes content, struct table_info *info)
{
	switch (tag) {
	case MORE_TAG_RANGES:
		return decode_ranges(content, info);
	case MORE_TAG_REFS:
		return vref_list_decode(content, &info->refs);
	case MORE_TAG_EXPIRIES:
		return expiries_decode(content, info->entries, &info->expiries);
	case MORE_TAG_HIDDEN:
		return hidden_decode(
		    content, info->entries, info->seq_max, &info->hidden);
	default:
		return ERR_FORMAT;
	}
}

/* Tags ascend.  One that is not known cannot be left out. */
static int
decode_more(struct wire_in *in, struct table_info *info)
{
	uint64_t count, tag = 0;
	struct bytes content;
	int err = wire_in_varint(in, &count);

	while (!err && count-- > 0) {
		err = wire_in_field(in, &tag, &content);
		if (!err)
			err = decode_field(tag, content, info);
	}
	return err;
}

static bool
keys_are_absurd(const struct table_info *i)
{
	if (i->entries == 0)
		return i->ranges == 0 || i->smallest.size > 0 ||
		       i->largest.size > 0;
	return i->smallest.size == 0 || i->largest.size == 0 ||
	       ikey_cmp(buf_bytes(&i->smallest), buf_bytes(&i->largest)) > 0;
}

/* What no writer of tables says. */
static bool
info_is_absurd(const struct table_info *i)
{
	return i->file_no == 0 || i->file_no > FILE_NAME_NUMBER_MAX ||
	       i->file_bytes == 0 || i->deletes > i->entries ||
	       i->seq_min > i->seq_max || i->seq_max > IKEY_SEQ_MAX ||
	       keys_are_absurd(i);
}

static int
decode_info(struct wire_in *in, bool more, struct table_info *info)
{
	int err = wire_in_varint(in, &info->file_no);

#define NUMBER_GET(info_name, name) \
	if (!err)                   \
		err = wire_in_varint(in, &info->info_name);
	NUMBERS(NUMBER_GET)
#undef NUMBER_GET
	if (!err)
		err = decode_ikey(in, &info->smallest);
	if (!err)
		err = decode_ikey(in, &info->largest);
	if (!err && more)
		err = decode_more(in, info);
	if (!err && info_is_absurd(info))
		err = ERR_DAMAGED;
	return err;
}

int
edit_file_decode(struct wire_in *in, bool more, struct version_file **out)
{
	struct table_info info = {0};
	int err = decode_info(in, more, &info);

	if (!err)
		err = version_file_new(NULL, &info, out);
	table_info_fini(&info);
	return err;
}
