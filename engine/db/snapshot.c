#include "engine/db/snapshot.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"

void
snapshot_list_init(struct snapshot_list *l)
{
	lock_init(&l->lock, LOCK_RANK_LEAF);
	TAILQ_INIT(&l->queue);
	l->count = 0;
}

void
snapshot_list_fini(struct snapshot_list *l)
{
	must(l->count == 0);
	lock_fini(&l->lock);
}

/* --- handles -------------------------------------------------------------- */

/* Caller holds l->lock. */
static void
snapshot_insert(struct snapshot_list *l, struct lsm_snapshot *s, uint64_t seq)
{
	s->seq = seq;
	TAILQ_INSERT_TAIL(&l->queue, s, link);
	l->count++;
}

int
lsm_snapshot_open(struct lsm *db, struct lsm_snapshot **out)
{
	struct snapshot_list *l = &db->snapshots;
	struct lsm_snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	/* Loaded under the lock: whoever took the list before took a `written`
	 * that is not above this one. */
	lock_acquire(&l->lock);
	snapshot_insert(l, s, lsm_seq(db));
	lock_release(&l->lock);
	*out = s;
	return 0;
}

void
lsm_snapshot_close(struct lsm *db, struct lsm_snapshot *s)
{
	struct snapshot_list *l = &db->snapshots;

	if (!s)
		return;
	lock_acquire(&l->lock);
	TAILQ_REMOVE(&l->queue, s, link);
	l->count--;
	lock_release(&l->lock);
	free(s);
	compaction_let_go(db);
}

/* --- named ones ----------------------------------------------------------- */

/* What the handle s shows gets a name. */
static int
snapshot_name(struct lsm *db, const struct lsm_snapshot *s, const char *name)
{
	struct edit e = {0};
	int err = lsm_sync(db, s->seq);

	if (!err)
		err =
		    named_add(&e.snapshots, name, s->seq, env_wall_ms(db->env));
	if (!err)
		err = vset_apply(&db->vset, &e);
	edit_fini(&e);
	return err;
}

int
lsm_snapshot_create(struct lsm *db, const char *name)
{
	struct lsm_snapshot *s;
	int err;

	if (!named_valid(name))
		return -EINVAL;
	err = lsm_snapshot_open(db, &s);
	if (err)
		return err;
	err = snapshot_name(db, s, name);
	lsm_snapshot_close(db, s);
	return err;
}

int
lsm_snapshot_delete(struct lsm *db, const char *name)
{
	struct edit e = {0};
	int err;

	if (!named_valid(name))
		return -EINVAL;
	err = named_add(&e.drops, name, 0, 0);
	if (!err)
		err = vset_apply(&db->vset, &e);
	if (err_is_full(err) && reserve_spend(db))
		err = vset_apply(&db->vset, &e);
	if (!err)
		compaction_let_go(db);
	edit_fini(&e);
	return err;
}

int
lsm_snapshot_find(struct lsm *db, const char *name, struct lsm_snapshot **out)
{
	struct snapshot_list *l = &db->snapshots;
	struct lsm_snapshot *s = calloc(1, sizeof(*s));
	const struct named *n;

	if (!s)
		return -ENOMEM;
	/* Both locks: in between the snapshot could be dropped, and what it
	 * shows with it. */
	lock_acquire(&db->vset.current_lock);
	n = named_find(&db->vset.named, name);
	if (n) {
		lock_acquire(&l->lock);
		snapshot_insert(l, s, n->seq);
		lock_release(&l->lock);
	}
	lock_release(&db->vset.current_lock);
	if (!n) {
		free(s);
		return -ENOENT;
	}
	*out = s;
	return 0;
}

int
lsm_snapshot_list(struct lsm *db,
    int (*each)(void *ctx, const char *name, uint64_t seq, uint64_t created_ms),
    void *ctx)
{
	struct named_set copy = {0};
	const struct named *n;
	int rc;

	lock_acquire(&db->vset.current_lock);
	rc = named_add_all(&copy, &db->vset.named);
	lock_release(&db->vset.current_lock);
	for (n = named_first(&copy); n && !rc; n = named_next(n))
		rc = each(ctx, n->name, n->seq, n->created_ms);
	named_fini(&copy);
	return rc;
}

/* --- all of them ---------------------------------------------------------- */

static int
snapshot_cmp(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Into `all`, which has room for them: how many.  Caller holds both locks. */
static size_t
snapshot_collect(struct lsm *db, uint64_t *all)
{
	const struct lsm_snapshot *s;
	const struct named *n;
	size_t count = 0;

	/* Nothing is visible at 0. */
	TAILQ_FOREACH (s, &db->snapshots.queue, link)
		if (s->seq > 0)
			all[count++] = s->seq;
	for (n = named_first(&db->vset.named); n; n = named_next(n))
		if (n->seq > 0)
			all[count++] = n->seq;
	all[count++] = lsm_seq(db);
	return count;
}

/* As snapshot_collect. */
static uint64_t
snapshot_min(struct lsm *db)
{
	const struct lsm_snapshot *s;
	const struct named *n;
	uint64_t min = lsm_seq(db);

	TAILQ_FOREACH (s, &db->snapshots.queue, link)
		if (s->seq > 0 && s->seq < min)
			min = s->seq;
	for (n = named_first(&db->vset.named); n; n = named_next(n))
		if (n->seq > 0 && n->seq < min)
			min = n->seq;
	return min;
}

uint64_t
snapshot_oldest(struct lsm *db)
{
	uint64_t min;

	lock_acquire(&db->vset.current_lock);
	lock_acquire(&db->snapshots.lock);
	min = snapshot_min(db);
	lock_release(&db->snapshots.lock);
	lock_release(&db->vset.current_lock);
	return min;
}

int
snapshot_seqs(struct lsm *db, uint64_t **seqs, size_t *count)
{
	struct snapshot_list *l = &db->snapshots;
	uint64_t *all;
	size_t n = 0;

	/* Both locks: a number that passes from a handle to a name, or back, is
	 * in one of the lists at any moment. */
	lock_acquire(&db->vset.current_lock);
	lock_acquire(&l->lock);
	all = calloc(l->count + db->vset.named.count + 1, sizeof(*all));
	if (all)
		n = snapshot_collect(db, all);
	lock_release(&l->lock);
	lock_release(&db->vset.current_lock);
	if (!all)
		return -ENOMEM;
	qsort(all, n, sizeof(*all), snapshot_cmp);
	*seqs = all;
	*count = n;
	return 0;
}
