#include "fs/record/key.h"

#include <inttypes.h>

#include "engine/base/wire.h"

#define KEY_INO_SIZE (1 + 8)

/* Clears b and begins a key of size bytes with its tag. */
static int
key_begin(struct buf *b, enum key_tag tag, size_t size)
{
	int err;

	buf_clear(b);
	err = buf_reserve(b, size);
	return err ? err : buf_append_u8(b, (uint8_t)tag);
}

static int
key_tag_ino(struct buf *b, enum key_tag tag, uint64_t ino, size_t more)
{
	int err = key_begin(b, tag, KEY_INO_SIZE + more);

	return err ? err : buf_append_be64(b, ino);
}

static int
key_tag_bytes(struct buf *b, enum key_tag tag, struct bytes s)
{
	int err = key_begin(b, tag, 1 + s.size);

	return err ? err : buf_append_bytes(b, s);
}

/* E, prefix, then what separates it from names: NUL, or for the end of the
 * range the byte after NUL. */
static int
key_entry_edge(struct buf *b, struct bytes prefix, uint8_t edge, size_t more)
{
	int err = key_begin(b, KEY_ENTRY, 2 + prefix.size + more);

	if (err == 0)
		err = buf_append_bytes(b, prefix);
	return err ? err : buf_append_u8(b, edge);
}

int
key_entry(struct buf *b, struct bytes prefix, struct bytes name)
{
	int err = key_entry_edge(b, prefix, 0, name.size);

	return err ? err : buf_append_bytes(b, name);
}

int
key_block(struct buf *b, uint64_t ino, uint64_t block)
{
	int err = key_tag_ino(b, KEY_BLOCK, ino, 8);

	return err ? err : buf_append_be64(b, block);
}

int
key_xattr(struct buf *b, uint64_t ino, struct bytes name)
{
	int err = key_tag_ino(b, KEY_XATTR, ino, name.size);

	return err ? err : buf_append_bytes(b, name);
}

int
key_orphan(struct buf *b, uint64_t ino)
{
	return key_tag_ino(b, KEY_ORPHAN, ino, 0);
}

int
key_prefix(struct buf *b, struct bytes prefix)
{
	return key_tag_bytes(b, KEY_PREFIX, prefix);
}

int
key_super(struct buf *b, const char *name)
{
	return key_tag_bytes(b, KEY_SUPER, bytes_str(name));
}

int
key_entry_range(struct buf *lower, struct buf *upper, struct bytes prefix)
{
	int err = key_entry_edge(lower, prefix, 0, 0);

	return err ? err : key_entry_edge(upper, prefix, 1, 0);
}

/* Where the keys of this tag and ino end. */
static int
key_ino_end(struct buf *b, enum key_tag tag, uint64_t ino)
{
	if (ino == UINT64_MAX)
		return key_begin(b, (enum key_tag)(tag + 1), 1);
	return key_tag_ino(b, tag, ino + 1, 0);
}

int
key_block_range(
    struct buf *lower, struct buf *upper, uint64_t ino, uint64_t from)
{
	int err = key_block(lower, ino, from);

	return err ? err : key_ino_end(upper, KEY_BLOCK, ino);
}

int
key_xattr_range(struct buf *lower, struct buf *upper, uint64_t ino)
{
	int err = key_tag_ino(lower, KEY_XATTR, ino, 0);

	return err ? err : key_ino_end(upper, KEY_XATTR, ino);
}

int
key_natural_prefix(struct buf *b, struct bytes parent, struct bytes name)
{
	int err;

	buf_clear(b);
	err = buf_reserve(b, parent.size + 1 + name.size);
	if (err == 0)
		err = buf_append_bytes(b, parent);
	if (err == 0 && parent.size > 0)
		err = buf_append_u8(b, '/');
	return err ? err : buf_append_bytes(b, name);
}

int
key_fresh_prefix(struct buf *b, uint64_t ino)
{
	buf_clear(b);
	return buf_printf(b, "/%" PRIx64, ino);
}

static bool
key_has(struct bytes s, uint8_t byte)
{
	return s.size > 0 && memchr(s.data, byte, s.size);
}

int
key_check_name(struct bytes name)
{
	if (name.size == 0 || key_has(name, 0) || key_has(name, '/'))
		return -EINVAL;
	if (name.data[0] == '.' &&
	    (name.size == 1 || (name.size == 2 && name.data[1] == '.')))
		return -EINVAL;
	return name.size > KEY_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Names with a slash between them; a fresh prefix begins with a slash. */
static int
key_check_prefix(struct bytes prefix)
{
	uint8_t before = 0;

	if (prefix.size > KEY_PREFIX_MAX)
		return ERR_DAMAGED;
	for (size_t i = 0; i < prefix.size; i++) {
		uint8_t c = prefix.data[i];

		if (c == 0 || (c == '/' && before == '/'))
			return ERR_DAMAGED;
		before = c;
	}
	return before == '/' ? ERR_DAMAGED : 0;
}

static int
key_decode_entry(struct bytes rest, struct key_parts *out)
{
	const uint8_t *nul = rest.size ? memchr(rest.data, 0, rest.size) : NULL;
	size_t n;

	if (!nul)
		return ERR_DAMAGED;
	n = (size_t)(nul - rest.data);
	out->prefix = bytes_of(rest.data, n);
	out->name = bytes_of(nul + 1, rest.size - n - 1);
	/* The root stands in no directory: only its name may be empty. */
	if (out->name.size == 0)
		return n == 0 ? 0 : ERR_DAMAGED;
	if (key_check_name(out->name))
		return ERR_DAMAGED;
	return key_check_prefix(out->prefix);
}

static int
key_decode_ino(struct bytes rest, struct key_parts *out)
{
	struct wire_in in = wire_in_of(rest);

	if (wire_in_be64(&in, &out->ino))
		return ERR_DAMAGED;
	if (out->tag == KEY_BLOCK && wire_in_be64(&in, &out->block))
		return ERR_DAMAGED;
	if (out->tag == KEY_XATTR) {
		out->name = bytes_of(in.pos, wire_in_left(&in));
		return out->name.size == 0 || out->name.size > KEY_NAME_MAX ||
			       key_has(out->name, 0)
			   ? ERR_DAMAGED
			   : 0;
	}
	return wire_in_left(&in) ? ERR_DAMAGED : 0;
}

static int
key_decode_rest(struct bytes rest, struct key_parts *out)
{
	switch (out->tag) {
	case KEY_ENTRY:
		return key_decode_entry(rest, out);
	case KEY_BLOCK:
	case KEY_XATTR:
	case KEY_INODE:
	case KEY_ORPHAN:
		return key_decode_ino(rest, out);
	case KEY_PREFIX:
		out->prefix = rest;
		return rest.size ? key_check_prefix(rest) : ERR_DAMAGED;
	case KEY_SUPER:
		out->name = rest;
		return rest.size ? 0 : ERR_DAMAGED;
	}
	return ERR_DAMAGED;
}

int
key_decode(struct bytes key, struct key_parts *out)
{
	struct key_parts parts = {0};
	int err;

	if (key.size == 0)
		return ERR_DAMAGED;
	parts.tag = (enum key_tag)key.data[0];
	err = key_decode_rest(bytes_of(key.data + 1, key.size - 1), &parts);
	if (err == 0)
		*out = parts;
	return err;
}
