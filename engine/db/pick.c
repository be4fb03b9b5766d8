#include "engine/db/pick.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/span.h"

#define LEVEL_LAST     (LSM_LEVELS - 1)
#define LEVEL_FACTOR   10
#define OVERLAP_FACTOR 10

void
pick_fini(struct pick *p)
{
	free(p->inputs[0]);
	free(p->inputs[1]);
	*p = (struct pick){0};
}

static uint64_t
times(uint64_t n, uint64_t factor)
{
	return n > UINT64_MAX / factor ? UINT64_MAX : n * factor;
}

uint64_t
pick_overlap_limit(const struct lsm_options *o)
{
	return times(o->table_bytes, OVERLAP_FACTOR);
}

uint64_t
pick_level_limit(const struct lsm_options *o, unsigned level)
{
	uint64_t limit = o->level_base_bytes;

	must(level > 0 && level < LSM_LEVELS);
	if (level == LEVEL_LAST)
		return UINT64_MAX;
	for (unsigned i = 1; i < level; i++)
		limit = times(limit, LEVEL_FACTOR);
	return limit;
}

static uint64_t
bytes_of_files(struct version_file *const *files, size_t count)
{
	uint64_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += files[i]->bytes;
	return n;
}

/* --- inputs ------------------------------------------------------------ */

/* Copies files[0..count) into inputs[which]. */
static int
take(struct pick *p, int which, struct version_file *const *files, size_t count)
{
	if (count == 0)
		return 0;
	p->inputs[which] = calloc(count, sizeof(*files));
	if (!p->inputs[which])
		return -ENOMEM;
	memcpy(p->inputs[which], files, count * sizeof(*files));
	p->counts[which] = count;
	p->bytes += bytes_of_files(files, count);
	return 0;
}

/*
 * The oldest table of level 0 and all that it overlaps, directly or through
 * others: what stays has no key in common with what goes, so nothing old is
 * left above something newer.  Those of it that are newer than all of the
 * inputs need not go, but would have to come after and through the same
 * tables of level 1.
 */
static int
take_level0(const struct version *v, struct pick *p)
{
	const struct version_level *l = &v->levels[0];
	struct span s = span_of(l->files[l->count - 1]);
	struct version_file **files = calloc(l->count, sizeof(*files));
	size_t count, before = 0;
	int err;

	if (!files)
		return -ENOMEM;
	for (count = 1; count != before;) {
		before = count;
		count = 0;
		for (size_t i = 0; i < l->count; i++) {
			if (!span_meets(&s, l->files[i]))
				continue;
			span_widen(&s, l->files[i]);
			files[count++] = l->files[i];
		}
	}
	err = take(p, 0, files, count);
	free(files);
	return err;
}

/* The files of the output level that inputs[0] overlap.  No user key stands in
 * two tables of a level > 0, so neither side needs to be widened for that. */
static int
take_output_level(const struct version *v, struct pick *p)
{
	struct span s = span_of_files(p->inputs[0], p->counts[0]);
	size_t first, end;

	span_overlap(v, p->output_level, &s, &first, &end);
	return take(
	    p, 1, v->levels[p->output_level].files + first, end - first);
}

static uint64_t
overlap_bytes(const struct version *v, unsigned level, const struct span *s)
{
	size_t first, end;

	span_overlap(v, level, s, &first, &end);
	return bytes_of_files(v->levels[level].files + first, end - first);
}

/*
 * The table whose way down costs least: fewest bytes to rewrite below for each
 * byte that moves (RocksDB's kMinOverlappingRatio).  Of equals the first behind
 * the cursor, round to the first one.
 */
static size_t
cheapest(const struct version *v, unsigned level, struct bytes cursor)
{
	const struct version_level *l = &v->levels[level];
	size_t start = 0, best = 0;
	double best_ratio = 0;

	while (start < l->count && cursor.size > 0 &&
	       bytes_cmp(l->files[start]->span.first, cursor) <= 0)
		start++;
	for (size_t i = 0; i < l->count; i++) {
		size_t at = (start + i) % l->count;
		struct span s = span_of(l->files[at]);
		double ratio = (double)overlap_bytes(v, level + 1, &s) /
			       (double)l->files[at]->bytes;

		if (i == 0 || ratio < best_ratio) {
			best = at;
			best_ratio = ratio;
		}
	}
	return best;
}

/* --- what needs it most ------------------------------------------------ */

static double
score_of(const struct version *v, const struct lsm_options *o, unsigned level)
{
	const struct version_level *l = &v->levels[level];
	uint64_t limit;

	if (level == 0)
		return (double)l->count /
		       (o->level0_tables ? o->level0_tables : 1);
	limit = pick_level_limit(o, level);
	return (double)l->bytes / (double)(limit ? limit : 1);
}

/* Sets level and score; the last level has nowhere to go. */
static void
find_worst(const struct version *v, const struct lsm_options *o, struct pick *p)
{
	for (unsigned i = 0; i < LEVEL_LAST; i++) {
		double score = score_of(v, o, i);

		if (score > p->score) {
			p->level = i;
			p->score = score;
		}
	}
}

static bool
is_deeper(const struct version *v, unsigned level, const struct span *s)
{
	size_t first, end;

	for (unsigned i = level + 1; i < LSM_LEVELS; i++) {
		span_overlap(v, i, s, &first, &end);
		if (first < end)
			return true;
	}
	return false;
}

/*
 * Whether the one input can move as it is.  Not if it would then overlap so
 * much below that its own compaction becomes costly, and not with deletes to
 * where nothing older stands: there they would stay for good.
 */
static bool
is_move(
    const struct version *v, const struct lsm_options *o, const struct pick *p)
{
	unsigned below = p->output_level + 1;
	struct span s;

	if (p->counts[0] != 1 || p->counts[1] != 0)
		return false;
	s = span_of(p->inputs[0][0]);
	if (version_file_has_deletes(p->inputs[0][0]) &&
	    !is_deeper(v, p->output_level, &s))
		return false;
	return below >= LSM_LEVELS ||
	       overlap_bytes(v, below, &s) <= pick_overlap_limit(o);
}

int
pick_next(const struct version *v, const struct lsm_options *o,
    const struct buf cursors[LSM_LEVELS], struct pick *out)
{
	struct pick p = {0};
	size_t at;
	int err;

	find_worst(v, o, &p);
	if (p.score < 1)
		return 0;
	p.output_level = p.level + 1;
	if (p.level == 0) {
		err = take_level0(v, &p);
	} else {
		at = cheapest(v, p.level, buf_bytes(&cursors[p.level]));
		err = take(&p, 0, &v->levels[p.level].files[at], 1);
	}
	if (!err)
		err = take_output_level(v, &p);
	if (err) {
		pick_fini(&p);
		return err;
	}
	p.trivial = is_move(v, o, &p);
	*out = p;
	return 1;
}

/* --- everything -------------------------------------------------------- */

/* The next level that has tables; LSM_LEVELS: none. */
static unsigned
next_level(const struct version *v, unsigned level)
{
	do
		level++;
	while (level < LSM_LEVELS && v->levels[level].count == 0);
	return level;
}

/* From the first table with deletes to the last: a whole range, so that the
 * outputs cannot overlap what is left out. */
static int
take_deletes(const struct version *v, struct pick *p)
{
	const struct version_level *l = &v->levels[p->level];
	size_t first = 0, end = l->count;

	while (first < end && !version_file_has_deletes(l->files[first]))
		first++;
	while (end > first && !version_file_has_deletes(l->files[end - 1]))
		end--;
	return take(p, 0, l->files + first, end - first);
}

int
pick_whole_level(const struct version *v, unsigned level, struct pick *out)
{
	const struct version_level *l = &v->levels[level];
	struct pick p = {.level = level, .output_level = next_level(v, level)};
	int err;

	if (l->count == 0)
		return 0;
	if (p.output_level == LSM_LEVELS)
		p.output_level = level == 0 ? 1 : level;
	if (p.output_level == level) {
		err = take_deletes(v, &p);
	} else {
		err = take(&p, 0, l->files, l->count);
		if (!err)
			err = take_output_level(v, &p);
	}
	if (err) {
		pick_fini(&p);
		return err;
	}
	if (p.counts[0] == 0)
		return 0;
	*out = p;
	return 1;
}

bool
pick_key_is_deeper(const struct version *v, unsigned level, struct bytes user)
{
	const struct span s = span_of_key(user);

	return is_deeper(v, level, &s);
}
