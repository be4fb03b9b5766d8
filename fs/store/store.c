#include "fs/store/store.h"

int
store_close(struct store *s)
{
	return s->ops->close(s);
}

int
store_get(struct store *s, struct bytes key, struct store_value *out)
{
	struct store_value v = {0};
	int r = s->ops->get(s, key, &v);

	if (r == 1) {
		v.store = s;
		*out = v;
	}
	return r;
}

void
store_value_release(struct store_value *v)
{
	if (v->store)
		v->store->ops->value_release(v);
	*v = (struct store_value){0};
}

struct store_batch *
store_batch_new(struct store *s)
{
	return s->ops->batch_new(s);
}

void
store_batch_free(struct store_batch *b)
{
	if (b)
		b->store->ops->batch_free(b);
}

void
store_batch_clear(struct store_batch *b)
{
	b->store->ops->batch_clear(b);
}

int
store_batch_put(struct store_batch *b, struct bytes key, struct bytes value)
{
	uint8_t *room;
	int err = store_batch_put_room(b, key, value.size, &room);

	if (err == 0 && value.size)
		memcpy(room, value.data, value.size);
	return err;
}

int
store_batch_put_room(
    struct store_batch *b, struct bytes key, size_t size, uint8_t **value)
{
	return b->store->ops->batch_put_room(b, key, size, value);
}

int
store_batch_delete(struct store_batch *b, struct bytes key)
{
	return b->store->ops->batch_delete(b, key);
}

size_t
store_batch_bytes(const struct store_batch *b)
{
	return b->store->ops->batch_bytes(b);
}

int
store_write(struct store *s, struct store_batch *b, const struct durability *d,
    struct store_written *out)
{
	return s->ops->write(s, b, d, out);
}

int
store_set_durability(struct store *s, const struct durability *d)
{
	return s->ops->set_durability(s, d);
}

void
store_get_durability(struct store *s, struct durability *out)
{
	s->ops->get_durability(s, out);
}

void
store_sync_figures(struct store *s, struct store_sync_figures *out)
{
	s->ops->sync_figures(s, out);
}

int
store_sync(struct store *s, uint64_t seq)
{
	return s->ops->sync(s, seq);
}

int
store_failure(struct store *s)
{
	return s->ops->failure(s);
}

uint64_t
store_seq(struct store *s)
{
	return s->ops->seq(s);
}

uint64_t
store_durable_seq(struct store *s)
{
	return s->ops->durable_seq(s);
}

int
store_iter_open(struct store *s, struct bytes lower, struct bytes upper,
    struct store_iter **out)
{
	return s->ops->iter_open(s, lower, upper, false, out);
}

int
store_iter_open_keys(struct store *s, struct bytes lower, struct bytes upper,
    struct store_iter **out)
{
	return s->ops->iter_open(s, lower, upper, true, out);
}

void
store_iter_close(struct store_iter *it)
{
	if (it)
		it->store->ops->iter_close(it);
}

int
store_iter_seek(struct store_iter *it, struct bytes key)
{
	return it->store->ops->iter_seek(it, key);
}

int
store_iter_next(struct store_iter *it)
{
	return it->store->ops->iter_next(it);
}

int
store_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes)
{
	return s->ops->space(s, free_bytes, total_bytes);
}

int
store_stats(struct store *s, struct buf *text)
{
	return s->ops->stats(s, text);
}

int
store_compact(struct store *s)
{
	return s->ops->compact(s);
}

int
store_check(
    struct store *s, void (*finding)(void *ctx, const char *text), void *ctx)
{
	return s->ops->check(s, finding, ctx);
}
