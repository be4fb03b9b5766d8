#include "engine/db/version.h"

#include <stdlib.h>

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

/* What is looked for; constant but for what is counted and found out. */
struct lookup {
	struct bytes target;
	struct bytes user;
	uint64_t seq;
	uint64_t hash;
	uint64_t *skips;
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

/* The filter knows the entries only, so tombstones are asked in any case. */
static int
get_from_file(struct version_file *f, struct lookup *q, struct table_entry *out)
{
	bool filtered = false;
	uint64_t cover;
	struct table *t;
	int rc;

	if (f->seq_min > q->seq || span_begins_behind(&f->span, q->user) ||
	    span_ends_before(&f->span, q->user))
		return 0;
	rc = version_file_table(f, &t);
	if (rc)
		return rc;
	cover = cover_of(f, t, q);
	rc = table_get(t, q->target, q->hash, out, &filtered);
	*q->skips += filtered;
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
		rc = get_from_file(l->files[i], q, out);
	return rc;
}

int
version_get(struct version *v, struct bytes target, uint64_t hash,
    struct table_entry *out, uint64_t *skips)
{
	struct lookup q = {
	    .target = target,
	    .user = ikey_user(target),
	    .seq = ikey_trailer(target) >> 8,
	    .hash = hash,
	    .skips = skips,
	};
	int rc = get_from_level0(&v->levels[0], &q, out);

	for (unsigned i = 1; rc == 0 && !q.deleted && i < LSM_LEVELS; i++) {
		const struct version_level *l = &v->levels[i];
		size_t at = version_find(l->files, l->count, q.user);

		if (at < l->count)
			rc = get_from_file(l->files[at], &q, out);
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
