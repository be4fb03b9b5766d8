#include "engine/db/compact.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/db/collect.h"
#include "engine/db/compact_output.h"
#include "engine/table/merge.h"

/* Entries between two looks at *stop and two calls of progress. */
#define CHECK_ENTRIES 1024

struct run {
	struct compact_job *job;
	struct iter *input;
	struct compact_filter filter;
	struct compact_ranges ranges;
	struct collect collect;
	struct compact_output output;
	uint64_t entries_total; /* of the inputs, as the version knows */
	uint64_t entries;       /* read */
	bool may_cut; /* nothing was put out yet of the present user key */
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

static int
add_ranges(struct ranges_build *b, struct version_file *f)
{
	struct table *t;
	int err;

	if (f->ranges == 0)
		return 0;
	err = version_file_table(f, &t);
	return err ? err : ranges_build_add_all(b, table_ranges(t));
}

static int
open_ranges(struct run *r)
{
	const struct pick *p = r->job->pick;
	struct ranges_build b = {0};
	int err = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; !err && j < p->inputs[i].count; j++)
			err = add_ranges(&b, p->inputs[i].files[j]);
	if (!err)
		err = compact_ranges_begin(&r->ranges, &b);
	ranges_build_fini(&b);
	return err;
}

/* --- merging ----------------------------------------------------------- */

static int
look_around(const struct run *r)
{
	const struct compact_job *j = r->job;

	/* Relaxed: a wish to stop, with nothing behind it. */
	if (j->stop && atomic_load_explicit(j->stop, memory_order_relaxed))
		return -ECANCELED;
	if (j->progress && r->entries_total == 0)
		j->progress(j->progress_ctx, j->pick->bytes);
	else if (j->progress && r->entries <= r->entries_total)
		j->progress(j->progress_ctx,
		    (uint64_t)((double)j->pick->bytes * (double)r->entries /
			       (double)r->entries_total));
	return 0;
}

/* 1 drop, 0 keep, <0. */
static int
judge(struct run *r, const struct ikey *key)
{
	const struct compact_job *j = r->job;
	bool deeper;
	int rc;

	if (compact_ranges_hides(&r->ranges, key))
		return 1;
	deeper =
	    key->kind == IKEY_KIND_DELETE &&
	    pick_key_is_deeper(j->version, j->pick->output_level, key->user);
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

/* A table that says less than it has written in it must not pass for the whole:
 * it would be deleted. */
static int
check_complete(const struct run *r)
{
	if (r->entries == r->entries_total)
		return 0;
	env_log(r->job->vset->place.env, ERR_LEVEL_ERROR,
	    "%s: compaction of level %u: damaged: the tables have %" PRIu64
	    " entries, but %" PRIu64 " were read",
	    r->job->vset->place.dir, r->job->pick->level, r->entries_total,
	    r->entries);
	return ERR_DAMAGED;
}

static int
merge_all(struct run *r)
{
	int err = 0, rc;

	for (rc = iter_first(r->input); rc > 0; rc = iter_next(r->input)) {
		if (r->entries % CHECK_ENTRIES == 0)
			err = look_around(r);
		r->entries++;
		if (!err)
			err = one_entry(r);
		if (err)
			return err;
	}
	if (rc < 0)
		return rc;
	err = check_complete(r);
	return err ? err : look_around(r);
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
	if (!err)
		err = remove_inputs(r->job->pick, &r->output.edit);
	iter_close(r->input);
	r->job->expired = r->filter.expired;
	compact_filter_fini(&r->filter);
	compact_ranges_fini(&r->ranges);
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

int
compact_run(struct compact_job *job, struct edit *out)
{
	const struct pick *p = job->pick;
	unsigned below = p->output_level + 1;
	struct run r = {
	    .job = job,
	    .filter = {.snapshots = job->snapshots,
		.snapshot_count = job->snapshot_count,
		.expiry = {.env = job->vset->place.env,
		    .dir = job->vset->place.dir}},
	    .ranges = {.snapshots = job->snapshots,
		.snapshot_count = job->snapshot_count,
		.version = job->version,
		.level = p->output_level},
	    .collect = {.plan = job->plan, .writer = {.vset = job->vset}},
	    .output = {.vset = job->vset,
		.options = job->options,
		.ranges = &r.ranges,
		.level = p->output_level,
		.bottom = is_bottom(job),
		.below =
		    below < LSM_LEVELS ? &job->version->levels[below] : NULL},
	    .entries_total = count_entries(p),
	};
	int err;

	job->bytes_written = job->expired = job->moved = 0;
	if (p->trivial)
		return move_files(p, out);
	err = run_merge(&r);
	if (err) {
		compact_output_abandon(&r.output);
		collect_abandon(&r.collect);
		job->expired = 0;
	} else {
		job->bytes_written =
		    r.output.bytes_written + r.collect.writer.bytes;
		job->moved = r.collect.moved;
		*out = r.output.edit;
	}
	collect_fini(&r.collect);
	return err;
}
