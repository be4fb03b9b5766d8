#include "engine/db/version.h"

#include <stdlib.h>

#include "engine/base/digest.h"
#include "engine/db/span.h"
#include "engine/db/values.h"

void
version_ref(struct version *v)
{
	/* Relaxed: as in version_file_ref. */
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
}

void
version_unref(struct version *v)
{
	if (!v)
		return;
	/* Release and acquire: as in version_file_unref. */
	if (atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		struct version_level *l = &v->levels[i];

		for (size_t j = 0; j < l->count; j++)
			version_file_unref(l->files[j]);
		free(l->files);
		free(l->ends);
		free(l->ranged);
	}
	free(v->uses);
	free(v);
}

/* --- searching --------------------------------------------------------- */

size_t
version_find(struct version_file *const *files, size_t count, struct bytes user)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (span_ends_before(&files[mid]->span, user))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
version_find_level(const struct version_level *l, struct bytes user)
{
	int side = digest_side(l->prefix, user);
	uint64_t digest;
	size_t low, high;

	/* Before or behind every key of the level. */
	if (side != 0)
		return side < 0 ? 0 : l->count;
	digest = digest_of(user, l->prefix.size);
	low = digest_lower(l->ends, l->count, digest);
	if (low == l->count || l->ends[low] != digest)
		return low;
	/* Among equal digests the keys decide. */
	high = digest_upper(l->ends, l->count, digest);
	return low + version_find(l->files + low, high - low, user);
}

const struct version_use *
version_find_use(const struct version *v, uint64_t file)
{
	size_t low = 0, high = v->use_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->uses[mid].file->file < file)
			low = mid + 1;
		else
			high = mid;
	}
	return low < v->use_count && v->uses[low].file->file == file
		   ? &v->uses[low]
		   : NULL;
}

/* --- reading ----------------------------------------------------------- */

/* Of level 0, whose filters are brought at once. */
#define LOOK_AHEAD 8

/* What is looked for; constant but for what is counted and found out. */
struct lookup {
	struct bytes target;
	struct bytes user;
	uint64_t seq;
	uint64_t hash;
	unsigned level;
	struct version_met *met;
	bool deleted; /* by a range tombstone: nothing further counts */
};

/* The newest range tombstone of the table that covers the key; 0: none. */
static uint64_t
cover_of(
    const struct version_file *f, const struct table *t, const struct lookup *q)
{
	struct ranges_cover c;

	if (f->ranges == 0)
		return 0;
	ranges_at(table_ranges(t), q->user, q->seq, &c);
	return c.seq;
}

static void
count_lookup(const struct lookup *q, bool filtered, int rc)
{
	struct version_met *m = q->met;

	if (filtered) {
		m->skipped++;
		return;
	}
	m->searched++;
	m->searched_at[q->level]++;
	m->in_vain += rc == 0;
}

/* From a file that does not end before the key.  The filter knows the entries
 * only, so tombstones are asked in any case. */
static int
get_from_file(struct version_file *f, struct lookup *q, struct table_entry *out)
{
	bool filtered = false;
	uint64_t cover;
	struct table *t;
	int rc;

	if (f->seq_min > q->seq || span_begins_behind(&f->span, q->user))
		return 0;
	rc = version_file_table(f, &t);
	if (rc)
		return rc;
	cover = cover_of(f, t, q);
	rc = table_get(t, q->target, q->hash, out, &filtered);
	count_lookup(q, filtered, rc);
	if (rc > 0 && out->seq < cover) {
		cache_unref(out->block);
		rc = 0;
	}
	q->deleted = rc == 0 && cover > 0;
	return rc;
}

/* The first hit is the newest: the sequence numbers of a table are all above
 * those of the tables behind it (version_build refuses others). */
static int
get_from_level0(
    const struct version_level *l, struct lookup *q, struct table_entry *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && !q->deleted && i < l->count; i++)
		if (!span_ends_before(&l->files[i]->span, q->user))
			rc = get_from_file(l->files[i], q, out);
	return rc;
}

/* Brings the line of the filter that will be asked, if the table is open. */
static void
look_ahead(const struct version_file *f, uint64_t hash)
{
	/* Acquire: as in version_file_table. */
	struct table *t = atomic_load_explicit(&f->table, memory_order_acquire);

	if (t)
		table_look_ahead(t, hash);
}

/* The files that may have the key, one of each level > 0; all their filters
 * are on the way before the first one is asked. */
static void
look_ahead_all(const struct version *v, const struct lookup *q,
    struct version_file *files[LSM_LEVELS])
{
	const struct version_level *l = &v->levels[0];
	size_t at;

	for (size_t i = 0; i < l->count && i < LOOK_AHEAD; i++)
		look_ahead(l->files[i], q->hash);
	for (unsigned i = 1; i < LSM_LEVELS; i++) {
		l = &v->levels[i];
		files[i] = NULL;
		at = l->count > 0 ? version_find_level(l, q->user) : 0;
		if (at == l->count)
			continue;
		files[i] = l->files[at];
		look_ahead(files[i], q->hash);
	}
}

int
version_get(struct version *v, struct bytes target, uint64_t hash,
    struct table_entry *out, struct version_met *met)
{
	struct version_file *files[LSM_LEVELS];
	struct lookup q = {
	    .target = target,
	    .user = ikey_user(target),
	    .seq = ikey_trailer(target) >> 8,
	    .hash = hash,
	    .met = met,
	};
	int rc;

	look_ahead_all(v, &q, files);
	rc = get_from_level0(&v->levels[0], &q, out);
	for (unsigned i = 1; rc == 0 && !q.deleted && i < LSM_LEVELS; i++) {
		q.level = i;
		if (files[i])
			rc = get_from_file(files[i], &q, out);
	}
	return rc;
}

/* --- iterating --------------------------------------------------------- */

size_t
version_iter_count(const struct version *v)
{
	size_t n = v->levels[0].count;

	for (unsigned i = 1; i < LSM_LEVELS; i++)
		n += v->levels[i].count > 0;
	return n;
}

static int
open_level0(
    const struct version_level *l, bool fill, struct iter **out, size_t *count)
{
	struct table *t;
	int err = 0;

	for (size_t i = 0; !err && i < l->count; i++) {
		err = version_file_table(l->files[i], &t);
		if (!err)
			err = table_iter_open(t, fill, &out[*count]);
		if (!err)
			++*count;
	}
	return err;
}

static int
open_level(
    const struct version_level *l, bool fill, struct iter **out, size_t *count)
{
	int err;

	if (l->count == 0)
		return 0;
	err = version_iter_open(l->files, l->count, fill, &out[*count]);
	if (!err)
		++*count;
	return err;
}

int
version_iters(struct version *v, bool fill, struct iter **out, size_t *count)
{
	size_t n = *count;
	int err = open_level0(&v->levels[0], fill, out, &n);

	for (unsigned i = 1; !err && i < LSM_LEVELS; i++)
		err = open_level(&v->levels[i], fill, out, &n);
	if (!err) {
		*count = n;
		return 0;
	}
	while (n > *count)
		iter_close(out[--n]);
	return err;
}
