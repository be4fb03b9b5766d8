/* Keys of the filesystem. */
#include "engine/base/must.h"
#include "fs/record/key.h"
#include "tests/fuzz/fuzz.h"

/* Written again from its parts. */
static int
write_again(const struct key_parts *p, struct buf *b)
{
	char name[KEY_NAME_MAX + 1] = "";

	switch (p->tag) {
	case KEY_ENTRY:
		return key_entry(b, p->prefix, p->name);
	case KEY_BLOCK:
		return key_block(b, p->ino, p->block);
	case KEY_XATTR:
		return key_xattr(b, p->ino, p->name);
	case KEY_ORPHAN:
		return key_orphan(b, p->ino);
	case KEY_PREFIX:
		return key_prefix(b, p->prefix);
	case KEY_SUPER:
		if (p->name.size > KEY_NAME_MAX ||
		    memchr(p->name.data, 0, p->name.size))
			return -EINVAL;
		memcpy(name, p->name.data, p->name.size);
		return key_super(b, name);
	case KEY_INODE:
		break;
	}
	return -EINVAL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes key = bytes_of(data, size);
	struct buf b = {0};
	struct key_parts p;

	(void)key_check_name(key);
	if (key_decode(key, &p) == 0 && write_again(&p, &b) == 0)
		must(bytes_eq(buf_bytes(&b), key));
	buf_fini(&b);
	return 0;
}
