#include "engine/db/segment.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"

/* A file that grows has been synced so often that spares are worth it. */
#define SEGMENT_SYNCS_MANY 16

#define SEGMENT_SYNCS_SOME 4

/* So often that a sync more does not matter. */
#define SEGMENT_SYNCS_TOO_MANY 64

/* A log is written through memory, so much of it at a time: the next piece
 * takes some tens of microseconds. */
#define SEGMENT_WINDOW_MAX (1u << 20)

/* Between two syncs, for that to pay. */
#define SEGMENT_WINDOW_RUN 16

static struct wal_id
segment_id(struct lsm *db, uint64_t number)
{
	return (struct wal_id){WAL_KIND_LOG, number, db->vset.salt};
}

/* In pieces that fit the size of a segment; but not the first kilobytes of a
 * file that grows, for it may never get more. */
static void
segment_map(struct lsm *db, struct wal *wal)
{
	size_t step = spare_bytes(db) / 16;
	struct wal_mapping how = {.run = SEGMENT_WINDOW_RUN};

	how.step = (step + WAL_WINDOW_STEP_MIN - 1) / WAL_WINDOW_STEP_MIN *
		   WAL_WINDOW_STEP_MIN;
	if (how.step > SEGMENT_WINDOW_MAX)
		how.step = SEGMENT_WINDOW_MAX;
	if (wal_prepared(wal) == 0)
		how.from = wal_size(wal) + how.step / 16;
	wal_map(wal, &how);
}

static void
segment_free(struct segment *s)
{
	wal_close(s->wal);
	values_unref(s->values);
	free(s->path);
	free(s);
}

/* It has its wal and path. */
static void
segment_init(struct lsm *db, struct segment *s, uint64_t first_seq)
{
	atomic_init(&s->refs, 1);
	s->number = wal_number(s->wal);
	s->first_seq = first_seq;
	segment_map(db, s->wal);
}

/* end 0: a new file, else one that is there, whose records end so. */
static int
segment_open(struct lsm *db, struct segment *s, const struct wal_id *id,
    uint64_t first_seq, uint64_t end)
{
	if (end > 0)
		return wal_append_to(db->env, s->path, id, end, &s->wal);
	return wal_create(db->env, s->path, id, first_seq, &s->wal);
}

/* The same.  The file comes last, so that nothing that fails has to remove
 * it. */
static int
segment_at(struct lsm *db, uint64_t number, uint64_t first_seq, uint64_t end,
    struct segment **out)
{
	const struct wal_id id = segment_id(db, number);
	struct segment *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = db_path(db, FILE_NAME_LOG, number, &s->path);
	if (!err)
		err = segment_open(db, s, &id, first_seq, end);
	if (err) {
		segment_free(s);
		return err;
	}
	segment_init(db, s, first_seq);
	*out = s;
	return 0;
}

/* Takes the spare. */
static int
segment_lay(struct lsm *db, struct spare *spare, uint64_t first_seq,
    struct segment **out)
{
	const struct wal_id id = segment_id(db, spare->number);
	struct segment *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (s)
		err = wal_create_in(
		    db->env, spare->path, &id, first_seq, &s->wal);
	if (err) {
		spare_drop(db, spare);
		free(s);
		return err;
	}
	s->path = spare->path;
	spare->path = NULL;
	spare_free(spare);
	segment_init(db, s, first_seq);
	s->named = true;
	*out = s;
	return 0;
}

int
segment_begin(struct lsm *db, uint64_t first_seq, struct segment **out)
{
	uint64_t number;
	struct spare *spare = spare_take_or_number(db, &number);

	return spare ? segment_lay(db, spare, first_seq, out)
		     : segment_at(db, number, first_seq, 0, out);
}

struct segment *
segment_begin_in_spare(struct lsm *db, uint64_t first_seq)
{
	struct spare *spare = spare_take(db);
	struct segment *s = NULL;

	if (spare && segment_lay(db, spare, first_seq, &s) < 0)
		return NULL;
	return s;
}

bool
segment_outgrown(const struct segment *s, size_t size, bool durable)
{
	uint64_t prepared = wal_prepared(s->wal);
	unsigned many = durable ? SEGMENT_SYNCS_MANY : SEGMENT_SYNCS_TOO_MANY;

	/* Relaxed: a figure by itself. */
	if (prepared == 0)
		return atomic_load_explicit(&s->syncs, memory_order_relaxed) >=
		       many;
	return wal_size(s->wal) + size > prepared;
}

bool
segment_is_synced(const struct segment *s)
{
	return atomic_load_explicit(&s->syncs, memory_order_relaxed) >=
	       SEGMENT_SYNCS_SOME;
}

int
segment_append_to(struct lsm *db, uint64_t number, uint64_t first_seq,
    uint64_t end, struct segment **out)
{
	must(end > 0);
	return segment_at(db, number, first_seq, end, out);
}

void
segment_set_durable(struct segment *s)
{
	s->named = true;
	s->synced = wal_size(s->wal);
}

void
segment_unref(struct segment *s)
{
	/* acq_rel: whoever frees it sees what the others did with it. */
	if (!s ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
		return;
	segment_free(s);
}

int
segment_hold_values(struct lsm *db, struct segment *s, struct memtable *m)
{
	uint64_t file = vref_file(s->number, VREF_KIND_LOG);
	int err = 0;

	if (!s->values)
		err = values_hold(&db->values, file, &s->values);
	return err ? err : memtable_hold_values(m, s->values);
}

void
segment_push(struct lsm *db, struct segment *s)
{
	struct segment *last = TAILQ_LAST(&db->segments, segment_list);

	must(!last || last->number < s->number);
	TAILQ_INSERT_TAIL(&db->segments, s, link);
}

struct segment *
segment_from(struct lsm *db, uint64_t number)
{
	struct segment *s;

	lock_assert_held(&db->sync_lock);
	TAILQ_FOREACH (s, &db->segments, link)
		if (s->number >= number)
			return s;
	return NULL;
}

uint64_t
segment_bytes(struct lsm *db)
{
	const struct segment *s;
	uint64_t bytes = 0;

	lock_acquire(&db->sync_lock);
	TAILQ_FOREACH (s, &db->segments, link)
		bytes += wal_size(s->wal);
	lock_release(&db->sync_lock);
	return bytes;
}

int
segment_take_all(struct lsm *db, struct segment ***out, size_t *count)
{
	struct segment **all, *s;
	size_t n = 0;

	lock_acquire(&db->sync_lock);
	TAILQ_FOREACH (s, &db->segments, link)
		n++;
	all = calloc(n, sizeof(struct segment *));
	n = 0;
	TAILQ_FOREACH (s, &db->segments, link) {
		if (!all)
			break;
		/* Relaxed: the lock orders it against the list's own. */
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
		all[n++] = s;
	}
	lock_release(&db->sync_lock);
	if (!all)
		return -ENOMEM;
	*out = all;
	*count = n;
	return 0;
}

void
segment_drop_all(struct segment **all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		segment_unref(all[i]);
	free(all);
}

int
segment_sync(struct lsm *db, struct segment *s)
{
	uint64_t begin;
	int err;

	if (!s->named) {
		err = env_sync_dir(db->env, db->dir);
		if (err)
			return err;
		lock_acquire(&db->sync_lock);
		s->named = true;
		lock_release(&db->sync_lock);
	}
	counter_add(&db->counters.syncs, 1);
	if (atomic_fetch_add_explicit(&s->syncs, 1, memory_order_relaxed) + 1 ==
	    SEGMENT_SYNCS_MANY)
		spare_want(db);
	begin = latency_begin();
	err = wal_sync(s->wal);
	latency_end(&db->latencies.sync, begin);
	return err;
}

int
segment_sync_header(struct lsm *db, struct segment *s)
{
	bool headed;
	int err;

	lock_acquire(&db->sync_lock);
	headed = s->headed || s->synced > 0;
	lock_release(&db->sync_lock);
	if (headed)
		return 0;
	err = wal_sync(s->wal);
	if (err) {
		db_fail(db, err);
		return db_failed(db);
	}
	/* The rest does not count: the file may have no durable name. */
	lock_acquire(&db->sync_lock);
	s->headed = true;
	lock_release(&db->sync_lock);
	return 0;
}

/* The first of the list if its number is below, taken out. */
static struct segment *
segment_shift(struct lsm *db, uint64_t number)
{
	struct segment *s;

	lock_acquire(&db->sync_lock);
	s = TAILQ_FIRST(&db->segments);
	if (s && s->number < number)
		TAILQ_REMOVE(&db->segments, s, link);
	else
		s = NULL;
	lock_release(&db->sync_lock);
	return s;
}

/* Its values stay, nothing else does. */
static void
segment_keep(struct segment *s)
{
	/* A failure was logged; the file is larger than it need be. */
	(void)wal_cut(s->wal);
	values_set_bytes(s->values, wal_size(s->wal));
}

/* With whoever lets go of its values last; how large it is tells the reaper
 * whether that one has the time. */
static void
segment_set_obsolete(struct segment *s)
{
	uint64_t written = wal_size(s->wal), ahead = wal_prepared(s->wal);

	values_set_bytes(s->values, written > ahead ? written : ahead);
	values_set_obsolete(s->values);
}

static void
segment_delete(struct lsm *db, struct segment *s)
{
	/* Memtables that are still being read may refer to it. */
	bool used = s->values && !values_is_alone(s->values);

	if (!used && spare_offer(db, s))
		return;
	if (s->values)
		segment_set_obsolete(s);
	else
		/* A failure was logged; the next open tries again. */
		env_unlink(db->env, s->path);
}

void
segment_delete_below(struct lsm *db, uint64_t number)
{
	struct version *v = vset_current(&db->vset);
	struct segment *s;

	while ((s = segment_shift(db, number))) {
		if (s->values && version_find_use(v, s->values->file))
			segment_keep(s);
		else
			segment_delete(db, s);
		segment_unref(s);
	}
	version_unref(v);
}

void
segment_drop_list(struct segment_list *l)
{
	struct segment *s;

	while ((s = TAILQ_FIRST(l))) {
		TAILQ_REMOVE(l, s, link);
		segment_unref(s);
	}
}

void
segment_cut_all(struct lsm *db)
{
	struct segment *s;

	lock_acquire(&db->sync_lock);
	TAILQ_FOREACH (s, &db->segments, link)
		/* A failure was logged; recovery cuts it. */
		(void)wal_cut(s->wal);
	lock_release(&db->sync_lock);
}
