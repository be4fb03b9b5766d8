#include "fs/vol/prefix.h"

#include "fs/record/key.h"

static int
prefix_is_taken(struct vol *v, struct bytes prefix)
{
	struct buf key = {0};
	struct store_value value;
	int r = key_prefix(&key, prefix);

	if (r == 0)
		r = store_get(v->store, buf_bytes(&key), &value);
	if (r == 1)
		store_value_release(&value);
	buf_fini(&key);
	return r;
}

int
prefix_choose(
    struct vol *v, struct prefix_place at, uint64_t ino, struct buf *out)
{
	int r = key_natural_prefix(out, at.parent, at.name);

	if (r < 0)
		return r;
	if (out->size > KEY_PREFIX_MAX)
		r = 1;
	else
		r = prefix_is_taken(v, buf_bytes(out));
	return r == 1 ? key_fresh_prefix(out, ino) : r;
}

/* "/" and no other '/': below a fresh prefix the children's are natural. */
bool
prefix_is_fresh(struct bytes p)
{
	return p.size > 0 && p.data[0] == '/' &&
	       !memchr(p.data + 1, '/', p.size - 1);
}

bool
prefix_is_home(struct bytes p, struct prefix_place at)
{
	size_t skip = at.parent.size ? at.parent.size + 1 : 0;

	if (p.size != skip + at.name.size || !bytes_has_prefix(p, at.parent))
		return false;
	if (skip && p.data[skip - 1] != '/')
		return false;
	return bytes_eq(bytes_of(p.data + skip, p.size - skip), at.name);
}

static int
prefix_put(struct store_batch *b, const struct entry *dir)
{
	struct buf key = {0}, record = {0};
	int err = key_prefix(&key, dir->prefix);

	if (err == 0)
		err = super_prefix_encode(&record, dir->ino);
	if (err == 0)
		err = store_batch_put(b, buf_bytes(&key), buf_bytes(&record));
	buf_fini(&record);
	buf_fini(&key);
	return err;
}

static int
prefix_delete(struct store_batch *b, const struct entry *dir)
{
	struct buf key = {0};
	int err = key_prefix(&key, dir->prefix);

	if (err == 0)
		err = store_batch_delete(b, buf_bytes(&key));
	buf_fini(&key);
	return err;
}

int
prefix_move(struct store_batch *b, const struct entry *dir,
    struct prefix_place from, struct prefix_place to)
{
	bool was_home = prefix_is_home(dir->prefix, from);
	bool is_home = prefix_is_home(dir->prefix, to);

	if (prefix_is_fresh(dir->prefix) || was_home == is_home)
		return 0;
	return is_home ? prefix_delete(b, dir) : prefix_put(b, dir);
}

int
prefix_remove(
    struct store_batch *b, const struct entry *dir, struct prefix_place from)
{
	if (prefix_is_fresh(dir->prefix) || prefix_is_home(dir->prefix, from))
		return 0;
	return prefix_delete(b, dir);
}
