#include "fs/cli/record_text.h"

#include <inttypes.h>

#include "fs/cli/text.h"
#include "fs/record/entry.h"
#include "fs/record/key.h"
#include "fs/record/super.h"
#include "fs/vol/vol_time.h"

/* Longer contents are cut. */
#define CONTENT_MAX 80

static void
put_field(FILE *out, const char *name, struct bytes s)
{
	fprintf(out, "\t%s ", name);
	text_put_escaped(out, s);
}

static void
put_number(FILE *out, const char *name, uint64_t n)
{
	fprintf(out, "\t%s %" PRIu64, name, n);
}

static void
put_content(FILE *out, const char *name, struct bytes s)
{
	bool cut = s.size > CONTENT_MAX;

	put_field(out, name, cut ? bytes_of(s.data, CONTENT_MAX) : s);
	if (cut)
		fputs("...", out);
}

static void
put_time(FILE *out, const char *name, int64_t ns)
{
	struct timespec t = vol_time_spec(ns);

	fprintf(out, "\t%s %jd.%09ld", name, (intmax_t)t.tv_sec, t.tv_nsec);
}

/* --- entries -------------------------------------------------------------- */

static const char *
type_name(enum entry_type type)
{
	switch (type) {
	case ENTRY_FILE:
		return "file";
	case ENTRY_DIR:
		return "directory";
	case ENTRY_SYMLINK:
		return "symlink";
	case ENTRY_FIFO:
		return "fifo";
	case ENTRY_SOCKET:
		return "socket";
	case ENTRY_CHAR:
		return "char";
	case ENTRY_BLOCK:
		return "block";
	case ENTRY_LINK:
		return "link";
	}
	return "unknown";
}

static void
put_xattrs(FILE *out, const struct entry *e)
{
	struct entry_xattr x;
	size_t pos = 0;

	while (entry_xattr_next(e->xattrs, &pos, &x) == 1) {
		put_field(out, "xattr", x.name);
		put_content(out, "value", x.value);
	}
	if (e->has_big_xattrs)
		fputs("\tbig xattrs", out);
}

static void
put_entry(FILE *out, struct bytes record)
{
	struct entry e;
	int err = entry_decode(record, &e);

	if (err) {
		put_field(out, "damaged", bytes_str(err_text(err)));
		put_content(out, "record", record);
		return;
	}
	fprintf(out, "\ttype %s\tperm %04o", type_name(e.type), e.perm);
	put_number(out, "uid", e.uid);
	put_number(out, "gid", e.gid);
	put_number(out, "ino", e.ino);
	put_number(out, "nlink", e.nlink);
	put_time(out, "atime", e.atime);
	put_time(out, "mtime", e.mtime);
	put_time(out, "ctime", e.ctime);
	put_time(out, "btime", e.btime);
	if (e.type == ENTRY_CHAR || e.type == ENTRY_BLOCK)
		put_number(out, "rdev", e.rdev);
	if (e.type == ENTRY_DIR)
		put_field(out, "own prefix", e.prefix);
	else
		put_number(out, "size", e.size);
	if (e.is_inline || e.type == ENTRY_SYMLINK)
		put_content(out, "content", e.content);
	put_xattrs(out, &e);
}

/* --- the others ----------------------------------------------------------- */

static void
put_orphan(FILE *out, struct bytes record)
{
	struct super_orphan o;
	int err = super_orphan_decode(record, &o);

	if (err)
		put_field(out, "damaged", bytes_str(err_text(err)));
	else if (o.is_trim)
		put_number(out, "blocks from", o.from_block);
	else
		put_entry(out, o.entry);
}

static void
put_prefix(FILE *out, struct bytes record)
{
	uint64_t ino;
	int err = super_prefix_decode(record, &ino);

	if (err)
		put_field(out, "damaged", bytes_str(err_text(err)));
	else
		put_number(out, "ino", ino);
}

static void
put_superblock(FILE *out, struct bytes record)
{
	struct super s;
	int err = super_decode(record, &s);

	if (err) {
		put_field(out, "damaged", bytes_str(err_text(err)));
		return;
	}
	put_number(out, "version", s.version);
	fputs("\tuuid ", out);
	for (size_t i = 0; i < SUPER_UUID_SIZE; i++)
		fprintf(out, "%02x", s.uuid[i]);
	put_number(out, "block bytes", s.block_bytes);
	put_number(out, "inline bytes", s.inline_bytes);
	put_time(out, "created", s.created);
}

static void
put_super(FILE *out, struct bytes name, struct bytes record)
{
	uint64_t next;

	put_field(out, "name", name);
	if (bytes_eq(name, bytes_str("super")))
		put_superblock(out, record);
	else if (bytes_eq(name, bytes_str("ino")) &&
		 super_ino_decode(record, &next) == 0)
		put_number(out, "next ino", next);
	else
		put_content(out, "record", record);
}

static void
put_ino_record(FILE *out, const struct key_parts *p, struct bytes value)
{
	static const struct {
		enum key_tag tag;
		const char *kind;
	} kinds[] = {
	    {KEY_BLOCK, "block"},
	    {KEY_XATTR, "xattr"},
	    {KEY_INODE, "inode"},
	    {KEY_ORPHAN, "orphan"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].tag == p->tag)
			fputs(kinds[i].kind, out);
	put_number(out, "ino", p->ino);
	if (p->tag == KEY_BLOCK)
		put_number(out, "block", p->block);
	if (p->tag == KEY_XATTR)
		put_field(out, "name", p->name);
	if (p->tag == KEY_ORPHAN) {
		put_orphan(out, value);
		return;
	}
	put_number(out, "bytes", value.size);
	put_content(out, "content", value);
}

void
record_text_put(FILE *out, struct bytes key, struct bytes value)
{
	struct key_parts p;

	if (key_decode(key, &p) != 0) {
		fputs("unknown", out);
		put_field(out, "key", key);
		put_content(out, "record", value);
	} else if (p.tag == KEY_ENTRY) {
		fputs("entry", out);
		put_field(out, "prefix", p.prefix);
		put_field(out, "name", p.name);
		put_entry(out, value);
	} else if (p.tag == KEY_PREFIX) {
		fputs("prefix", out);
		put_field(out, "prefix", p.prefix);
		put_prefix(out, value);
	} else if (p.tag == KEY_SUPER) {
		fputs("super", out);
		put_super(out, p.name, value);
	} else {
		put_ino_record(out, &p, value);
	}
	putc('\n', out);
}
