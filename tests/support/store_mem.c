#include <errno.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "tests/support/store_mem_state.h"

struct store_mem_batch {
	struct store_batch batch;
	struct store_mem_node **ops;
	size_t count;
	size_t cap;
	size_t bytes;
};

/* A copy of its range. */
struct store_mem_iter {
	struct store_iter iter;
	struct store_mem_node **all;
	size_t count;
	size_t pos;
	bool keys_only;
};

int
store_mem_cmp(struct store_mem_node *a, struct store_mem_node *b)
{
	return bytes_cmp(a->key, b->key);
}

RB_GENERATE(store_mem_tree, store_mem_node, link, store_mem_cmp)

/* Counts the call; the error that was ordered for it, or 0. */
static int
store_mem_call(struct store_mem *m, enum store_mem_call call)
{
	int err = 0;

	store_mem_lock(m);
	if (++m->call[call].calls == m->call[call].fail_at) {
		m->call[call].failed = true;
		err = m->call[call].err;
	}
	store_mem_unlock(m);
	return err;
}

static struct store_mem_node *
store_mem_node_new(struct bytes key, size_t value_size)
{
	struct store_mem_node *n = malloc(sizeof(*n) + key.size + value_size);

	must(n != NULL);
	if (key.size)
		memcpy(n->data, key.data, key.size);
	n->key = bytes_of(n->data, key.size);
	n->value = bytes_of(n->data + key.size, value_size);
	n->is_delete = false;
	return n;
}

static struct store_mem_node *
store_mem_node_copy(const struct store_mem_node *from)
{
	struct store_mem_node *n =
	    store_mem_node_new(from->key, from->value.size);

	memcpy(n->data + n->key.size, from->value.data, n->value.size);
	return n;
}

static struct store_mem_node *
store_mem_find(struct store_mem *m, struct bytes key)
{
	struct store_mem_node want = {.key = key};

	return RB_FIND(store_mem_tree, &m->tree, &want);
}

/* The first node at or behind key. */
static struct store_mem_node *
store_mem_from(struct store_mem *m, struct bytes key)
{
	struct store_mem_node want = {.key = key};

	return RB_NFIND(store_mem_tree, &m->tree, &want);
}

static int
store_mem_close(struct store *s)
{
	struct store_mem *m = store_mem_of(s);
	struct store_mem_node *n;

	while ((n = RB_ROOT(&m->tree))) {
		RB_REMOVE(store_mem_tree, &m->tree, n);
		free(n);
	}
	must(pthread_mutex_destroy(&m->mu) == 0);
	free(m);
	return 0;
}

/* --- reading ------------------------------------------------------------ */

static int
store_mem_get(struct store *s, struct bytes key, struct store_value *out)
{
	struct store_mem *m = store_mem_of(s);
	struct store_mem_node *n, *copy = NULL;
	int err = store_mem_call(m, STORE_MEM_GET);

	if (err)
		return err;
	store_mem_lock(m);
	n = store_mem_find(m, key);
	if (n)
		copy = store_mem_node_copy(n);
	store_mem_unlock(m);
	if (!copy)
		return 0;
	out->bytes = copy->value;
	out->pin[0] = copy;
	return 1;
}

static void
store_mem_value_release(struct store_value *v)
{
	free(v->pin[0]);
}

/* Caller holds the lock. */
static size_t
store_mem_count_locked(
    struct store_mem *m, struct bytes lower, struct bytes upper)
{
	struct store_mem_node *n;
	size_t count = 0;

	for (n = store_mem_from(m, lower); n;
	     n = RB_NEXT(store_mem_tree, &m->tree, n)) {
		if (upper.data && bytes_cmp(n->key, upper) >= 0)
			break;
		count++;
	}
	return count;
}

static int
store_mem_iter_open(struct store *s, struct bytes lower, struct bytes upper,
    bool keys_only, struct store_iter **out)
{
	struct store_mem *m = store_mem_of(s);
	struct store_mem_iter *it;
	struct store_mem_node *n;
	int err = store_mem_call(m, STORE_MEM_ITER);

	if (err)
		return err;
	it = calloc(1, sizeof(*it));
	must(it != NULL);
	it->iter.store = s;
	it->keys_only = keys_only;
	store_mem_lock(m);
	it->count = store_mem_count_locked(m, lower, upper);
	it->all = calloc(it->count + 1, sizeof(*it->all));
	must(it->all != NULL);
	n = store_mem_from(m, lower);
	for (size_t i = 0; i < it->count; i++) {
		it->all[i] = store_mem_node_copy(n);
		n = RB_NEXT(store_mem_tree, &m->tree, n);
	}
	store_mem_unlock(m);
	*out = &it->iter;
	return 0;
}

static void
store_mem_iter_close(struct store_iter *iter)
{
	struct store_mem_iter *it = (struct store_mem_iter *)iter;

	for (size_t i = 0; i < it->count; i++)
		free(it->all[i]);
	free(it->all);
	free(it);
}

static int
store_mem_iter_show(struct store_mem_iter *it)
{
	if (it->pos >= it->count)
		return 0;
	it->iter.key = it->all[it->pos]->key;
	it->iter.value = bytes_of("", 0);
	if (!it->keys_only)
		it->iter.value = it->all[it->pos]->value;
	return 1;
}

static int
store_mem_iter_seek(struct store_iter *iter, struct bytes key)
{
	struct store_mem_iter *it = (struct store_mem_iter *)iter;
	int err = store_mem_call(store_mem_of(iter->store), STORE_MEM_ITER);

	if (err)
		return err;
	it->pos = 0;
	while (it->pos < it->count && bytes_cmp(it->all[it->pos]->key, key) < 0)
		it->pos++;
	return store_mem_iter_show(it);
}

static int
store_mem_iter_next(struct store_iter *iter)
{
	struct store_mem_iter *it = (struct store_mem_iter *)iter;
	int err = store_mem_call(store_mem_of(iter->store), STORE_MEM_ITER);

	if (err)
		return err;
	must(it->pos < it->count);
	it->pos++;
	return store_mem_iter_show(it);
}

/* --- writing ------------------------------------------------------------ */

static struct store_batch *
store_mem_batch_new(struct store *s)
{
	struct store_mem_batch *b = calloc(1, sizeof(*b));

	must(b != NULL);
	b->batch.store = s;
	return &b->batch;
}

static void
store_mem_batch_clear(struct store_batch *batch)
{
	struct store_mem_batch *b = (struct store_mem_batch *)batch;

	while (b->count > 0)
		free(b->ops[--b->count]);
	b->bytes = 0;
}

static void
store_mem_batch_free(struct store_batch *batch)
{
	struct store_mem_batch *b = (struct store_mem_batch *)batch;

	store_mem_batch_clear(batch);
	free(b->ops);
	free(b);
}

/* Takes op. */
static void
store_mem_batch_add(struct store_mem_batch *b, struct store_mem_node *op)
{
	if (b->count == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 16;
		b->ops = reallocarray(b->ops, b->cap, sizeof(*b->ops));
		must(b->ops != NULL);
	}
	b->ops[b->count++] = op;
	b->bytes += op->key.size + op->value.size;
}

static int
store_mem_batch_put_room(
    struct store_batch *batch, struct bytes key, size_t size, uint8_t **value)
{
	struct store_mem_node *op;
	int err = store_mem_call(store_mem_of(batch->store), STORE_MEM_BATCH);

	if (err)
		return err;
	op = store_mem_node_new(key, size);
	store_mem_batch_add((struct store_mem_batch *)batch, op);
	*value = op->data + key.size;
	return 0;
}

static int
store_mem_batch_delete(struct store_batch *batch, struct bytes key)
{
	struct store_mem_node *op;
	int err = store_mem_call(store_mem_of(batch->store), STORE_MEM_BATCH);

	if (err)
		return err;
	op = store_mem_node_new(key, 0);
	op->is_delete = true;
	store_mem_batch_add((struct store_mem_batch *)batch, op);
	return 0;
}

static size_t
store_mem_batch_bytes(const struct store_batch *batch)
{
	return ((const struct store_mem_batch *)batch)->bytes;
}

static void
store_mem_apply(struct store_mem *m, const struct store_mem_node *op)
{
	struct store_mem_node *old = store_mem_find(m, op->key);

	if (old) {
		RB_REMOVE(store_mem_tree, &m->tree, old);
		free(old);
	}
	if (!op->is_delete)
		RB_INSERT(store_mem_tree, &m->tree, store_mem_node_copy(op));
}

static int
store_mem_write(struct store *s, struct store_batch *batch,
    const struct durability *d, struct store_written *out)
{
	struct store_mem *m = store_mem_of(s);
	struct store_mem_batch *b = (struct store_mem_batch *)batch;
	int err = b->count ? store_mem_call(m, STORE_MEM_WRITE) : 0;

	if (err)
		return err;
	store_mem_lock(m);
	for (size_t i = 0; i < b->count; i++)
		store_mem_apply(m, b->ops[i]);
	m->seq += b->count;
	if (!d)
		d = &m->durability;
	*out = (struct store_written){
	    .seq = m->seq,
	    .sync_seq = d->policy == DURABILITY_SYNC ? m->seq : 0,
	};
	m->written_under = *d;
	store_mem_unlock(m);
	return 0;
}

static int
store_mem_set_durability(struct store *s, const struct durability *d)
{
	struct store_mem *m = store_mem_of(s);

	if (!durability_valid(d))
		return -EINVAL;
	store_mem_lock(m);
	m->durability = *d;
	store_mem_unlock(m);
	return 0;
}

static void
store_mem_get_durability(struct store *s, struct durability *out)
{
	struct store_mem *m = store_mem_of(s);

	store_mem_lock(m);
	*out = m->durability;
	store_mem_unlock(m);
}

static void
store_mem_sync_figures(struct store *s, struct store_sync_figures *out)
{
	struct store_mem *m = store_mem_of(s);

	store_mem_lock(m);
	*out = (struct store_sync_figures){
	    .syncs = m->call[STORE_MEM_SYNC].calls,
	    .batches = m->call[STORE_MEM_WRITE].calls,
	};
	store_mem_unlock(m);
}

static int
store_mem_sync(struct store *s, uint64_t seq)
{
	struct store_mem *m = store_mem_of(s);
	int err = store_mem_call(m, STORE_MEM_SYNC);

	if (err)
		return err;
	store_mem_lock(m);
	must(seq <= m->seq);
	if (seq > m->durable_seq)
		m->durable_seq = m->seq;
	store_mem_unlock(m);
	return 0;
}

/* --- the rest ----------------------------------------------------------- */

static uint64_t
store_mem_seq(struct store *s)
{
	struct store_mem *m = store_mem_of(s);
	uint64_t seq;

	store_mem_lock(m);
	seq = m->seq;
	store_mem_unlock(m);
	return seq;
}

static uint64_t
store_mem_durable_seq(struct store *s)
{
	struct store_mem *m = store_mem_of(s);
	uint64_t seq;

	store_mem_lock(m);
	seq = m->durable_seq;
	store_mem_unlock(m);
	return seq;
}

static int
store_mem_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes)
{
	(void)s;
	*free_bytes = UINT64_C(1) << 30;
	*total_bytes = UINT64_C(1) << 31;
	return 0;
}

static int
store_mem_stats(struct store *s, struct buf *text)
{
	size_t keys = store_mem_count(s, bytes_str(""), bytes_of(NULL, 0));

	return buf_printf(text, "keys %zu\n", keys);
}

static int
store_mem_compact(struct store *s)
{
	(void)s;
	return 0;
}

static int
store_mem_check(
    struct store *s, void (*finding)(void *ctx, const char *text), void *ctx)
{
	(void)s;
	(void)finding;
	(void)ctx;
	return 0; /* nothing is on a disk */
}

/* It goes on after each failure that was ordered. */
static int
store_mem_failure(struct store *s)
{
	(void)s;
	return 0;
}

static const struct store_ops store_mem_ops = {
    .close = store_mem_close,
    .get = store_mem_get,
    .value_release = store_mem_value_release,
    .batch_new = store_mem_batch_new,
    .batch_free = store_mem_batch_free,
    .batch_clear = store_mem_batch_clear,
    .batch_put_room = store_mem_batch_put_room,
    .batch_delete = store_mem_batch_delete,
    .batch_bytes = store_mem_batch_bytes,
    .write = store_mem_write,
    .sync = store_mem_sync,
    .failure = store_mem_failure,
    .seq = store_mem_seq,
    .durable_seq = store_mem_durable_seq,
    .set_durability = store_mem_set_durability,
    .get_durability = store_mem_get_durability,
    .sync_figures = store_mem_sync_figures,
    .iter_open = store_mem_iter_open,
    .iter_close = store_mem_iter_close,
    .iter_seek = store_mem_iter_seek,
    .iter_next = store_mem_iter_next,
    .space = store_mem_space,
    .stats = store_mem_stats,
    .compact = store_mem_compact,
    .check = store_mem_check,
};

struct store *
store_mem_new(void)
{
	struct store_mem *m = calloc(1, sizeof(*m));

	must(m != NULL);
	must(pthread_mutex_init(&m->mu, NULL) == 0);
	m->store.ops = &store_mem_ops;
	RB_INIT(&m->tree);
	m->durability = m->written_under = durability_of(DURABILITY_NONE);
	return &m->store;
}

struct store *
store_mem_clone(struct store *s)
{
	struct store *copy = store_mem_new();
	struct store_mem *from = store_mem_of(s), *to = store_mem_of(copy);
	struct store_mem_node *n;

	store_mem_lock(from);
	RB_FOREACH (n, store_mem_tree, &from->tree)
		RB_INSERT(store_mem_tree, &to->tree, store_mem_node_copy(n));
	to->seq = from->seq;
	to->durable_seq = from->seq;
	store_mem_unlock(from);
	return copy;
}

size_t
store_mem_count(struct store *s, struct bytes lower, struct bytes upper)
{
	struct store_mem *m = store_mem_of(s);
	size_t count;

	store_mem_lock(m);
	count = store_mem_count_locked(m, lower, upper);
	store_mem_unlock(m);
	return count;
}
