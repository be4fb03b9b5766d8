#include "fs/record/entry.h"

#include <sys/stat.h>

#include "engine/base/must.h"
#include "engine/base/wire.h"
#include "fs/record/key.h"

#define ENTRY_NAME_MAX 255 /* of an xattr */

enum entry_flags {
	ENTRY_FLAG_INLINE = 1,     /* FILE: the content follows, not a size */
	ENTRY_FLAG_BIG_XATTRS = 2, /* some xattrs stand under X */
	ENTRY_FLAG_XATTRS = 4,     /* an xattr list follows */
};
#define ENTRY_FLAGS_KNOWN \
	(ENTRY_FLAG_INLINE | ENTRY_FLAG_BIG_XATTRS | ENTRY_FLAG_XATTRS)

/* Version, type, flags, btime, and nine varints of at most ten bytes: perm,
 * uid, gid, ino, nlink, three times, and rdev or size. */
#define ENTRY_HEAD_MAX (3 + 8 + 9 * WIRE_VARINT_MAX)

static const struct {
	enum entry_type type;
	mode_t mode;
} entry_modes[] = {
    {ENTRY_FILE, S_IFREG},
    {ENTRY_DIR, S_IFDIR},
    {ENTRY_SYMLINK, S_IFLNK},
    {ENTRY_FIFO, S_IFIFO},
    {ENTRY_SOCKET, S_IFSOCK},
    {ENTRY_CHAR, S_IFCHR},
    {ENTRY_BLOCK, S_IFBLK},
};

mode_t
entry_type_mode(enum entry_type type)
{
	for (size_t i = 0; i < sizeof(entry_modes) / sizeof(*entry_modes); i++)
		if (entry_modes[i].type == type)
			return entry_modes[i].mode;
	return 0;
}

enum entry_type
entry_type_of_mode(mode_t mode)
{
	for (size_t i = 0; i < sizeof(entry_modes) / sizeof(*entry_modes); i++)
		if (entry_modes[i].mode == (mode & S_IFMT))
			return entry_modes[i].type;
	return 0;
}

/* --- times: the difference to btime, small numbers of either sign small -- */

static uint64_t
entry_time_fold(int64_t time, int64_t btime)
{
	uint64_t d = (uint64_t)time - (uint64_t)btime;

	return d << 1 ^ (d >> 63 ? UINT64_MAX : 0);
}

static int64_t
entry_time_unfold(uint64_t folded, int64_t btime)
{
	uint64_t d = folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0);

	return (int64_t)((uint64_t)btime + d);
}

/* --- encode ------------------------------------------------------------- */

static bool
entry_is_device(enum entry_type type)
{
	return type == ENTRY_CHAR || type == ENTRY_BLOCK;
}

/* The one sized field that a type has, or NULL. */
static const struct bytes *
entry_body(const struct entry *e)
{
	if (e->type == ENTRY_DIR)
		return &e->prefix;
	if (e->type == ENTRY_SYMLINK || (e->type == ENTRY_FILE && e->is_inline))
		return &e->content;
	return NULL;
}

static uint8_t
entry_flags_of(const struct entry *e)
{
	return (uint8_t)((e->is_inline ? ENTRY_FLAG_INLINE : 0) |
			 (e->has_big_xattrs ? ENTRY_FLAG_BIG_XATTRS : 0) |
			 (e->xattrs.size ? ENTRY_FLAG_XATTRS : 0));
}

static uint8_t *
entry_put_head(uint8_t *p, const struct entry *e)
{
	*p++ = ENTRY_VERSION;
	*p++ = (uint8_t)e->type;
	*p++ = entry_flags_of(e);
	p += wire_put_varint(p, e->perm);
	p += wire_put_varint(p, e->uid);
	p += wire_put_varint(p, e->gid);
	p += wire_put_varint(p, e->ino);
	p += wire_put_varint(p, e->nlink);
	wire_put_le64(p, (uint64_t)e->btime);
	p += 8;
	p += wire_put_varint(p, entry_time_fold(e->atime, e->btime));
	p += wire_put_varint(p, entry_time_fold(e->mtime, e->btime));
	p += wire_put_varint(p, entry_time_fold(e->ctime, e->btime));
	if (entry_is_device(e->type))
		p += wire_put_varint(p, e->rdev);
	if (e->type == ENTRY_FILE && !e->is_inline)
		p += wire_put_varint(p, e->size);
	return p;
}

static uint8_t *
entry_put_sized(uint8_t *p, struct bytes s)
{
	p += wire_put_varint(p, s.size);
	if (s.size)
		memcpy(p, s.data, s.size);
	return p + s.size;
}

int
entry_encode(struct buf *b, const struct entry *e)
{
	const struct bytes *body = entry_body(e);
	size_t room = ENTRY_HEAD_MAX + e->xattrs.size + WIRE_VARINT_MAX;
	uint8_t *p;
	int err;

	must(entry_type_mode(e->type) != 0 && e->perm <= 07777 && e->ino != 0);
	must(!e->is_inline || e->type == ENTRY_FILE);
	must(body != &e->content || e->content.size == e->size);
	if (body)
		room += body->size + WIRE_VARINT_MAX;
	err = buf_reserve(b, room);
	if (err)
		return err;
	p = entry_put_head(b->data + b->size, e);
	if (body)
		p = entry_put_sized(p, *body);
	if (e->xattrs.size)
		p = entry_put_sized(p, e->xattrs);
	b->size = (size_t)(p - b->data);
	return 0;
}

/* --- decode ------------------------------------------------------------- */

static int
entry_take_max(struct wire_in *in, uint64_t max, uint64_t *v)
{
	return wire_in_varint(in, v) || *v > max ? ERR_DAMAGED : 0;
}

static int
entry_take_u32(struct wire_in *in, uint32_t *out)
{
	uint64_t v;

	if (entry_take_max(in, UINT32_MAX, &v))
		return ERR_DAMAGED;
	*out = (uint32_t)v;
	return 0;
}

/* Version, type, flags; tells whether an xattr list will follow. */
static int
entry_take_kind(struct wire_in *in, struct entry *e, bool *has_xattrs)
{
	uint8_t version, type, flags;

	if (wire_in_u8(in, &version))
		return ERR_DAMAGED;
	if (version != ENTRY_VERSION)
		return version > ENTRY_VERSION ? ERR_FORMAT : ERR_DAMAGED;
	if (wire_in_u8(in, &type) || wire_in_u8(in, &flags) ||
	    flags & ~ENTRY_FLAGS_KNOWN)
		return ERR_DAMAGED;
	e->type = (enum entry_type)type;
	if (entry_type_mode(e->type) == 0)
		return type == ENTRY_LINK ? ERR_FORMAT : ERR_DAMAGED;
	e->is_inline = flags & ENTRY_FLAG_INLINE;
	e->has_big_xattrs = flags & ENTRY_FLAG_BIG_XATTRS;
	*has_xattrs = flags & ENTRY_FLAG_XATTRS;
	return e->is_inline && type != ENTRY_FILE ? ERR_DAMAGED : 0;
}

static int
entry_take_owner(struct wire_in *in, struct entry *e)
{
	uint64_t perm;

	if (entry_take_max(in, 07777, &perm) || entry_take_u32(in, &e->uid) ||
	    entry_take_u32(in, &e->gid) || wire_in_varint(in, &e->ino) ||
	    entry_take_u32(in, &e->nlink) || e->ino == 0)
		return ERR_DAMAGED;
	e->perm = (uint16_t)perm;
	return 0;
}

static int
entry_take_times(struct wire_in *in, struct entry *e)
{
	uint64_t btime, atime, mtime, ctime;

	if (wire_in_le64(in, &btime) || wire_in_varint(in, &atime) ||
	    wire_in_varint(in, &mtime) || wire_in_varint(in, &ctime))
		return ERR_DAMAGED;
	e->btime = (int64_t)btime;
	e->atime = entry_time_unfold(atime, e->btime);
	e->mtime = entry_time_unfold(mtime, e->btime);
	e->ctime = entry_time_unfold(ctime, e->btime);
	return 0;
}

/* What only some types have. */
static int
entry_take_body(struct wire_in *in, struct entry *e)
{
	if (entry_is_device(e->type))
		return wire_in_varint(in, &e->rdev);
	if (e->type == ENTRY_DIR)
		return wire_in_sized(in, &e->prefix) ||
			       e->prefix.size > KEY_PREFIX_MAX
			   ? ERR_DAMAGED
			   : 0;
	if (e->type == ENTRY_FILE && !e->is_inline)
		return entry_take_max(in, INT64_MAX, &e->size);
	if (e->type != ENTRY_FILE && e->type != ENTRY_SYMLINK)
		return 0;
	if (wire_in_sized(in, &e->content))
		return ERR_DAMAGED;
	e->size = e->content.size;
	return e->type == ENTRY_SYMLINK && e->size == 0 ? ERR_DAMAGED : 0;
}

/* A list is as entry_xattr_set makes it: then finding in it cannot fail. */
static int
entry_check_xattrs(struct bytes list)
{
	struct entry_xattr x;
	struct bytes before = {0};
	size_t pos = 0;
	int rc;

	while ((rc = entry_xattr_next(list, &pos, &x)) == 1) {
		if (before.size && bytes_cmp(before, x.name) >= 0)
			return ERR_DAMAGED;
		before = x.name;
	}
	return rc;
}

static int
entry_take_xattrs(struct wire_in *in, struct entry *e)
{
	if (wire_in_sized(in, &e->xattrs) || e->xattrs.size == 0)
		return ERR_DAMAGED;
	return entry_check_xattrs(e->xattrs);
}

int
entry_decode(struct bytes record, struct entry *out)
{
	struct wire_in in = wire_in_of(record);
	struct entry e = {0};
	bool has_xattrs;
	int err = entry_take_kind(&in, &e, &has_xattrs);

	if (err == 0)
		err = entry_take_owner(&in, &e);
	if (err == 0)
		err = entry_take_times(&in, &e);
	if (err == 0)
		err = entry_take_body(&in, &e);
	if (err == 0 && has_xattrs)
		err = entry_take_xattrs(&in, &e);
	if (err == 0 && wire_in_left(&in))
		err = ERR_DAMAGED;
	if (err == 0)
		*out = e;
	return err;
}

/* --- xattrs: sized name, sized value, and so on -------------------------- */

int
entry_xattr_next(struct bytes list, size_t *pos, struct entry_xattr *out)
{
	struct entry_xattr x;
	struct wire_in in;

	if (*pos >= list.size)
		return 0;
	in = wire_in_of(bytes_of(list.data + *pos, list.size - *pos));
	if (wire_in_sized(&in, &x.name) || wire_in_sized(&in, &x.value))
		return ERR_DAMAGED;
	if (x.name.size == 0 || x.name.size > ENTRY_NAME_MAX ||
	    memchr(x.name.data, 0, x.name.size))
		return ERR_DAMAGED;
	*out = x;
	*pos = list.size - wire_in_left(&in);
	return 1;
}

int
entry_xattr_find(struct bytes list, struct bytes name, struct bytes *value)
{
	struct entry_xattr x;
	size_t pos = 0;

	while (entry_xattr_next(list, &pos, &x) == 1) {
		if (bytes_eq(x.name, name)) {
			*value = x.value;
			return 1;
		}
	}
	return 0;
}

static int
entry_xattr_append(struct buf *b, struct bytes name, struct bytes value)
{
	int err = buf_append_sized(b, name);

	return err ? err : buf_append_sized(b, value);
}

int
entry_xattr_set(struct buf *out, struct bytes list, struct bytes name,
    const struct bytes *value)
{
	struct entry_xattr x;
	bool todo = value != NULL;
	size_t pos = 0;
	int rc, err = 0;

	buf_clear(out);
	while (err == 0 && (rc = entry_xattr_next(list, &pos, &x)) != 0) {
		int order = rc < 0 ? 0 : bytes_cmp(x.name, name);

		if (rc < 0)
			return rc;
		if (order > 0 && todo) {
			err = entry_xattr_append(out, name, *value);
			todo = false;
		}
		if (err == 0 && order != 0)
			err = entry_xattr_append(out, x.name, x.value);
	}
	if (err == 0 && todo)
		err = entry_xattr_append(out, name, *value);
	return err;
}
