#include "fs/vol/data.h"

#include "engine/base/must.h"
#include "fs/record/key.h"
#include "fs/vol/control.h"

int
data_check(const struct entry *e)
{
	if (e->type == ENTRY_FILE)
		return 0;
	return e->type == ENTRY_DIR ? -EISDIR : -EINVAL;
}

int
data_set_content(struct buf *content, struct bytes old, size_t size)
{
	size_t kept = old.size < size ? old.size : size;
	int err;

	buf_clear(content);
	err = buf_reserve(content, size);
	if (err || size == 0)
		return err;
	if (kept)
		memcpy(content->data, old.data, kept);
	memset(content->data + kept, 0, size - kept);
	content->size = size;
	return 0;
}

/* --- blocks --------------------------------------------------------------- */

struct data_key {
	uint8_t room[KEY_BLOCK_SIZE];
};

/* In the caller's memory: a request for many blocks allocates nothing. */
static struct bytes
data_key(struct data_key *k, uint64_t ino, uint64_t block)
{
	struct buf b = {k->room, 0, sizeof(k->room)};

	must(key_block(&b, ino, block) == 0 && b.data == k->room);
	return buf_bytes(&b);
}

int
data_block_load(struct vol *v, const struct entry *e, uint64_t block,
    struct store_value *value)
{
	uint64_t block_bytes = v->super.block_bytes, room;
	struct data_key k;
	struct bytes key = data_key(&k, e->ino, block);
	int r;

	*value = (struct store_value){0};
	if (block > e->size / block_bytes)
		return 0;
	room = e->size - block * block_bytes;
	if (room > block_bytes)
		room = block_bytes;
	r = room ? store_get(v->store, key, value) : 0;
	if (r == 1 && value->bytes.size > room) {
		store_value_release(value);
		return state_damaged(
		    v, key, "the block reaches beyond its file");
	}
	return r;
}

int
data_block_room(struct store_batch *b, uint64_t ino, uint64_t block,
    size_t size, uint8_t **room)
{
	struct data_key k;

	return store_batch_put_room(b, data_key(&k, ino, block), size, room);
}

int
data_block_put(
    struct store_batch *b, uint64_t ino, uint64_t block, struct bytes content)
{
	struct data_key k;

	return store_batch_put(b, data_key(&k, ino, block), content);
}

/* --- reading -------------------------------------------------------------- */

/* What from (which may be shorter) holds at offset, zeros behind it. */
static void
data_copy(uint8_t *to, size_t size, struct bytes from, size_t offset)
{
	size_t n = offset < from.size ? from.size - offset : 0;

	if (n > size)
		n = size;
	if (n)
		memcpy(to, from.data + offset, n);
	memset(to + n, 0, size - n);
}

static int
data_read_blocks(struct vol *v, const struct entry *e, uint64_t offset,
    uint8_t *to, size_t size)
{
	size_t block_bytes = v->super.block_bytes;

	while (size > 0) {
		size_t begin = (size_t)(offset % block_bytes);
		size_t n =
		    block_bytes - begin < size ? block_bytes - begin : size;
		struct store_value value;
		int r = data_block_load(v, e, offset / block_bytes, &value);

		if (r < 0)
			return r;
		data_copy(to, n, value.bytes, begin);
		store_value_release(&value);
		to += n;
		offset += n;
		size -= n;
	}
	return 0;
}

static int
data_read(struct vol *v, const struct entry *e, uint64_t offset, void *data,
    size_t *size)
{
	uint64_t left = offset < e->size ? e->size - offset : 0;
	int err = 0;

	if (*size > left)
		*size = (size_t)left;
	if (*size == 0)
		return 0;
	if (e->is_inline)
		memcpy(data, e->content.data + offset, *size);
	else
		err = data_read_blocks(v, e, offset, data, *size);
	return err;
}

int
vol_read(struct vol *v, uint64_t ino, uint64_t offset, void *data, size_t size,
    size_t *got)
{
	struct store_value value = {0};
	struct entry e;
	struct node *n;
	int err;

	if (control_is(ino))
		return control_read(v, ino, offset, data, size, got);
	err = node_get(v, ino, &n);
	if (err)
		return err;
	node_lock(v, n);
	err = data_check(&n->attr);
	if (err == 0)
		err = node_load(v, n, &value, &e);
	if (err == 0)
		err = data_read(v, &e, offset, data, &size);
	if (err == 0)
		*got = size;
	store_value_release(&value);
	node_unlock(v, n);
	node_put(v, n);
	return err;
}
