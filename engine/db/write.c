/*
 * write: the way of a batch into the log and the memtable.
 *
 * All under write_lock, one batch after the other; the sync that a policy asks
 * for comes after it, shared among those who wait.
 * Numbers are published when the batch is in the memtable as a whole, and
 * batches are applied in the order of their numbers, so whoever reads at a
 * published number sees whole batches without a gap.
 */
#include "engine/base/must.h"
#include "engine/db/batch.h"
#include "engine/db/db.h"
#include "engine/db/hint.h"
#include "engine/db/room.h"

/* A batch that has met a full disk, while so many steps in the background have
 * done nothing, is refused. */
#define WRITE_VAIN_MAX 8

/* What one try is told, and how it went. */
struct write_try {
	const struct durability *under; /* NULL: the store's policy */
	uint64_t sleep_us;              /* if it is done: the writer's debt */
	bool stalled;                   /* there was no room */
};

/* Which segment takes the record, and memory for what the memtable gets. */
static int
write_prepare(struct lsm *db, struct lsm_batch *b, struct memtable_place *p)
{
	struct bytes payload = batch_payload(b);
	size_t size, bytes;
	bool refers;
	int err;

	(void)batch_record(b, &size);
	room_log(db, size);
	*p = (struct memtable_place){
	    .large = db->options.value_log_bytes,
	    .file = vref_file(db->log->number, VREF_KIND_LOG),
	    .offset = wal_size(db->log->wal) + WAL_RECORD_HEADER,
	    .payload = payload.data,
	};
	must(memtable_measure(payload, p, &bytes, &refers) == 0);
	err = memtable_reserve(
	    db->active, bytes, lsm_batch_count(b), batch_ranges(b)->count);
	if (!err && refers)
		err = segment_hold_values(db, db->log, db->active);
	return err;
}

/* The record goes to the kernel; on an error the log is as before, or the
 * store takes no more writes. */
static int
write_log(struct lsm *db, struct lsm_batch *b, const struct write_try *t)
{
	struct wal_stamp stamp = {
	    .seq = db->next_seq,
	    .count = lsm_batch_count(b),
	    .durable = lsm_durable_seq(db),
	};
	size_t size;
	uint8_t *record = batch_record(b, &size);
	int err;

	err = wal_append(db->log->wal, record, size, &stamp);
	if (err && !err_is_full(err))
		db_fail(db, err);
	if (err)
		return err;
	sync_foresee(db, t->under, size);
	db->figures.bytes_log += size;
	return 0;
}

/* Into the memtable, whose memory was reserved. */
static void
write_apply(
    struct lsm *db, const struct lsm_batch *b, const struct memtable_place *p)
{
	struct write_figures *f = &db->figures;
	struct batch_cursor c;
	struct batch_op op;
	uint64_t seq = db->next_seq;

	must(batch_cursor_init(&c, batch_payload(b)) == 0);
	memtable_expect(db->active, &c);
	while (batch_cursor_next(&c, &op) == 1) {
		must(memtable_add_op(db->active, seq++, &op, p) == 0);
		if ((seq - db->next_seq) % MEMTABLE_AHEAD == 0)
			memtable_expect(db->active, &c);
		if (op.kind == IKEY_KIND_DELETE)
			f->deletes++;
		else if (op.kind == IKEY_KIND_RANGE)
			f->range_deletes++;
		else
			f->puts++;
		f->bytes_user += op.key.size + op.value.size;
	}
	must(seq == db->next_seq + lsm_batch_count(b));
	memtable_settle(db->active);
	f->batches++;
	db->next_seq = seq;
}

static int
write_try(struct lsm *db, struct lsm_batch *b, struct write_try *t)
{
	uint32_t count = lsm_batch_count(b);
	struct memtable_place place;
	double used;
	int err;

	err = room_make(db, batch_ranges(b));
	t->stalled = err != 0;
	if (err)
		return err;
	used = room_used(db);
	if (count > IKEY_SEQ_MAX - db->next_seq)
		return -EOVERFLOW;
	err = write_prepare(db, b, &place);
	if (err)
		return err;
	err = write_log(db, b, t);
	if (err)
		return err;
	write_apply(db, b, &place);
	t->sleep_us = throttle_charge(&db->throttle, used, room_used(db));
	/* Release: who sees the number sees what is in the memtable. */
	atomic_store_explicit(
	    &db->written, db->next_seq - 1, memory_order_release);
	return 0;
}

/* On a full disk: what waits to be removed, and the reserve for who makes more
 * space than it takes. */
static bool
write_find_space(struct lsm *db, const struct lsm_batch *b)
{
	return reserve_serves(b) ? reserve_spend(db)
				 : reaper_empty(&db->reaper);
}

static int
write_batch(struct lsm *db, struct lsm_batch *b, struct write_try *t)
{
	int err;

	/* Relaxed: whoever misses one now takes it with the next batch. */
	if (atomic_load_explicit(&db->hint, memory_order_relaxed))
		hint_take(db);
	if (chunk_pool_wishes(&db->chunks))
		spare_want_memory(db);
	if (reserve_refuses(db, b))
		return -ENOSPC;
	err = write_try(db, b, t);
	if (err_is_full(err) && write_find_space(db, b))
		err = write_try(db, b, t);
	return err;
}

/*
 * On a full disk, until it is full for good: a compaction that does not fit
 * either has the space for a moment, and what is deleted gives back some once
 * it is flushed.  Caller holds write_lock, which is released while it waits.
 */
static int
write_insist(struct lsm *db, struct lsm_batch *b, const struct durability *d,
    uint64_t *sleep_us)
{
	unsigned vain = 0;
	int err;

	do {
		struct room_full f = {work_tally(db), .again = vain > 0};
		struct write_try t = {.under = d};

		err = write_batch(db, b, &t);
		*sleep_us = t.sleep_us;
		f.stalled = t.stalled;
		if (!err_is_full(err) || !room_await_space(db, &f))
			return err;
		vain = work_tally(db).done == f.before.done ? vain + 1 : 0;
	} while (vain < WRITE_VAIN_MAX);
	return err;
}

/* The debt of what was written, with no lock held. */
static void
write_pay(struct lsm *db, uint64_t sleep_us)
{
	if (sleep_us == 0)
		return;
	counter_add(&db->counters.delays, 1);
	counter_add(&db->counters.delayed_us, sleep_us);
	env_sleep_us(db->env, sleep_us);
}

int
lsm_write_under(struct lsm *db, struct lsm_batch *b, const struct durability *d,
    struct lsm_written *out)
{
	struct lsm_written done;
	uint64_t begin, sleep_us = 0;
	int err;

	if (lsm_batch_count(b) == 0) {
		*out = (struct lsm_written){.seq = lsm_seq(db)};
		return 0;
	}
	if (d && !durability_valid(d))
		return -EINVAL;
	begin = latency_sample(LATENCY_PUT);
	lock_acquire(&db->write_lock);
	err = write_insist(db, b, d, &sleep_us);
	if (!err) {
		done.seq = db->next_seq - 1;
		done.sync_seq = pace_note(db, d, done.seq);
	}
	lock_release(&db->write_lock);
	write_pay(db, sleep_us);
	latency_end(&db->latencies.put, begin);
	if (db->options.no_background && !err)
		(void)work_all(db);
	if (err)
		return err;
	*out = done;
	return 0;
}

int
lsm_write(struct lsm *db, struct lsm_batch *b, uint64_t *seq)
{
	uint64_t begin = latency_sample(LATENCY_COMMIT);
	struct lsm_written done;
	int err = lsm_write_under(db, b, NULL, &done);

	if (err)
		return err;
	if (seq)
		*seq = done.seq;
	err = done.sync_seq ? lsm_sync(db, done.sync_seq) : 0;
	latency_end(&db->latencies.commit, begin);
	return err;
}

uint64_t
lsm_seq(struct lsm *db)
{
	return atomic_load_explicit(&db->written, memory_order_acquire);
}
