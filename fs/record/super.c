#include "fs/record/super.h"

#include "engine/base/must.h"
#include "engine/base/wire.h"

#define SUPER_BLOCK_MIN 4096u
#define SUPER_BLOCK_MAX (1u << 20)

/* Of the small records beside the superblock. */
#define SUPER_RECORD_VERSION 1

enum super_orphan_kind { SUPER_ORPHAN_ENTRY = 1, SUPER_ORPHAN_TRIM = 2 };

static bool
super_possible(const struct super *s)
{
	return s->block_bytes >= SUPER_BLOCK_MIN &&
	       s->block_bytes <= SUPER_BLOCK_MAX &&
	       (s->block_bytes & (s->block_bytes - 1)) == 0 &&
	       s->inline_bytes <= s->block_bytes;
}

int
super_encode(struct buf *b, const struct super *s)
{
	int err;

	must(s->version == SUPER_VERSION && super_possible(s));
	err = buf_reserve(b, 4 + SUPER_UUID_SIZE + 4 + 4 + 8);
	if (err == 0)
		err = buf_append_le32(b, s->version);
	if (err == 0)
		err = buf_append(b, s->uuid, SUPER_UUID_SIZE);
	if (err == 0)
		err = buf_append_le32(b, s->block_bytes);
	if (err == 0)
		err = buf_append_le32(b, s->inline_bytes);
	return err ? err : buf_append_le64(b, (uint64_t)s->created);
}

int
super_decode(struct bytes record, struct super *out)
{
	struct wire_in in = wire_in_of(record);
	struct super s;
	struct bytes uuid;
	uint64_t created;

	if (wire_in_le32(&in, &s.version) || s.version == 0)
		return ERR_DAMAGED;
	if (s.version > SUPER_VERSION)
		return ERR_FORMAT;
	if (wire_in_bytes(&in, SUPER_UUID_SIZE, &uuid) ||
	    wire_in_le32(&in, &s.block_bytes) ||
	    wire_in_le32(&in, &s.inline_bytes) || wire_in_le64(&in, &created) ||
	    wire_in_left(&in) || !super_possible(&s))
		return ERR_DAMAGED;
	memcpy(s.uuid, uuid.data, SUPER_UUID_SIZE);
	s.created = (int64_t)created;
	*out = s;
	return 0;
}

/* --- the small ones: a version byte first -------------------------------- */

static int
super_take_version(struct wire_in *in)
{
	uint8_t version;

	if (wire_in_u8(in, &version) || version == 0)
		return ERR_DAMAGED;
	return version > SUPER_RECORD_VERSION ? ERR_FORMAT : 0;
}

static int
super_number_encode(struct buf *b, uint64_t v)
{
	int err = buf_reserve(b, 1 + 8);

	if (err == 0)
		err = buf_append_u8(b, SUPER_RECORD_VERSION);
	return err ? err : buf_append_le64(b, v);
}

static int
super_number_decode(struct bytes record, uint64_t min, uint64_t *out)
{
	struct wire_in in = wire_in_of(record);
	uint64_t v;
	int err = super_take_version(&in);

	if (err)
		return err;
	if (wire_in_le64(&in, &v) || wire_in_left(&in) || v < min)
		return ERR_DAMAGED;
	*out = v;
	return 0;
}

int
super_ino_encode(struct buf *b, uint64_t next_ino)
{
	must(next_ino > SUPER_INO_ROOT);
	return super_number_encode(b, next_ino);
}

int
super_ino_decode(struct bytes record, uint64_t *next_ino)
{
	return super_number_decode(record, SUPER_INO_ROOT + 1, next_ino);
}

int
super_prefix_encode(struct buf *b, uint64_t ino)
{
	must(ino > SUPER_INO_ROOT);
	return super_number_encode(b, ino);
}

int
super_prefix_decode(struct bytes record, uint64_t *ino)
{
	return super_number_decode(record, SUPER_INO_ROOT + 1, ino);
}

int
super_orphan_encode(struct buf *b, const struct super_orphan *o)
{
	int err = buf_reserve(b, 2 + 8 + o->entry.size);

	must(o->is_trim || o->entry.size > 0);
	if (err == 0)
		err = buf_append_u8(b, SUPER_RECORD_VERSION);
	if (err == 0)
		err = buf_append_u8(
		    b, o->is_trim ? SUPER_ORPHAN_TRIM : SUPER_ORPHAN_ENTRY);
	if (err)
		return err;
	return o->is_trim ? buf_append_le64(b, o->from_block)
			  : buf_append_bytes(b, o->entry);
}

int
super_orphan_decode(struct bytes record, struct super_orphan *out)
{
	struct wire_in in = wire_in_of(record);
	struct super_orphan o = {0};
	uint8_t kind;
	int err = super_take_version(&in);

	if (err)
		return err;
	if (wire_in_u8(&in, &kind))
		return ERR_DAMAGED;
	o.is_trim = kind == SUPER_ORPHAN_TRIM;
	if (o.is_trim) {
		if (wire_in_le64(&in, &o.from_block) || wire_in_left(&in))
			return ERR_DAMAGED;
	} else {
		o.entry = bytes_of(in.pos, wire_in_left(&in));
		if (kind != SUPER_ORPHAN_ENTRY || o.entry.size == 0)
			return ERR_DAMAGED;
	}
	*out = o;
	return 0;
}
