#include "fs/vol/node_trim.h"

#include <stdatomic.h>

#include "fs/record/key.h"
#include "fs/vol/orphan.h"

/* The first block behind the file's end. */
static uint64_t
node_trim_end(const struct vol *v, const struct node *n)
{
	uint64_t block_bytes = v->super.block_bytes;

	if (n->attr.is_inline)
		return 0;
	return n->attr.size / block_bytes + (n->attr.size % block_bytes != 0);
}

/* Unfinished trims have an O record, which says no more than the file's size:
 * the file has not grown since. */
static int
node_trim_find(struct vol *v, struct node *n)
{
	struct store_value value = {0};
	struct buf key = {0};
	int r = key_orphan(&key, n->ino);

	if (r == 0)
		r = store_get(v->store, buf_bytes(&key), &value);
	if (r >= 0)
		n->trim_from = r == 1 ? node_trim_end(v, n) : NODE_NO_TRIM;
	store_value_release(&value);
	buf_fini(&key);
	return r < 0 ? r : 0;
}

int
node_trim_finish(struct vol *v, struct node *n)
{
	int err = 0;

	if (n->trim_from == NODE_MAYBE_TRIM)
		err = node_trim_find(v, n);
	if (err == 0 && n->trim_from != NODE_NO_TRIM)
		err = orphan_purge_trim(
		    v, n->ino, n->trim_from, n->state == NODE_ORPHAN_DISK);
	if (err == 0)
		n->trim_from = NODE_NO_TRIM;
	return err;
}

void
node_trim_leave(struct vol *v)
{
	/* Relaxed: the node that knows leaves memory later, under the table
	 * lock, as others are made. */
	atomic_store_explicit(&v->trims_left, true, memory_order_relaxed);
}

void
node_trim_begin(struct vol *v, struct node *n, uint64_t from)
{
	int err;

	n->trim_from = from;
	err = node_trim_finish(v, n);
	if (err == 0)
		return;
	node_trim_leave(v);
	err_log(&v->sink, ERR_LEVEL_WARNING,
	    "inode %llu: blocks that were cut off stay for now: %s",
	    (unsigned long long)n->ino, err_text(err));
}

void
node_trim_retry(struct vol *v, struct node *n)
{
	if (!atomic_load_explicit(&v->trims_left, memory_order_relaxed))
		return;
	node_lock(v, n);
	/* A failure has been logged.  Not looking for a record: many nodes come
	 * and go without a use of their content. */
	if (n->state == NODE_LINKED && n->trim_from != NODE_MAYBE_TRIM)
		(void)node_trim_finish(v, n);
	node_unlock(v, n);
}
