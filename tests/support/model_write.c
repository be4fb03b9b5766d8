/* The operations of a model that write. */
#include "tests/support/model.h"

#define LARGE_BATCH 600

static uint64_t
some_expiry(struct model *m)
{
	switch (check_rand_below(&m->r, 8)) {
	case 0:
		return m->clock_ms - check_rand_below(&m->r, 1000);
	case 1:
		return UINT64_MAX;
	default:
		return m->clock_ms + 1 + check_rand_below(&m->r, 3000);
	}
}

static void
put_until(struct model *m, struct lsm_batch *b, size_t i, uint64_t expires_ms)
{
	struct model_cell cell = {++m->last_version, expires_ms};
	struct buf value = {0};
	uint8_t *room;

	model_value(m, i, cell.version, &value);
	if (expires_ms > 0) {
		check_ok(lsm_batch_put_until(
		    b, model_key(m, i), buf_bytes(&value), expires_ms));
	} else {
		check_ok(
		    lsm_batch_put_room(b, model_key(m, i), value.size, &room));
		if (value.size > 0)
			memcpy(room, value.data, value.size);
	}
	buf_fini(&value);
	m->now[i] = cell;
}

static void
put(struct model *m, struct lsm_batch *b)
{
	put_until(m, b, model_pick(m), 0);
}

static void
put_for_a_time(struct model *m, struct lsm_batch *b)
{
	put_until(m, b, model_pick(m), some_expiry(m));
}

static void
delete_at(struct model *m, struct lsm_batch *b, size_t i)
{
	check_ok(lsm_batch_delete(b, model_key(m, i)));
	m->now[i] = (struct model_cell){0};
}

static void delete (struct model *m, struct lsm_batch *b)
{
	delete_at(m, b, model_pick(m));
}

static void
delete_between(
    struct model *m, struct lsm_batch *b, struct bytes begin, struct bytes end)
{
	size_t from = universe_find(&m->keys, begin);
	size_t to = end.data ? universe_find(&m->keys, end) : m->keys.count;

	check_ok(lsm_batch_delete_range(b, begin, end));
	for (size_t i = from; i < to; i++)
		m->now[i] = (struct model_cell){0};
}

/* Mostly few keys, now and then many; sometimes without an end, or empty. */
static void
delete_range(struct model *m, struct lsm_batch *b)
{
	const struct bytes none = {NULL, 0};
	size_t max = check_rand_one_in(&m->r, 20) ? m->keys.count : 20;
	size_t from = model_pick(m);
	size_t end = from + check_rand_below(&m->r, max);

	delete_between(m, b, from > 0 ? model_key(m, from) : none,
	    end < m->keys.count ? model_key(m, end) : none);
}

/* Between bytes that need not be keys, in any order. */
static void
delete_range_near(struct model *m, struct lsm_batch *b)
{
	struct buf begin = {0}, end = {0};

	universe_near(&m->keys, &m->r, &begin);
	check_ok(buf_assign(&end, buf_bytes(&begin)));
	if (check_rand_one_in(&m->r, 20))
		universe_near(&m->keys, &m->r, &end);
	/* Right behind all that it begins, and never without an end. */
	check_ok(buf_reserve(&end, 1));
	if (end.size < LSM_KEY_MAX)
		check_ok(buf_append_u8(&end, 0xff));
	delete_between(m, b, buf_bytes(&begin), buf_bytes(&end));
	buf_fini(&begin);
	buf_fini(&end);
}

/* What a batch may hold. */
static const struct {
	unsigned weight;
	void (*add)(struct model *m, struct lsm_batch *b);
} parts[] = {
    {10, put},
    {3, put_for_a_time},
    {5, delete},
    {1, delete_range},
    {1, delete_range_near},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

void
model_write_some(struct model *m, struct lsm_batch *b, size_t count)
{
	uint64_t total = 0, at;
	size_t k;

	for (k = 0; k < PARTS; k++)
		total += parts[k].weight;
	while (count-- > 0) {
		at = check_rand_below(&m->r, total);
		for (k = 0; at >= parts[k].weight; k++)
			at -= parts[k].weight;
		parts[k].add(m, b);
	}
}

/* --- the operations --------------------------------------------------------
 */

static struct lsm_batch *
begin(struct model *m)
{
	lsm_batch_clear(m->batch);
	return m->batch;
}

/* Under a policy of its own now and then. */
static void
commit(struct model *m, struct lsm_batch *b)
{
	uint64_t before = lsm_seq(m->s.db);
	struct lsm_written done = {0};
	struct durability d;

	if (check_rand_one_in(&m->r, 8)) {
		d = model_draw_durability(m);
		check_ok(lsm_write_under(m->s.db, b, &d, &done));
		if (done.sync_seq > 0)
			check_ok(lsm_sync(m->s.db, done.sync_seq));
	} else {
		lsm_get_durability(m->s.db, &d);
		check_ok(lsm_write(m->s.db, b, &done.seq));
	}
	check_eq(done.seq, before + lsm_batch_count(b));
	check_eq(lsm_seq(m->s.db), done.seq);
	if (d.policy == DURABILITY_SYNC && lsm_batch_count(b) > 0)
		check_eq(lsm_durable_seq(m->s.db), done.seq);
}

static void
write_one(struct model *m, void (*add)(struct model *m, struct lsm_batch *b))
{
	struct lsm_batch *b = begin(m);

	add(m, b);
	commit(m, b);
}

void
model_write_put(struct model *m)
{
	write_one(m, put);
}

void
model_write_put_until(struct model *m)
{
	write_one(m, put_for_a_time);
}

void
model_write_delete(struct model *m)
{
	write_one(m, delete);
}

void
model_write_delete_range(struct model *m)
{
	struct lsm_batch *b = begin(m);

	if (check_rand_one_in(&m->r, 2))
		delete_range(m, b);
	else
		delete_range_near(m, b);
	commit(m, b);
}

/* All keys; mostly the tables go, too, and the next ones meet few others. */
void
model_write_delete_all(struct model *m)
{
	const struct bytes none = {NULL, 0};
	struct lsm_batch *b = begin(m);

	delete_between(m, b, none, none);
	commit(m, b);
	if (check_rand_one_in(&m->r, 4))
		return;
	model_life_compact(m);
	m->pattern =
	    check_rand_one_in(&m->r, 2) ? MODEL_NARROW : MODEL_IN_ORDER;
}

/* Many adjacent keys, one by one. */
void
model_write_delete_run(struct model *m)
{
	size_t from = model_pick(m);
	size_t end = from + check_rand_below(&m->r, m->keys.count / 3 + 1);
	struct lsm_batch *b;

	for (size_t i = from; i < end && i < m->keys.count; i++) {
		b = begin(m);
		delete_at(m, b, i);
		commit(m, b);
	}
	/* While they all are where they went: who lists them leaves a hint. */
	if (check_rand_one_in(&m->r, 2))
		model_check_all(m);
}

void
model_write_batch(struct model *m)
{
	struct lsm_batch *b = begin(m);

	model_write_some(m, b, check_rand_below(&m->r, 40));
	commit(m, b);
}

/* Mostly larger than a memtable. */
void
model_write_large_batch(struct model *m)
{
	struct lsm_batch *b = begin(m);

	model_write_some(m, b, check_rand_below(&m->r, LARGE_BATCH));
	commit(m, b);
}
