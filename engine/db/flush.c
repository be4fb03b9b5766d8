#include "engine/db/flush.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/compact.h"
#include "engine/db/compact_ranges.h"
#include "engine/db/compression.h"
#include "engine/db/db.h"
#include "engine/db/flush_values.h"
#include "engine/db/room.h"
#include "engine/db/span.h"
#include "engine/db/sync.h"

/* What one flush works with. */
struct flush {
	struct lsm *db;
	struct memtable *memtable;
	/* All that is older than the memtable, for it is the oldest one. */
	const struct version *version;
	uint64_t *snapshots;
	size_t snapshot_count;
	struct expiry expiry;
	struct flush_values values;
	uint64_t expired;
	bool any; /* something is left for a table */
};

/* One way through the memtable; writer NULL: only what the table would refer
 * to is counted. */
struct flush_pass {
	struct flush *flush;
	struct compact_filter filter;
	struct compact_ranges ranges;
	struct span_keys older;
	struct iter *input;
	struct table_writer *writer;
};

static int
flush_init(struct flush *f, struct lsm *db, struct memtable *m,
    const struct version *older)
{
	*f = (struct flush){
	    .db = db,
	    .memtable = m,
	    .version = older,
	    .expiry = {.env = db->env, .dir = db->dir},
	    .values = {.db = db, .writer = {.vset = &db->vset}},
	};
	return snapshot_seqs(db, &f->snapshots, &f->snapshot_count);
}

static void
flush_fini(struct flush *f)
{
	flush_values_fini(&f->values);
	free(f->snapshots);
}

/* Range tombstones that end before the user key; data NULL: all. */
static int
flush_ranges(struct flush_pass *p, struct bytes user)
{
	struct ranges_fragment f;
	int rc;

	while ((rc = compact_ranges_next(
		    &p->ranges, user, COMPACT_RANGES_WHOLE, &f)) > 0) {
		rc = p->writer ? table_writer_add_range(p->writer, &f) : 0;
		if (rc)
			break;
		p->flush->any = true;
	}
	return rc;
}

static int
flush_put(struct flush_pass *p, const struct compact_entry *e)
{
	struct flush_values *v = &p->flush->values;
	int err;

	p->flush->any = true;
	if (!p->writer)
		return flush_values_count(v, &e->key, e->value);
	err = flush_ranges(p, e->key.user);
	if (!err)
		err = flush_values_put(v, p->writer, e->ikey, e->value);
	if (!err)
		compact_ranges_note(&p->ranges, &e->key);
	return err;
}

/* If somebody can still see it. */
static int
flush_entry(struct flush_pass *p)
{
	struct compact_entry e;
	bool older;
	int rc = compact_filter_take(&p->filter, p->input, &e);

	if (rc)
		return rc;
	/* What was put and deleted here leaves nothing behind. */
	older = e.key.kind == IKEY_KIND_DELETE &&
		span_holds_key(&p->older, e.key.user);
	if (!older && compact_ranges_hides(&p->ranges, &e.key))
		return 0;
	rc = compact_filter_drop(&p->filter, &e.key, older);
	if (rc)
		return rc < 0 ? rc : 0;
	return flush_put(p, &e);
}

static int
flush_entries(struct flush_pass *p)
{
	int rc, err;

	for (rc = iter_first(p->input); rc > 0; rc = iter_next(p->input)) {
		err = flush_entry(p);
		if (err)
			return err;
	}
	return rc < 0 ? rc : flush_ranges(p, (struct bytes){NULL, 0});
}

static int
flush_open(struct flush_pass *p)
{
	struct memtable *m = p->flush->memtable;
	struct ranges_build b = {0};
	int err = memranges_collect(&m->ranges, &b);

	if (!err)
		err = compact_ranges_begin(&p->ranges, &b);
	ranges_build_fini(&b);
	return err ? err : memtable_iter_open(m, &p->input);
}

static int
flush_pass(struct flush *f, struct table_writer *w)
{
	struct flush_pass p = {
	    .flush = f,
	    .filter = {.snapshots = f->snapshots,
		.snapshot_count = f->snapshot_count,
		.expiry = f->expiry},
	    .ranges = {.snapshots = f->snapshots,
		.snapshot_count = f->snapshot_count,
		.version = f->version},
	    .older = {.version = f->version},
	    .writer = w,
	};
	int err = flush_open(&p);

	if (!err)
		err = flush_entries(&p);
	iter_close(p.input);
	f->expiry = p.filter.expiry;
	f->expired = p.filter.expired;
	compact_filter_fini(&p.filter);
	compact_ranges_fini(&p.ranges);
	return err;
}

static int
flush_memtable(struct flush *f, struct table_writer *w)
{
	int err = 0;

	if (f->memtable->value_count > 0) {
		err = flush_pass(f, NULL);
		if (!err)
			err = flush_values_decide(&f->values);
	}
	if (!err)
		err = flush_pass(f, w);
	if (!err)
		counter_add(&f->db->counters.expired, f->expired);
	return err;
}

/* Writes the table at path, synced; none if nothing is left. */
static int
flush_write(
    struct flush *f, const char *path, uint64_t number, struct table_info *info)
{
	struct lsm *db = f->db;
	const struct table_writer_options o = {
	    .block_bytes = db->options.block_bytes,
	    .filter_bits = db->options.filter_bits,
	    .compress = compression_of(&db->options, false),
	};
	struct table_writer *w;
	int err;

	err = table_writer_open(db->env, path, number, &o, &w);
	if (err)
		return err;
	err = flush_memtable(f, w);
	if (err || !f->any) {
		table_writer_abandon(w);
		return err;
	}
	return table_writer_finish(w, info);
}

/* The finished table at path into the edit. */
static int
flush_add(struct lsm *db, const struct table_info *info, struct edit *e)
{
	struct version_file *file;
	int err = version_file_new(&db->vset.place, info, &file);

	if (err)
		return err;
	err = edit_add_file(e, 0, file);
	version_file_unref(file);
	if (err)
		return err;
	counter_add(&db->counters.bytes_flush, info->file_bytes);
	counter_add(&db->counters.level_written[0], info->file_bytes);
	return 0;
}

/* The header of a log that the manifest is about to name: without it the log
 * would count as damaged after a power cut. */
static int
flush_sync_log(struct lsm *db, uint64_t number)
{
	struct segment *s;
	int err;

	lock_acquire(&db->sync_lock);
	s = segment_from(db, number);
	must(s && s->number == number);
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	lock_release(&db->sync_lock);
	err = segment_sync_header(db, s);
	segment_unref(s);
	return err;
}

static int
flush_table(struct lsm *db, struct memtable *m, const struct version *older,
    bool keep, struct edit *e)
{
	uint64_t number = vset_new_number(&db->vset);
	struct table_info info = {0};
	struct flush f;
	char *path;
	int err;

	err = db_path(db, FILE_NAME_TABLE, number, &path);
	if (err)
		return err;
	err = flush_init(&f, db, m, older);
	f.values.keep = keep;
	if (!err)
		err = flush_write(&f, path, number, &info);
	if (!err) {
		err = flush_values_finish(&f.values);
		if (!err)
			err = flush_sync_log(db, e->log_number);
		/* Names must be durable before the manifest has them. */
		if (!err)
			err = env_sync_dir(db->env, db->dir);
		if (!err && f.any)
			err = flush_add(db, &info, e);
		if (err && f.any)
			env_unlink(db->env, path);
	}
	if (err)
		flush_values_abandon(&f.values);
	else
		counter_add(&db->counters.bytes_flush, f.values.writer.bytes);
	flush_fini(&f);
	table_info_fini(&info);
	free(path);
	return err;
}

/* The edit that replaces the oldest full memtable of the view and its log. */
static int
flush_prepare(struct lsm *db, const struct view *now, bool keep, struct edit *e)
{
	size_t n = now->full_count;
	struct memtable *m = now->full[n - 1];
	const struct memtable *next = n > 1 ? now->full[n - 2] : now->active;
	int err;

	e->log_number = next->log_no;
	e->last_seq = memtable_last_seq(m);
	if (memtable_count(m) > 0)
		return flush_table(db, m, now->version, keep, e);
	err = flush_sync_log(db, e->log_number);
	return err ? err : env_sync_dir(db->env, db->dir);
}

/* After an error the table is vset's to delete.  Takes v, an empty view. */
static int
flush_install(struct lsm *db, struct edit *e, struct view *v)
{
	int err = vset_apply(&db->vset, e);

	if (err) {
		view_unref(v);
		return err;
	}
	lock_acquire(&db->state_lock);
	v = view_renew(db, v, true);
	work_want(&db->compaction);
	lock_release(&db->state_lock);
	view_unref(v);

	compaction_feed(db);
	sync_advance(db, e->last_seq);
	counter_add(&db->counters.flushes, 1);
	return 0;
}

/* The oldest full memtable of the view; keep: its values stay in the log. */
static int
flush_oldest(struct lsm *db, const struct view *now, bool keep)
{
	struct view *v = view_new(db->full_max);
	struct edit e = {0};
	int err;

	if (!v)
		return -ENOMEM;
	err = flush_prepare(db, now, keep, &e);
	if (err)
		view_unref(v);
	else
		err = flush_install(db, &e, v);
	edit_fini(&e);
	return err;
}

/* With as much space as there is. */
static int
flush_insist(struct lsm *db, const struct view *now)
{
	int err = flush_oldest(db, now, false);

	if (err_is_full(err) && reserve_spend(db))
		err = flush_oldest(db, now, false);
	if (err_is_full(err) && now->full[now->full_count - 1]->value_count > 0)
		err = flush_oldest(db, now, true);
	return err;
}

int
flush_step(struct lsm *db)
{
	uint64_t begin, begin_us;
	struct view *now;
	bool grown;
	int rc = 0;

	room_flush_spent(db);
	now = view_get(db);
	if (now->full_count > 0) {
		begin = latency_begin();
		begin_us = env_now_us(db->env);
		rc = flush_insist(db, now);
		latency_end(&db->latencies.flush, begin);
		if (rc == 0) {
			throttle_flushed(&db->throttle,
			    now->full[now->full_count - 1]->used,
			    env_now_us(db->env) - begin_us);
			rc = 1;
		}
	}
	view_unref(now);
	/* Now that this memtable does not refer to their values any more. */
	if (rc > 0)
		segment_delete_below(
		    db, atomic_load_explicit(
			    &db->vset.log_number, memory_order_acquire));
	grown =
	    atomic_exchange_explicit(&db->grown, false, memory_order_relaxed);
	if (rc > 0 || (rc == 0 && grown))
		reserve_want(db);
	return rc;
}

/* Waits until memtables of logs below number are in tables. */
static int
flush_wait(struct lsm *db, uint64_t number)
{
	const struct view *v;
	int err = 0;

	lock_acquire(&db->state_lock);
	while (!err) {
		v = db->view;
		if (v->full_count == 0 ||
		    v->full[v->full_count - 1]->log_no >= number)
			break;
		err = work_await(&db->flush);
	}
	lock_release(&db->state_lock);
	return err;
}

int
lsm_flush(struct lsm *db)
{
	uint64_t number;
	int err;

	lock_acquire(&db->write_lock);
	err = room_rotate(db);
	number = db->active->log_no;
	lock_release(&db->write_lock);
	return err ? err : flush_wait(db, number);
}
