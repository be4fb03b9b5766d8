#include "fs/vol/orphan.h"

#include "fs/record/key.h"
#include "fs/vol/node_trim.h"

int
orphan_put(struct store_batch *b, const struct entry *e)
{
	struct buf key = {0}, entry = {0}, record = {0};
	struct super_orphan o = {0};
	int err = key_orphan(&key, e->ino);

	if (err == 0)
		err = entry_encode(&entry, e);
	o.entry = buf_bytes(&entry);
	if (err == 0)
		err = super_orphan_encode(&record, &o);
	if (err == 0)
		err = store_batch_put(b, buf_bytes(&key), buf_bytes(&record));
	buf_fini(&record);
	buf_fini(&entry);
	buf_fini(&key);
	return err;
}

static int
orphan_put_trim(struct store_batch *b, uint64_t ino, uint64_t from)
{
	struct buf key = {0}, record = {0};
	struct super_orphan o = {.is_trim = true, .from_block = from};
	int err = key_orphan(&key, ino);

	if (err == 0)
		err = super_orphan_encode(&record, &o);
	if (err == 0)
		err = store_batch_put(b, buf_bytes(&key), buf_bytes(&record));
	buf_fini(&record);
	buf_fini(&key);
	return err;
}

/* --- deleting a range of keys ---------------------------------------- */

/* Some keys to delete: the range, and how far it was walked. */
struct orphan_range {
	struct buf lower;
	struct buf upper;
	struct store_iter *it;
};

static int
orphan_range_open(struct vol *v, struct orphan_range *r)
{
	int err = store_iter_open_keys(
	    v->store, buf_bytes(&r->lower), buf_bytes(&r->upper), &r->it);

	return err ? err : store_iter_seek(r->it, buf_bytes(&r->lower));
}

static void
orphan_range_close(struct orphan_range *r)
{
	if (r->it)
		store_iter_close(r->it);
	buf_fini(&r->upper);
	buf_fini(&r->lower);
}

/* Adds deletions to b, as many as a batch may have.  at: 1 while the iterator
 * is at a key.  Returns 1 if there are more, 0 at the end, <0. */
static int
orphan_range_batch(struct orphan_range *r, int at, struct store_batch *b)
{
	for (int i = 0; at > 0; i++) {
		int err;

		if (i == ORPHAN_BATCH_BLOCKS)
			return 1;
		err = store_batch_delete(b, r->it->key);
		if (err)
			return err;
		at = store_iter_next(r->it);
	}
	return at;
}

int
orphan_trim(struct vol *v, struct store_batch *b, uint64_t ino, uint64_t from,
    bool *later)
{
	struct orphan_range r = {0};
	int at = key_block_range(&r.lower, &r.upper, ino, from);

	if (at == 0)
		at = orphan_range_open(v, &r);
	if (at > 0)
		at = orphan_range_batch(&r, at, b);
	orphan_range_close(&r);
	if (at < 0)
		return at;
	if (at > 0) {
		int err = orphan_put_trim(b, ino, from);

		if (err)
			return err;
	}
	*later = at > 0;
	return 0;
}

/* Writes and empties batch after batch until the end of the range, whose last
 * deletions stay in b. */
static int
orphan_range_delete(
    struct vol *v, struct orphan_range *r, struct store_batch *b)
{
	int at = orphan_range_open(v, r);

	for (;;) {
		struct vol_ctx ctx = {0};
		int err;

		at = orphan_range_batch(r, at, b);
		if (at <= 0)
			return at;
		err = state_commit(v, &ctx, b, POLICY_STORE);
		if (err)
			return err;
		store_batch_clear(b);
	}
}

static int
orphan_delete_blocks(
    struct vol *v, uint64_t ino, uint64_t from, struct store_batch *b)
{
	struct orphan_range r = {0};
	int err = key_block_range(&r.lower, &r.upper, ino, from);

	if (err == 0)
		err = orphan_range_delete(v, &r, b);
	orphan_range_close(&r);
	return err;
}

static int
orphan_delete_xattrs(struct vol *v, uint64_t ino, struct store_batch *b)
{
	struct orphan_range r = {0};
	int err = key_xattr_range(&r.lower, &r.upper, ino);

	if (err == 0)
		err = orphan_range_delete(v, &r, b);
	orphan_range_close(&r);
	return err;
}

/* The last batch: what is left in b, and the O record. */
static int
orphan_finish(struct vol *v, uint64_t ino, struct store_batch *b)
{
	struct vol_ctx ctx = {0};
	struct buf key = {0};
	int err = key_orphan(&key, ino);

	if (err == 0)
		err = store_batch_delete(b, buf_bytes(&key));
	if (err == 0)
		err = state_commit(v, &ctx, b, POLICY_STORE);
	buf_fini(&key);
	return err;
}

int
orphan_purge(struct vol *v, uint64_t ino)
{
	struct store_batch *b = state_batch_take(v);
	int err = b ? orphan_delete_blocks(v, ino, 0, b) : -ENOMEM;

	if (err == 0)
		err = orphan_delete_xattrs(v, ino, b);
	if (err == 0)
		err = orphan_finish(v, ino, b);
	state_batch_give(v, b);
	return err;
}

int
orphan_purge_trim(struct vol *v, uint64_t ino, uint64_t from, bool keep_record)
{
	struct store_batch *b = state_batch_take(v);
	struct vol_ctx ctx = {0};
	int err = b ? orphan_delete_blocks(v, ino, from, b) : -ENOMEM;

	if (err == 0)
		err = keep_record ? state_commit(v, &ctx, b, POLICY_STORE)
				  : orphan_finish(v, ino, b);
	state_batch_give(v, b);
	return err;
}

/* --- at open --------------------------------------------------------- */

static void
orphan_log_left(struct vol *v, uint64_t ino, bool is_trim, int err)
{
	err_log(&v->sink, ERR_LEVEL_WARNING,
	    "inode %llu (%s): blocks could not be deleted, next mount tries "
	    "again: %s%s",
	    (unsigned long long)ino,
	    is_trim ? "cut, cannot be written before that" : "unlinked",
	    err_text(err),
	    err == ERR_DAMAGED ? "; keyfs check tells where" : "");
}

/* Only space depends on what is left behind, so the volume does without, unless
 * the store has failed; but a record that is, or may be, of a trim is looked
 * for before a file grows. */
static int
orphan_purge_record(struct vol *v, struct bytes key, struct bytes record)
{
	struct key_parts parts;
	struct super_orphan o;
	int err;

	if (key_decode(key, &parts) || super_orphan_decode(record, &o)) {
		/* It stays for a check to report. */
		state_damaged(v, key, "it is no orphan's; left as it is");
		node_trim_leave(v);
		return 0;
	}
	err = o.is_trim ? orphan_purge_trim(v, parts.ino, o.from_block, false)
			: orphan_purge(v, parts.ino);
	if (err == 0 || store_failure(v->store) != 0)
		return err;
	orphan_log_left(v, parts.ino, o.is_trim, err);
	if (o.is_trim)
		node_trim_leave(v);
	return 0;
}

/* The records that cannot be read are left as well. */
static int
orphan_list_damaged(struct vol *v)
{
	if (store_failure(v->store) != 0)
		return ERR_DAMAGED;
	err_log(&v->sink, ERR_LEVEL_WARNING,
	    "the list of what is to be deleted could not be read: %s; keyfs "
	    "check tells where",
	    err_text(ERR_DAMAGED));
	node_trim_leave(v);
	return 0;
}

int
orphan_purge_all(struct vol *v)
{
	const uint8_t tags[] = {KEY_ORPHAN, KEY_ORPHAN + 1};
	struct store_iter *it = NULL;
	int at = store_iter_open(
	    v->store, bytes_of(tags, 1), bytes_of(tags + 1, 1), &it);

	if (at == 0)
		at = store_iter_seek(it, bytes_of(tags, 1));
	while (at > 0) {
		int err = orphan_purge_record(v, it->key, it->value);

		at = err ? err : store_iter_next(it);
	}
	store_iter_close(it);
	return at == ERR_DAMAGED ? orphan_list_damaged(v) : at;
}
