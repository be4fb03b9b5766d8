#include "engine/db/checkpoint_state.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"

/* --- the log -------------------------------------------------------------- */

static int
log_is_empty(struct lsm *db, const struct checkpoint_log *l)
{
	env_log(db->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset 0: the file is empty, but it is in use",
	    l->segment->path);
	return ERR_DAMAGED;
}

/* Flushed and deleted since it was in the list: then it is gone. */
static int
open_log(struct lsm *db, struct checkpoint_log *l)
{
	const struct wal_id id = {
	    WAL_KIND_LOG, l->segment->number, db->vset.salt};
	const char *path = l->segment->path;
	int err = wal_reader_open(db->env, path, &id, &l->reader);

	if (!err)
		err = env_open(db->env, path, ENV_OPEN_READ, &l->file);
	if (err == -ENODATA)
		err = log_is_empty(db, l);
	return err == -ENOENT ? 0 : err;
}

/* The files that hold anything up to st->seq.  A reference keeps a file from
 * being used again, but not from being deleted: so they are opened now. */
static int
take_logs(struct lsm *db, struct checkpoint_state *st)
{
	int err = segment_take_all(db, &st->segments, &st->segment_count);

	if (err)
		return err;
	st->logs = calloc(st->segment_count, sizeof(*st->logs));
	if (!st->logs)
		return -ENOMEM;
	for (size_t i = 0; i < st->segment_count && !err; i++) {
		const struct segment *s = st->segments[i];
		struct checkpoint_log *l = &st->logs[st->log_count];

		if (s->first_seq > st->seq)
			break;
		if (i > 0)
			l[-1].last_seq = s->first_seq - 1;
		*l = (struct checkpoint_log){.segment = s, .last_seq = st->seq};
		st->log_count++;
		err = open_log(db, l);
	}
	return err;
}

/* Leaves out the first n. */
static void
drop_logs(struct checkpoint_state *st, size_t n)
{
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		wal_reader_close(st->logs[i].reader);
		env_close(st->logs[i].file);
	}
	st->log_count -= n;
	memmove(st->logs, st->logs + n,
	    st->log_count * sizeof(struct checkpoint_log));
}

/* --- together ------------------------------------------------------------- */

/* Those whose files are not in the tables; none of them is gone. */
static int
keep_needed_logs(struct lsm *db, struct checkpoint_state *st)
{
	struct edit *whole = &st->whole;
	size_t n = 0;

	while (n < st->log_count &&
	       st->logs[n].segment->number < whole->log_number)
		n++;
	drop_logs(st, n);
	for (size_t i = 0; i < st->log_count; i++) {
		if (st->logs[i].file)
			continue;
		env_log(db->env, ERR_LEVEL_ERROR,
		    "%s: missing, but it is in use", st->logs[i].segment->path);
		return ERR_DAMAGED;
	}
	return 0;
}

static int
cmp_values(const void *a, const void *b)
{
	const struct checkpoint_values *x = a, *y = b;

	return (x->file->file > y->file->file) -
	       (x->file->file < y->file->file);
}

/* Each file once. */
static void
merge_values(struct checkpoint_state *st)
{
	struct checkpoint_values *v = st->values;
	size_t n = 0;

	if (st->value_count == 0)
		return;
	qsort(v, st->value_count, sizeof(*v), cmp_values);
	for (size_t i = 1; i < st->value_count; i++) {
		if (v[i].file != v[n].file)
			v[++n] = v[i];
		else if (v[i].end > v[n].end)
			v[n].end = v[i].end;
	}
	st->value_count = n + 1;
}

static int
take_values(struct checkpoint_state *st)
{
	const struct edit *whole = &st->whole;
	size_t n = 0;

	for (size_t i = 0; i < whole->add_count; i++)
		n += whole->adds[i].file->value_refs.count;
	st->values = calloc(n, sizeof(*st->values));
	if (n > 0 && !st->values)
		return -ENOMEM;
	for (size_t i = 0; i < whole->add_count; i++) {
		const struct version_file *f = whole->adds[i].file;

		for (size_t j = 0; j < f->value_refs.count; j++)
			st->values[st->value_count++] =
			    (struct checkpoint_values){
				.file = f->values[j],
				.end = f->value_refs.uses[j].end,
			    };
	}
	merge_values(st);
	return 0;
}

/* Those made after the moment that the copy shows are not in it. */
static int
drop_later_snapshots(struct checkpoint_state *st)
{
	struct named_set kept = {0};
	const struct named *n;
	int err = 0;

	for (n = named_first(&st->whole.snapshots); n && !err;
	     n = named_next(n))
		if (n->seq <= st->seq)
			err = named_add(&kept, n->name, n->seq, n->created_ms);
	named_fini(&st->whole.snapshots);
	named_take(&st->whole.snapshots, &kept);
	return err;
}

int
checkpoint_state_take(struct lsm *db, struct checkpoint_state *out)
{
	int err;

	*out = (struct checkpoint_state){.seq = lsm_seq(db)};
	/* Or a power cut could take from the store what the copy has, and its
	 * numbers would be given again. */
	err = lsm_sync(db, out->seq);
	if (!err)
		err = take_logs(db, out);
	if (!err)
		err = vset_whole(&db->vset, &out->whole);
	if (!err)
		err = keep_needed_logs(db, out);
	if (!err)
		err = take_values(out);
	if (err)
		return err;
	if (out->seq < out->whole.last_seq)
		out->seq = out->whole.last_seq;
	return drop_later_snapshots(out);
}

void
checkpoint_state_fini(struct checkpoint_state *st)
{
	drop_logs(st, st->log_count);
	free(st->logs);
	free(st->values);
	segment_drop_all(st->segments, st->segment_count);
	edit_fini(&st->whole);
}
