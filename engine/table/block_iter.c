#include "engine/table/block_format.h"

static inline int
block_iter_none(struct block_iter *it)
{
	it->iter.key.size = 0;
	it->pos = it->next_pos = it->view.entries.size;
	return 0;
}

/* Lets the key buffer hold size bytes, of which the first `keep` of the present
 * key are there then. */
static int
block_iter_own_key(struct block_iter *it, size_t keep, size_t size)
{
	const uint8_t *key = it->iter.key.data;
	int err;

	it->key.size = key == it->key.data ? keep : 0;
	err = buf_reserve(&it->key, size);
	if (!err && it->key.size == 0)
		memcpy(it->key.data, key, keep);
	return err;
}

/* Makes entry e, which stands at pos behind the present one, the present. */
static inline int
block_iter_take(struct block_iter *it, size_t pos, const struct block_raw *e)
{
	struct bytes *key = &it->iter.key;
	size_t shared = (size_t)e->shared;
	int err;

	if (shared == 0) {
		*key = e->rest;
	} else {
		/* What is shared is a user key's, and there must be one. */
		if (key->size < IKEY_TRAILER ||
		    e->shared > key->size - IKEY_TRAILER)
			return ERR_DAMAGED;
		if (key->data != it->key.data ||
		    it->key.cap < shared + e->rest.size) {
			err = block_iter_own_key(
			    it, shared, shared + e->rest.size);
			if (err)
				return err;
		}
		memcpy(it->key.data + shared, e->rest.data, e->rest.size);
		*key = bytes_of(it->key.data, shared + e->rest.size);
	}
	it->iter.value = e->value;
	it->pos = pos;
	it->next_pos = (size_t)(block_behind(e) - it->view.entries.data);
	return 1;
}

/* The entry at pos, behind the present one or at a restart: 1, 0, <0. */
static inline int
block_iter_step(struct block_iter *it, size_t pos)
{
	struct block_raw e;
	int rc;

	if (pos >= it->view.entries.size)
		return block_iter_none(it);
	rc = block_decode(it->view.entries.data + pos,
	    it->view.entries.data + it->view.entries.size, &e);
	if (rc == 0)
		rc = block_iter_take(it, pos, &e);
	if (rc < 0)
		block_iter_none(it);
	return rc;
}

/* From the restart at pos to the last entry before end. */
static int
block_iter_step_until(struct block_iter *it, size_t pos, size_t end)
{
	int rc;

	it->iter.key.size = 0;
	do {
		rc = block_iter_step(it, pos);
		pos = it->next_pos;
	} while (rc == 1 && pos < end);
	if (rc == 1 && pos != end) {
		block_iter_none(it);
		return ERR_DAMAGED;
	}
	return rc;
}

int
block_iter_first(struct block_iter *it)
{
	it->iter.key.size = 0;
	return block_iter_step(it, 0);
}

int
block_iter_last(struct block_iter *it)
{
	size_t pos;

	if (it->view.restart_count == 0)
		return block_iter_none(it);
	pos = block_restart(&it->view, it->view.restart_count - 1);
	if (pos >= it->view.entries.size) {
		block_iter_none(it);
		return ERR_DAMAGED;
	}
	return block_iter_step_until(it, pos, it->view.entries.size);
}

int
block_iter_next(struct block_iter *it)
{
	return block_iter_step(it, it->next_pos);
}

/* The last restart before the present entry, which is not the first: restart 0
 * is at 0, whatever the others say. */
static size_t
block_iter_restart_before(const struct block_iter *it)
{
	uint32_t low = 0, high = it->view.restart_count, mid;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (block_restart(&it->view, mid) < it->pos)
			low = mid;
		else
			high = mid;
	}
	return block_restart(&it->view, low);
}

/* Walks from the entry at pos to the last one before the present: *at, *e. */
static int
block_iter_before(
    const struct block_iter *it, size_t pos, size_t *at, struct block_raw *e)
{
	const uint8_t *p = it->view.entries.data + pos;
	const uint8_t *end = it->view.entries.data + it->pos, *last;

	do {
		last = p;
		if (block_decode(p, end, e))
			return ERR_DAMAGED;
		p = block_behind(e);
	} while (p < end);
	*at = (size_t)(last - it->view.entries.data);
	return 0;
}

int
block_iter_prev(struct block_iter *it)
{
	struct block_raw here, before;
	size_t restart, at;
	int rc;

	if (it->pos == 0)
		return block_iter_none(it);
	restart = block_iter_restart_before(it);
	rc = block_iter_before(it, restart, &at, &before);
	if (rc == 0)
		rc = block_decode(it->view.entries.data + it->pos,
		    it->view.entries.data + it->view.entries.size, &here);
	/* What the present key shares with the one before is there already;
	 * for more than that the interval is gone through. */
	if (rc == 0 && before.shared <= here.shared)
		rc = block_iter_take(it, at, &before);
	else if (rc == 0)
		rc = block_iter_step_until(it, restart, it->pos);
	if (rc < 0)
		block_iter_none(it);
	return rc;
}

/* Bytes behind the entry that was sought, which will be wanted soon. */
#define BLOCK_ITER_AHEAD 2048

static inline void
block_iter_look_ahead(const struct block_iter *it)
{
	const uint8_t *next = it->view.entries.data + it->next_pos;
	size_t left = it->view.entries.size - it->next_pos;

	block_look_ahead(
	    next, next + (left < BLOCK_ITER_AHEAD ? left : BLOCK_ITER_AHEAD));
}

int
block_iter_seek(struct block_iter *it, struct bytes target)
{
	struct block_search s;
	struct block_raw e;
	size_t at;
	int rc = block_seek(&it->view, target, &s, &at, &e);

	if (rc == 1) {
		/* As if the entry before had been target. */
		it->iter.key = target;
		rc = block_iter_take(it, at, &e);
	}
	if (rc == 1)
		block_iter_look_ahead(it);
	else
		block_iter_none(it);
	return rc;
}

void
block_iter_fini(struct block_iter *it)
{
	buf_fini(&it->key);
	it->iter.key = it->iter.value = bytes_of(NULL, 0);
}

#define BLOCK_ITER(it) ((struct block_iter *)(void *)(it))

static int
block_op_first(struct iter *it)
{
	return block_iter_first(BLOCK_ITER(it));
}

static int
block_op_last(struct iter *it)
{
	return block_iter_last(BLOCK_ITER(it));
}

static int
block_op_seek(struct iter *it, struct bytes target)
{
	return block_iter_seek(BLOCK_ITER(it), target);
}

static int
block_op_next(struct iter *it)
{
	return block_iter_next(BLOCK_ITER(it));
}

static int
block_op_prev(struct iter *it)
{
	return block_iter_prev(BLOCK_ITER(it));
}

static void
block_op_close(struct iter *it)
{
	block_iter_fini(BLOCK_ITER(it));
}

static const struct iter_ops block_iter_ops = {
    .first = block_op_first,
    .last = block_op_last,
    .seek = block_op_seek,
    .next = block_op_next,
    .prev = block_op_prev,
    .close = block_op_close,
};

int
block_iter_set(struct block_iter *it, struct bytes block)
{
	int err;

	if (!it->iter.ops)
		it->iter.ops = &block_iter_ops;
	it->view = (struct block_view){0};
	err = block_split(block, &it->view);
	block_iter_none(it);
	return err;
}
