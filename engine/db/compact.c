#include "engine/db/compact.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/db/collect.h"
#include "engine/db/compact_cut.h"
#include "engine/db/compact_output.h"
#include "engine/table/merge.h"

/* Entries between two looks at *stop and two calls of progress. */
#define CHECK_ENTRIES 1024

/* A piece has at least so many times table_bytes of inputs: it ends with a
 * table that is not full. */
#define PIECE_TABLES 4

/* What all pieces of one compaction share. */
struct whole {
	struct compact_job *job;
	uint64_t entries_total; /* of the inputs, as the version knows */
	pthread_t caller;
	struct expiry expiry; /* for each piece a copy */
	/* Relaxed, both: figures, and a wish to stop. */
	_Atomic uint64_t entries; /* read */
	atomic_bool failed;       /* one of them */
	struct run *runs;
	unsigned count;
};

/* One piece: the keys at and above begin, below end; data NULL: all. */
struct run {
	struct compact_job *job;
	struct whole *whole;
	struct bytes begin;
	struct bytes end;
	int err;
	struct iter *input;
	struct compact_filter filter;
	struct compact_ranges ranges;
	/* What may be older stands below the output: what stands elsewhere and
	 * is no input is newer, as picks promise. */
	struct span_keys older;
	struct collect collect;
	struct compact_output output;
	uint64_t entries; /* read, not yet added to the whole's */
	bool may_cut;     /* nothing was put out yet of the present user key */
};

/* --- inputs ------------------------------------------------------------ */

/* Level 0 tables overlap, so each is one child; else there is one for all. */
static int
open_level(
    const struct pick_input *in, bool overlapping, struct iter **out, size_t *n)
{
	size_t step = overlapping ? 1 : in->count;
	int err = 0;

	for (size_t i = 0; !err && i < in->count; i += step) {
		err = version_iter_open(in->files + i, step, false, &out[*n]);
		if (!err)
			++*n;
	}
	return err;
}

static int
open_inputs(struct run *r)
{
	const struct pick *p = r->job->pick;
	struct iter **children =
	    calloc(p->inputs[0].count + LSM_LEVELS, sizeof(*children));
	size_t n = 0;
	int err = 0;

	if (!children)
		return -ENOMEM;
	for (unsigned i = 0; !err && i < LSM_LEVELS; i++)
		err = open_level(&p->inputs[i], i == 0, children, &n);
	if (!err)
		err = merge_open(children, n, &r->input);
	else
		while (n > 0)
			iter_close(children[--n]);
	free(children);
	return err;
}

static uint64_t
count_entries(const struct pick *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; j < p->inputs[i].count; j++)
			n += p->inputs[i].files[j]->entries;
	return n;
}

/* What the piece has of a fragment. */
static int
add_fragment(const struct run *r, struct ranges_build *b,
    const struct ranges_fragment *f)
{
	struct bytes begin = f->begin, end = f->end;
	int err = 0;

	if (bytes_cmp(r->begin, begin) > 0)
		begin = r->begin;
	if (r->end.data)
		end = ranges_first_end(end, r->end);
	if (end.size > 0 && bytes_cmp(begin, end) >= 0)
		return 0;
	for (size_t i = 0; !err && i < f->seq_count; i++)
		err = ranges_build_add(b, begin, end, f->seqs[i], f->seqs[i]);
	return err;
}

static int
add_ranges(const struct run *r, struct ranges_build *b, struct version_file *f)
{
	const struct ranges *set;
	struct table *t;
	int err;

	if (f->ranges == 0)
		return 0;
	err = version_file_table(f, &t);
	if (err)
		return err;
	set = table_ranges(t);
	for (size_t i = 0; !err && i < set->count; i++)
		err = add_fragment(r, b, &set->fragments[i]);
	return err;
}

static int
open_ranges(struct run *r)
{
	const struct pick *p = r->job->pick;
	struct ranges_build b = {0};
	int err = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; !err && j < p->inputs[i].count; j++)
			err = add_ranges(r, &b, p->inputs[i].files[j]);
	if (!err)
		err = compact_ranges_begin(&r->ranges, &b);
	ranges_build_fini(&b);
	return err;
}

/* --- merging ----------------------------------------------------------- */

static bool
shall_stop(const struct run *r)
{
	/* Relaxed: wishes, with nothing behind them. */
	if (atomic_load_explicit(&r->whole->failed, memory_order_relaxed))
		return true;
	return r->job->stop &&
	       atomic_load_explicit(r->job->stop, memory_order_relaxed);
}

static void
tell_progress(const struct whole *w)
{
	const struct compact_job *j = w->job;
	uint64_t entries =
	    atomic_load_explicit(&w->entries, memory_order_relaxed);

	if (!j->progress || !pthread_equal(pthread_self(), w->caller))
		return;
	if (w->entries_total == 0)
		j->progress(j->progress_ctx, j->pick->bytes);
	else if (entries <= w->entries_total)
		j->progress(j->progress_ctx,
		    (uint64_t)((double)j->pick->bytes * (double)entries /
			       (double)w->entries_total));
}

static int
look_around(struct run *r)
{
	atomic_fetch_add_explicit(
	    &r->whole->entries, r->entries, memory_order_relaxed);
	r->entries = 0;
	if (shall_stop(r))
		return -ECANCELED;
	tell_progress(r->whole);
	return 0;
}

/* 1 drop, 0 keep, <0. */
static int
judge(struct run *r, const struct ikey *key)
{
	bool deeper;
	int rc;

	deeper = key->kind == IKEY_KIND_DELETE &&
		 span_holds_key(&r->older, key->user);
	if (!deeper && compact_ranges_hides(&r->ranges, key))
		return 1;
	rc = compact_filter_drop(&r->filter, key, deeper);
	r->may_cut |= r->filter.new_user;
	return rc;
}

static int
one_entry(struct run *r)
{
	struct compact_entry e;
	int rc = compact_filter_take(&r->filter, r->input, &e);

	if (!rc)
		rc = judge(r, &e.key);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = collect_entry(&r->collect, &e);
	if (rc)
		return rc;
	rc = compact_output_add(&r->output, e.ikey, e.value, r->may_cut);
	r->may_cut = false;
	return rc;
}

static int
first_entry(struct run *r)
{
	struct buf target = {0};
	int rc;

	if (!r->begin.data)
		return iter_first(r->input);
	rc = ikey_append(&target, r->begin, IKEY_SEQ_MAX, IKEY_KIND_SEEK);
	if (!rc)
		rc = iter_seek(r->input, buf_bytes(&target));
	buf_fini(&target);
	return rc;
}

static bool
is_behind(const struct run *r)
{
	return r->end.data && bytes_cmp(ikey_user(r->input->key), r->end) >= 0;
}

static int
merge_all(struct run *r)
{
	int err = 0, rc;

	for (rc = first_entry(r); rc > 0; rc = iter_next(r->input)) {
		if (is_behind(r))
			break;
		if (r->entries == CHECK_ENTRIES)
			err = look_around(r);
		r->entries++;
		if (!err)
			err = one_entry(r);
		if (err)
			return err;
	}
	return rc < 0 ? rc : look_around(r);
}

/* --- the edit ---------------------------------------------------------- */

static int
remove_inputs(const struct pick *p, struct edit *e)
{
	int err = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; !err && j < p->inputs[i].count; j++)
			err = edit_remove_file(
			    e, i, p->inputs[i].files[j]->number);
	return err;
}

static int
move_files(const struct pick *p, struct edit *out)
{
	const struct pick_input *in = &p->inputs[p->level];
	struct edit e = {0};
	int err = remove_inputs(p, &e);

	for (size_t i = 0; !err && i < in->count; i++)
		err = edit_add_file(&e, p->output_level, in->files[i]);
	if (err)
		edit_fini(&e);
	else
		*out = e;
	return err;
}

static bool
is_bottom(const struct compact_job *j)
{
	for (unsigned i = j->pick->output_level + 1; i < LSM_LEVELS; i++)
		if (j->version->levels[i].count > 0)
			return false;
	return true;
}

static void
run_init(struct run *r, struct whole *w, struct bytes begin, struct bytes end)
{
	struct compact_job *job = w->job;
	unsigned level = job->pick->output_level, below = level + 1;

	*r = (struct run){
	    .job = job,
	    .whole = w,
	    .begin = begin,
	    .end = end,
	    .filter = {.snapshots = job->snapshots,
		.snapshot_count = job->snapshot_count,
		.expiry = w->expiry},
	    .ranges = {.snapshots = job->snapshots,
		.snapshot_count = job->snapshot_count,
		.version = job->version,
		.below = below},
	    .older = {.version = job->version, .level = below},
	    .collect = {.plan = job->plan, .writer = {.vset = job->vset}},
	    .output = {.vset = job->vset,
		.options = job->options,
		.ranges = &r->ranges,
		.level = level,
		.bottom = is_bottom(job),
		.below =
		    below < LSM_LEVELS ? &job->version->levels[below] : NULL},
	};
}

static int
run_merge(struct run *r)
{
	int err = open_inputs(r);

	if (!err)
		err = open_ranges(r);
	if (!err)
		err = merge_all(r);
	if (!err)
		err = collect_finish(&r->collect);
	if (!err)
		err = compact_output_finish(&r->output);
	iter_close(r->input);
	compact_ranges_fini(&r->ranges);
	return err;
}

static void
run_piece(void *ctx, unsigned piece)
{
	struct whole *w = ctx;
	struct run *r = &w->runs[piece];

	r->err = run_merge(r);
	if (r->err)
		atomic_store_explicit(&w->failed, true, memory_order_relaxed);
}

/* failed: what it has written is nobody's. */
static void
run_fini(struct run *r, bool failed)
{
	if (failed) {
		compact_output_abandon(&r->output);
		collect_abandon(&r->collect);
	}
	collect_fini(&r->collect);
	compact_filter_fini(&r->filter);
}

/* --- the whole ---------------------------------------------------------- */

/* Into how many pieces it is worth to be cut. */
static size_t
pieces_of(const struct compact_job *j)
{
	uint64_t table = j->options->table_bytes;
	uint64_t most, fit;

	if (!j->helpers || j->helpers->thread_count < 2)
		return 1;
	/* The pieces are never done at the same speed. */
	most = 2 * (uint64_t)j->helpers->thread_count;
	fit = j->pick->bytes / PIECE_TABLES / table;
	if (fit < 2)
		return 1;
	return (size_t)(fit < most ? fit : most);
}

static int
cut(struct whole *w)
{
	struct bytes cuts[COMPACT_CUT_MAX + 2] = {{0}};
	size_t n = compact_cut(w->job->pick, pieces_of(w->job), cuts + 1);

	w->runs = calloc(n + 1, sizeof(*w->runs));
	if (!w->runs)
		return -ENOMEM;
	w->count = w->job->pieces = (unsigned)n + 1;
	cuts[n + 1] = (struct bytes){0};
	for (size_t i = 0; i <= n; i++)
		run_init(&w->runs[i], w, cuts[i], cuts[i + 1]);
	return 0;
}

/* A table that says less than it has written in it must not pass for the whole:
 * it would be deleted. */
static int
check_complete(const struct whole *w)
{
	uint64_t entries =
	    atomic_load_explicit(&w->entries, memory_order_relaxed);
	const struct compact_job *j = w->job;

	if (entries == w->entries_total)
		return 0;
	env_log(j->vset->place.env, ERR_LEVEL_ERROR,
	    "%s: compaction of level %u: damaged: the tables have %" PRIu64
	    " entries, but %" PRIu64 " were read",
	    j->vset->place.dir, j->pick->level, w->entries_total, entries);
	return ERR_DAMAGED;
}

/* The first that did not only stop because of another. */
static int
error_of(const struct whole *w)
{
	int err = 0;

	for (unsigned i = 0; i < w->count; i++)
		if (w->runs[i].err && (!err || err == -ECANCELED))
			err = w->runs[i].err;
	return err;
}

static void
do_pieces(struct whole *w)
{
	struct work_pieces p = {.run = run_piece, .ctx = w, .count = w->count};

	if (w->count > 1)
		work_divide(w->job->helpers, &p);
	else
		run_piece(w, 0);
}

static int
merge_pieces(struct whole *w)
{
	int err = cut(w);

	if (err)
		return err;
	do_pieces(w);
	err = error_of(w);
	return err ? err : check_complete(w);
}

/* The outputs of the pieces become one edit's.  Their names are durable before
 * the manifest has them. */
static int
take_outputs(struct whole *w, struct edit *e)
{
	const struct version_place *place = &w->job->vset->place;
	int err = 0;

	for (unsigned i = 0; i < w->count; i++) {
		const struct edit *from = &w->runs[i].output.edit;

		for (size_t j = 0; !err && j < from->add_count; j++)
			err = edit_add_file(
			    e, from->adds[j].level, from->adds[j].file);
	}
	if (!err)
		err = remove_inputs(w->job->pick, e);
	if (!err && e->add_count > 0)
		err = env_sync_dir(place->env, place->dir);
	return err;
}

/* They are the edit's now, not to be abandoned with the pieces. */
static void
count_outputs(struct whole *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct run *r = &w->runs[i];

		w->job->bytes_written +=
		    r->output.bytes_written + r->collect.writer.bytes;
		w->job->moved += r->collect.moved;
		w->job->expired += r->filter.expired;
		edit_fini(&r->output.edit);
	}
}

static int
run_whole(struct whole *w, struct edit *out)
{
	struct edit e = {0};
	int err = merge_pieces(w);

	if (!err)
		err = take_outputs(w, &e);
	if (err) {
		edit_fini(&e);
	} else {
		count_outputs(w);
		*out = e;
		tell_progress(w);
	}
	for (unsigned i = 0; i < w->count; i++)
		run_fini(&w->runs[i], err != 0);
	free(w->runs);
	return err;
}

int
compact_run(struct compact_job *job, struct edit *out)
{
	struct whole w = {
	    .job = job,
	    .entries_total = count_entries(job->pick),
	    .caller = pthread_self(),
	    .expiry = {.env = job->vset->place.env,
		.dir = job->vset->place.dir},
	};

	job->bytes_written = job->expired = job->moved = 0;
	job->pieces = 0;
	if (job->pick->trivial)
		return move_files(job->pick, out);
	/* All pieces are of one moment. */
	if (job->version->expiring_count > 0)
		expiry_begin(&w.expiry);
	return run_whole(&w, out);
}
