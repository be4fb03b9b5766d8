/* Records of the filesystem: a byte says of which kind. */
#include "engine/base/must.h"
#include "fs/record/entry.h"
#include "fs/record/super.h"
#include "tests/fuzz/fuzz.h"

static void
walk_xattrs(struct bytes list)
{
	struct entry_xattr x;
	struct bytes value;
	struct buf out = {0};
	size_t pos = 0;
	int rc;

	while ((rc = entry_xattr_next(list, &pos, &x)) > 0) {
		must(pos <= list.size);
		must(entry_xattr_find(list, x.name, &value) == 1);
	}
	/* A record that was taken apart has a list that is in order. */
	must(rc == 0);
	must(entry_xattr_set(&out, list, bytes_str("user.x"), &list) == 0);
	must(entry_xattr_find(buf_bytes(&out), bytes_str("user.x"), &value) ==
	     1);
	must(bytes_eq(value, list));
	buf_fini(&out);
}

static void
try_entry(struct bytes record)
{
	struct buf b = {0}, again = {0};
	struct entry e, f;

	if (entry_decode(record, &e) != 0)
		return;
	must(entry_encode(&b, &e) == 0);
	must(entry_decode(buf_bytes(&b), &f) == 0);
	must(entry_encode(&again, &f) == 0);
	must(bytes_eq(buf_bytes(&b), buf_bytes(&again)));
	walk_xattrs(e.xattrs);
	buf_fini(&b);
	buf_fini(&again);
}

static void
try_super(struct bytes record)
{
	struct super s;
	struct buf b = {0};

	if (super_decode(record, &s) != 0)
		return;
	must(super_encode(&b, &s) == 0);
	must(bytes_eq(buf_bytes(&b), record));
	buf_fini(&b);
}

static void
try_orphan(struct bytes record)
{
	struct super_orphan o;
	struct buf b = {0};

	if (super_orphan_decode(record, &o) != 0)
		return;
	must(super_orphan_encode(&b, &o) == 0);
	must(bytes_eq(buf_bytes(&b), record));
	if (!o.is_trim)
		try_entry(o.entry);
	buf_fini(&b);
}

static void
try_numbers(struct bytes record)
{
	struct buf b = {0};
	uint64_t ino;

	if (super_ino_decode(record, &ino) == 0) {
		must(super_ino_encode(&b, ino) == 0);
		must(bytes_eq(buf_bytes(&b), record));
	}
	buf_clear(&b);
	if (super_prefix_decode(record, &ino) == 0) {
		must(super_prefix_encode(&b, ino) == 0);
		must(bytes_eq(buf_bytes(&b), record));
	}
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct bytes record) = {
	    try_entry, try_super, try_orphan, try_numbers};

	if (size > 0)
		kinds[data[0] % 4](bytes_of(data + 1, size - 1));
	return 0;
}
