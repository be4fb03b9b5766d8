#include "engine/db/recover.h"

#include <stdlib.h>

#include "engine/db/db.h"
#include "engine/db/replay.h"

/* --- what comes of them --------------------------------------------------- */

static int
recover_delete(struct replay *r, const struct replay_log *l)
{
	char *path;
	int err;

	err = db_path(r->db, FILE_NAME_LOG, l->number, &path);
	if (err)
		return err;
	if (l->first_seq > 0)
		env_log(r->db->env, ERR_LEVEL_INFO,
		    "%s: deleted: it follows writes that were lost before"
		    " they were synced",
		    path);
	err = env_unlink(r->db->env, path);
	free(path);
	return err;
}

/* Durably, before their numbers are given again. */
static int
recover_delete_rest(struct replay *r)
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < r->count && !err; i++) {
		if (r->logs[i].memtable)
			continue;
		any = true;
		err = recover_delete(r, &r->logs[i]);
	}
	return any && !err ? env_sync_dir(r->db->env, r->db->dir) : err;
}

/* Writing goes on in s, which holds what is in m. */
static void
recover_push(struct lsm *db, struct segment *s, struct memtable *m)
{
	segment_push(db, s);
	db->log = s;
	db->active = m;
}

/* Writing goes on in l; what is in its memtable is in it. */
static int
recover_segment(struct lsm *db, const struct replay_log *l)
{
	struct segment *s;
	int err = segment_append_to(db, l->number, l->first_seq, l->end, &s);

	if (err)
		return err;
	segment_set_durable(s);
	if (l->memtable->value_count > 0)
		err = segment_hold_values(db, s, l->memtable);
	if (err)
		segment_unref(s);
	else
		recover_push(db, s, l->memtable);
	return err;
}

/* The logs with memtables, and a new one if there is none to go on with. */
static int
recover_segments(struct replay *r)
{
	struct lsm *db = r->db;
	bool go_on = false;
	struct segment *s;
	int err;

	for (size_t i = 0; i < r->count; i++) {
		const struct replay_log *l = &r->logs[i];

		if (!l->memtable)
			continue;
		err = recover_segment(db, l);
		if (err)
			return err;
		go_on = !l->is_old;
	}
	if (go_on)
		return 0;
	err = segment_begin(db, r->seq + 1, &s);
	if (!err)
		recover_push(db, s, NULL);
	return err;
}

/* Takes the memtables of the logs. */
static int
recover_view(struct replay *r)
{
	struct lsm *db = r->db;
	struct view *v;

	db->full_max = db->options.memtables_max + r->count;
	v = view_new(db->full_max);
	if (!v)
		return -ENOMEM;
	if (!db->active) {
		db->active =
		    memtable_new_sized(db->options.memtable_bytes, &db->chunks);
		if (!db->active) {
			view_unref(v);
			return -ENOMEM;
		}
		db->active->log_no = db->log->number;
	}
	for (size_t i = r->count; i-- > 0;) {
		struct memtable *m = r->logs[i].memtable;

		if (m && m != db->active)
			v->full[v->full_count++] = m;
		r->logs[i].memtable = NULL;
	}
	v->active = db->active;
	v->version = vset_current(&db->vset);
	view_begin(db, v);
	return 0;
}

/*
 * The manifest names the first log, so that a missing or empty one is seen at
 * the next open (replay.c).  Its name and header are durable before.
 */
static int
recover_name_log(struct lsm *db)
{
	struct segment *first = TAILQ_FIRST(&db->segments);
	struct edit e = {.log_number = first->number};
	int err;

	if (e.log_number == atomic_load(&db->vset.log_number))
		return 0;
	err = segment_sync(db, first);
	return err ? err : vset_apply(&db->vset, &e);
}

static int
recover_install(struct replay *r)
{
	struct lsm *db = r->db;
	int err;

	err = vset_delete_unnamed(&db->vset);
	if (!err)
		err = recover_segments(r);
	if (!err)
		err = recover_name_log(db);
	if (!err)
		err = recover_delete_rest(r);
	if (!err)
		err = recover_view(r);
	if (err)
		return err;
	db->next_seq = r->seq + 1;
	atomic_store(&db->written, r->seq);
	atomic_store(&db->durable, r->seq);
	return 0;
}

int
recover_run(struct lsm *db)
{
	struct replay r;
	int err = replay_read(db, &r);

	if (!err)
		err = recover_install(&r);
	replay_fini(&r);
	return err;
}
