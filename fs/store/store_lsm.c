#include "fs/store/store_lsm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "engine/lsm.h"

struct store_lsm {
	struct store store;
	struct lsm *db;
	char *path;
};

struct store_lsm_batch {
	struct store_batch batch;
	struct lsm_batch *lsm;
};

struct store_lsm_iter {
	struct store_iter iter;
	struct lsm_iter *lsm;
};

static struct lsm *
store_lsm_db(struct store *s)
{
	return ((struct store_lsm *)s)->db;
}

static struct lsm_batch *
store_lsm_batch(const struct store_batch *b)
{
	return ((const struct store_lsm_batch *)b)->lsm;
}

static int
store_lsm_close(struct store *s)
{
	struct store_lsm *l = (struct store_lsm *)s;
	int err = lsm_close(l->db);

	free(l->path);
	free(l);
	return err;
}

/* --- values --------------------------------------------------------------- */

static int
store_lsm_get(struct store *s, struct bytes key, struct store_value *out)
{
	struct lsm_value v;
	int r = lsm_get(store_lsm_db(s), NULL, key, &v);

	if (r == 1) {
		out->bytes = v.bytes;
		out->pin[0] = v.pin;
		out->pin_kind = v.pin_kind;
	}
	return r;
}

static void
store_lsm_value_release(struct store_value *value)
{
	struct lsm_value v = {
	    .bytes = value->bytes,
	    .pin = value->pin[0],
	    .pin_kind = value->pin_kind,
	};

	lsm_value_release(&v);
}

/* --- batches -------------------------------------------------------------- */

static struct store_batch *
store_lsm_batch_new(struct store *s)
{
	struct store_lsm_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->batch.store = s;
	b->lsm = lsm_batch_new();
	if (!b->lsm) {
		free(b);
		return NULL;
	}
	return &b->batch;
}

static void
store_lsm_batch_free(struct store_batch *b)
{
	lsm_batch_free(store_lsm_batch(b));
	free(b);
}

static void
store_lsm_batch_clear(struct store_batch *b)
{
	lsm_batch_clear(store_lsm_batch(b));
}

static int
store_lsm_batch_put_room(
    struct store_batch *b, struct bytes key, size_t size, uint8_t **value)
{
	return lsm_batch_put_room(store_lsm_batch(b), key, size, value);
}

static int
store_lsm_batch_delete(struct store_batch *b, struct bytes key)
{
	return lsm_batch_delete(store_lsm_batch(b), key);
}

static size_t
store_lsm_batch_bytes(const struct store_batch *b)
{
	return lsm_batch_bytes(store_lsm_batch(b));
}

static int
store_lsm_write(struct store *s, struct store_batch *b,
    const struct durability *d, struct store_written *out)
{
	struct lsm_written done;
	int err =
	    lsm_write_under(store_lsm_db(s), store_lsm_batch(b), d, &done);

	if (!err)
		*out = (struct store_written){done.seq, done.sync_seq};
	return err;
}

static int
store_lsm_set_durability(struct store *s, const struct durability *d)
{
	return lsm_set_durability(store_lsm_db(s), d);
}

static void
store_lsm_get_durability(struct store *s, struct durability *out)
{
	lsm_get_durability(store_lsm_db(s), out);
}

static void
store_lsm_sync_figures(struct store *s, struct store_sync_figures *out)
{
	struct lsm_stats stats;

	lsm_stats(store_lsm_db(s), &stats);
	*out = (struct store_sync_figures){
	    .syncs = stats.syncs,
	    .batches = stats.batches,
	    .unsynced_batches = stats.unsynced_batches,
	    .unsynced_us = stats.unsynced_us,
	    .cost_us = stats.sync_cost_us,
	};
}

static int
store_lsm_sync(struct store *s, uint64_t seq)
{
	return lsm_sync(store_lsm_db(s), seq);
}

static int
store_lsm_failure(struct store *s)
{
	return lsm_failure(store_lsm_db(s));
}

static uint64_t
store_lsm_seq(struct store *s)
{
	return lsm_seq(store_lsm_db(s));
}

static uint64_t
store_lsm_durable_seq(struct store *s)
{
	return lsm_durable_seq(store_lsm_db(s));
}

/* --- iterators ------------------------------------------------------------ */

static int
store_lsm_iter_open(struct store *s, struct bytes lower, struct bytes upper,
    bool keys_only, struct store_iter **out)
{
	const struct lsm_iter_options o = {
	    .lower = lower, .upper = upper, .keys_only = keys_only};
	struct store_lsm_iter *it = calloc(1, sizeof(*it));
	int err;

	if (!it)
		return -ENOMEM;
	it->iter.store = s;
	err = lsm_iter_open(store_lsm_db(s), &o, &it->lsm);
	if (err) {
		free(it);
		return err;
	}
	*out = &it->iter;
	return 0;
}

static void
store_lsm_iter_close(struct store_iter *iter)
{
	struct store_lsm_iter *it = (struct store_lsm_iter *)iter;

	lsm_iter_close(it->lsm);
	free(it);
}

/* r: where the engine's iterator is now. */
static int
store_lsm_iter_show(struct store_lsm_iter *it, int r)
{
	if (r == 1) {
		it->iter.key = lsm_iter_key(it->lsm);
		it->iter.value = lsm_iter_value(it->lsm);
	}
	return r;
}

static int
store_lsm_iter_seek(struct store_iter *iter, struct bytes key)
{
	struct store_lsm_iter *it = (struct store_lsm_iter *)iter;

	return store_lsm_iter_show(it, lsm_iter_seek(it->lsm, key));
}

static int
store_lsm_iter_next(struct store_iter *iter)
{
	struct store_lsm_iter *it = (struct store_lsm_iter *)iter;

	return store_lsm_iter_show(it, lsm_iter_next(it->lsm));
}

/* --- care ----------------------------------------------------------------- */

static int
store_lsm_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes)
{
	struct statvfs f;

	if (statvfs(((struct store_lsm *)s)->path, &f))
		return -errno;
	*free_bytes = (uint64_t)f.f_bavail * f.f_frsize;
	*total_bytes = (uint64_t)f.f_blocks * f.f_frsize;
	return 0;
}

static int
store_lsm_stats_line(void *ctx, const char *name, uint64_t value)
{
	return buf_printf(ctx, "%s %" PRIu64 "\n", name, value);
}

static int
store_lsm_stats(struct store *s, struct buf *text)
{
	struct lsm_stats stats;

	lsm_stats(store_lsm_db(s), &stats);
	return lsm_stats_each(&stats, store_lsm_stats_line, text);
}

static int
store_lsm_compact(struct store *s)
{
	return lsm_compact(store_lsm_db(s), NULL, NULL);
}

static int
store_lsm_check(
    struct store *s, void (*finding)(void *ctx, const char *text), void *ctx)
{
	const struct lsm_check_sink sink = {.finding = finding, .ctx = ctx};

	return lsm_check(store_lsm_db(s), &sink);
}

static const struct store_ops store_lsm_ops = {
    .close = store_lsm_close,
    .get = store_lsm_get,
    .value_release = store_lsm_value_release,
    .batch_new = store_lsm_batch_new,
    .batch_free = store_lsm_batch_free,
    .batch_clear = store_lsm_batch_clear,
    .batch_put_room = store_lsm_batch_put_room,
    .batch_delete = store_lsm_batch_delete,
    .batch_bytes = store_lsm_batch_bytes,
    .write = store_lsm_write,
    .sync = store_lsm_sync,
    .failure = store_lsm_failure,
    .seq = store_lsm_seq,
    .durable_seq = store_lsm_durable_seq,
    .set_durability = store_lsm_set_durability,
    .get_durability = store_lsm_get_durability,
    .sync_figures = store_lsm_sync_figures,
    .iter_open = store_lsm_iter_open,
    .iter_close = store_lsm_iter_close,
    .iter_seek = store_lsm_iter_seek,
    .iter_next = store_lsm_iter_next,
    .space = store_lsm_space,
    .stats = store_lsm_stats,
    .compact = store_lsm_compact,
    .check = store_lsm_check,
};

int
store_lsm_open(
    const char *path, const struct lsm_options *o, struct store **out)
{
	struct store_lsm *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	if (!l)
		return err;
	l->store.ops = &store_lsm_ops;
	l->path = strdup(path);
	if (l->path)
		err = lsm_open(path, o, &l->db);
	if (err) {
		free(l->path);
		free(l);
		return err;
	}
	*out = &l->store;
	return 0;
}

struct lsm *
store_lsm_engine(struct store *s)
{
	return store_lsm_db(s);
}
