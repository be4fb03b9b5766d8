#include "engine/db/edit.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/edit_file.h"
#include "engine/db/file_name.h"

/* Written to disk: numbers never change their meaning. */
#define EDIT_TAGS(X)      \
	X(LOG_NUMBER, 1)  \
	X(NEXT_NUMBER, 2) \
	X(LAST_SEQ, 3)    \
	X(ADD, 4)         \
	X(REMOVE, 5)      \
	X(ADD_MORE, 6)    \
	X(SNAPSHOT, 7)    \
	X(SNAPSHOT_DROP, 8)

/* Version 1 knew the numbers up to here. */
#define EDIT_TAG_MAX_1 EDIT_TAG_REMOVE

enum edit_tag {
#define EDIT_TAG_ENUM(name, number) EDIT_TAG_##name = (number),
	EDIT_TAGS(EDIT_TAG_ENUM)
#undef EDIT_TAG_ENUM
};

void
edit_fini(struct edit *e)
{
	for (size_t i = 0; i < e->add_count; i++)
		version_file_unref(e->adds[i].file);
	free(e->adds);
	free(e->removes);
	named_fini(&e->drops);
	named_fini(&e->snapshots);
	*e = (struct edit){0};
}

/*
 * Room for one more of `size` bytes in an array that is grown at powers of two:
 * its capacity follows from count.  NULL: no memory.
 */
static void *
grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

int
edit_add_file(struct edit *e, unsigned level, struct version_file *file)
{
	struct edit_add *adds = grow(e->adds, e->add_count, sizeof(*adds));

	must(level < LSM_LEVELS);
	if (!adds)
		return -ENOMEM;
	e->adds = adds;
	version_file_ref(file);
	e->adds[e->add_count++] = (struct edit_add){level, file};
	return 0;
}

int
edit_remove_file(struct edit *e, unsigned level, uint64_t number)
{
	struct edit_remove *removes =
	    grow(e->removes, e->remove_count, sizeof(*removes));

	must(level < LSM_LEVELS);
	if (!removes)
		return -ENOMEM;
	e->removes = removes;
	e->removes[e->remove_count++] = (struct edit_remove){level, number};
	return 0;
}

/* --- encoding ---------------------------------------------------------- */

static int
encode_number(struct buf *out, enum edit_tag tag, uint64_t v)
{
	int err;

	if (v == 0)
		return 0;
	err = buf_append_varint(out, tag);
	return err ? err : buf_append_varint(out, v);
}

static int
encode_add(struct buf *out, const struct edit_add *a)
{
	bool more = edit_file_has_more(a->file);
	int err =
	    buf_append_varint(out, more ? EDIT_TAG_ADD_MORE : EDIT_TAG_ADD);

	if (!err)
		err = buf_append_varint(out, a->level);
	return err ? err : edit_file_encode(out, a->file);
}

static int
encode_remove(struct buf *out, const struct edit_remove *r)
{
	int err = buf_append_varint(out, EDIT_TAG_REMOVE);

	if (!err)
		err = buf_append_varint(out, r->level);
	return err ? err : buf_append_varint(out, r->number);
}

static int
encode_snapshot(struct buf *out, const struct named *n)
{
	int err = buf_append_varint(out, EDIT_TAG_SNAPSHOT);

	if (!err)
		err = buf_append_sized(out, bytes_str(n->name));
	if (!err)
		err = buf_append_varint(out, n->seq);
	return err ? err : buf_append_varint(out, n->created_ms);
}

static int
encode_drop(struct buf *out, const struct named *n)
{
	int err = buf_append_varint(out, EDIT_TAG_SNAPSHOT_DROP);

	return err ? err : buf_append_sized(out, bytes_str(n->name));
}

static int
encode_named(struct buf *out, const struct named_set *s,
    int (*encode)(struct buf *out, const struct named *n))
{
	const struct named *n;
	int err = 0;

	for (n = named_first(s); n && !err; n = named_next(n))
		err = encode(out, n);
	return err;
}

int
edit_encode(const struct edit *e, struct buf *out)
{
	int err = buf_append_u8(out, EDIT_VERSION);

	if (!err)
		err = encode_number(out, EDIT_TAG_LOG_NUMBER, e->log_number);
	if (!err)
		err = encode_number(out, EDIT_TAG_NEXT_NUMBER, e->next_number);
	if (!err)
		err = encode_number(out, EDIT_TAG_LAST_SEQ, e->last_seq);
	for (size_t i = 0; !err && i < e->remove_count; i++)
		err = encode_remove(out, &e->removes[i]);
	for (size_t i = 0; !err && i < e->add_count; i++)
		err = encode_add(out, &e->adds[i]);
	if (!err)
		err = encode_named(out, &e->drops, encode_drop);
	if (!err)
		err = encode_named(out, &e->snapshots, encode_snapshot);
	return err;
}

/* --- decoding ---------------------------------------------------------- */

/* From 1 to max, and not yet there. */
static int
decode_number(struct wire_in *in, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int err = wire_in_varint(in, &v);

	if (err)
		return err;
	if (v == 0 || v > max || *out != 0)
		return ERR_DAMAGED;
	*out = v;
	return 0;
}

static int
decode_level(struct wire_in *in, unsigned *out)
{
	uint64_t v;
	int err = wire_in_varint(in, &v);

	if (err)
		return err;
	if (v >= LSM_LEVELS)
		return ERR_DAMAGED;
	*out = (unsigned)v;
	return 0;
}

static int
decode_add(struct wire_in *in, bool more, struct edit *e)
{
	struct version_file *file = NULL;
	unsigned level;
	int err = decode_level(in, &level);

	if (!err)
		err = edit_file_decode(in, more, &file);
	if (!err)
		err = edit_add_file(e, level, file);
	if (file)
		version_file_unref(file);
	return err;
}

static int
decode_remove(struct wire_in *in, struct edit *e)
{
	uint64_t number = 0;
	unsigned level;
	int err = decode_level(in, &level);

	if (!err)
		err = decode_number(in, FILE_NAME_NUMBER_MAX, &number);
	return err ? err : edit_remove_file(e, level, number);
}

static int
decode_name(struct wire_in *in, char name[NAMED_MAX + 1])
{
	struct bytes b;
	int err = wire_in_sized(in, &b);

	if (err)
		return err;
	if (b.size == 0 || b.size > NAMED_MAX || memchr(b.data, 0, b.size))
		return ERR_DAMAGED;
	memcpy(name, b.data, b.size);
	name[b.size] = '\0';
	return 0;
}

static int
decode_named(struct named_set *s, const char *name, uint64_t seq, uint64_t ms)
{
	int err = named_add(s, name, seq, ms);

	return err == -EEXIST ? ERR_DAMAGED : err;
}

static int
decode_snapshot(struct wire_in *in, struct edit *e)
{
	char name[NAMED_MAX + 1];
	uint64_t seq = 0, created_ms = 0;
	int err = decode_name(in, name);

	if (!err)
		err = wire_in_varint(in, &seq);
	if (!err)
		err = wire_in_varint(in, &created_ms);
	if (!err && seq > IKEY_SEQ_MAX)
		err = ERR_DAMAGED;
	return err ? err : decode_named(&e->snapshots, name, seq, created_ms);
}

static int
decode_drop(struct wire_in *in, struct edit *e)
{
	char name[NAMED_MAX + 1];
	int err = decode_name(in, name);

	return err ? err : decode_named(&e->drops, name, 0, 0);
}

static int
decode_field(struct wire_in *in, uint8_t version, struct edit *e)
{
	uint64_t tag;
	int err = wire_in_varint(in, &tag);

	if (err)
		return err;
	/* Nobody wrote more than this in version 1. */
	if (tag == 0 || (version == 1 && tag > EDIT_TAG_MAX_1))
		return ERR_DAMAGED;
	switch (tag) {
	case EDIT_TAG_LOG_NUMBER:
		return decode_number(in, FILE_NAME_NUMBER_MAX, &e->log_number);
	case EDIT_TAG_NEXT_NUMBER:
		return decode_number(in, FILE_NAME_NUMBER_MAX, &e->next_number);
	case EDIT_TAG_LAST_SEQ:
		return decode_number(in, IKEY_SEQ_MAX, &e->last_seq);
	case EDIT_TAG_ADD:
		return decode_add(in, false, e);
	case EDIT_TAG_REMOVE:
		return decode_remove(in, e);
	case EDIT_TAG_ADD_MORE:
		return decode_add(in, true, e);
	case EDIT_TAG_SNAPSHOT:
		return decode_snapshot(in, e);
	case EDIT_TAG_SNAPSHOT_DROP:
		return decode_drop(in, e);
	}
	/* What may be skipped nobody can know. */
	return ERR_FORMAT;
}

int
edit_decode(struct bytes payload, struct edit *out)
{
	struct wire_in in = wire_in_of(payload);
	struct edit e = {0};
	uint8_t version;
	int err = wire_in_u8(&in, &version);

	if (!err && (version == 0 || version > EDIT_VERSION))
		err = ERR_FORMAT;
	while (!err && wire_in_left(&in) > 0)
		err = decode_field(&in, version, &e);
	if (err)
		edit_fini(&e);
	else
		*out = e;
	return err;
}

/* --- merging ----------------------------------------------------------- */

static int
take_out(struct edit *e, const struct edit_remove *r)
{
	for (size_t i = e->add_count; i-- > 0;) {
		struct edit_add *a = &e->adds[i];

		if (a->level != r->level || a->file->number != r->number)
			continue;
		version_file_unref(a->file);
		*a = e->adds[--e->add_count];
		return 0;
	}
	return ERR_DAMAGED;
}

static int
merge_snapshots(struct edit *e, const struct edit *next)
{
	const struct named *n;
	int err = 0;

	for (n = named_first(&next->drops); n && !err; n = named_next(n))
		err = named_remove(&e->snapshots, n->name);
	if (!err)
		err = named_add_all(&e->snapshots, &next->snapshots);
	return err == -ENOENT || err == -EEXIST ? ERR_DAMAGED : err;
}

int
edit_merge(struct edit *e, const struct edit *next)
{
	int err = merge_snapshots(e, next);

	must(e->remove_count == 0 && e->drops.count == 0);
	for (size_t i = 0; !err && i < next->remove_count; i++)
		err = take_out(e, &next->removes[i]);
	for (size_t i = 0; !err && i < next->add_count; i++)
		err = edit_add_file(e, next->adds[i].level, next->adds[i].file);
	if (err)
		return err;
	if (next->log_number)
		e->log_number = next->log_number;
	if (next->next_number)
		e->next_number = next->next_number;
	if (next->last_seq)
		e->last_seq = next->last_seq;
	return 0;
}
