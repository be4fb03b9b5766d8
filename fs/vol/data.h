/*
 * data: the content of files, read, written and cut; private to fs/vol.
 *
 * A file of at most super.inline_bytes stands in its entry, a larger one in
 * blocks, always: every operation that crosses the limit moves the content in
 * its own batch.  A block's record holds the block up to the last byte that
 * was written; what is missing reads as zeros, and nothing stands beyond the
 * file's size, so a file that grows shows zeros and never old bytes.
 *
 * Limits: a file ends before 2^63 (-EFBIG beyond).
 * Threads: the caller holds the node's stripe.
 * Errors: -EISDIR, -EINVAL for what has no content; those of the store.
 */
#ifndef FS_VOL_DATA_H
#define FS_VOL_DATA_H

#include "fs/vol/state.h"

#define DATA_SIZE_MAX INT64_MAX

/* 0 if e is a file, else -EISDIR or -EINVAL. */
int data_check(const struct entry *e);

/*
 * The record of a block of a file of `size` bytes: 1, or 0 if there is none.
 * *value is zeroed if not 1, so it can be released in any case.  ERR_DAMAGED
 * if the record reaches beyond the block or the file.
 */
int data_block_load(struct vol *v, const struct entry *e, uint64_t block,
    struct store_value *value);

/* Room for a block's record in b, to be filled before b is used again. */
int data_block_room(struct store_batch *b, uint64_t ino, uint64_t block,
    size_t size, uint8_t **room);
int data_block_put(
    struct store_batch *b, uint64_t ino, uint64_t block, struct bytes content);

/* content becomes the first `size` bytes of `old`, with zeros behind. */
int data_set_content(struct buf *content, struct bytes old, size_t size);

/*
 * A new size:
 *	struct data_resize r = {0};
 *	node_load(v, n, &value, &e);
 *	err = data_resize(v, b, n, &e, size, &r);
 *	... node_save, state_commit, node_commit ...
 *	data_resize_end(v, n, &r, err);
 * Changes size, is_inline and content of e (not its times), and puts what the
 * blocks need into b.  e may point into r until data_resize_end.
 */
struct data_resize {
	struct buf content; /* if it is inline now */
	bool later;         /* blocks are still to be deleted, ... */
	uint64_t from;      /* ... this one and those behind it */
};
int data_resize(struct vol *v, struct store_batch *b, struct node *n,
    struct entry *e, uint64_t size, struct data_resize *r);

/* err: what came of it all.  Deletes what one batch could not. */
void data_resize_end(
    struct vol *v, struct node *n, struct data_resize *r, int err);

#endif
