#include "engine/table/ranges_build.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/array.h"
#include "engine/base/must.h"

/* Built so far.  A fragment's seqs are set at the end: they are an array that
 * moves while it grows. */
struct sweep {
	struct ranges_fragment *fragments;
	size_t fragment_count, fragment_cap;
	uint64_t *seqs;
	size_t seq_count, seq_cap;
	/* Tombstones that cover the place where the sweep is, newest first. */
	const struct ranges_build_item **open;
	size_t open_count;
};

void
ranges_build_fini(struct ranges_build *b)
{
	free(b->items);
	*b = (struct ranges_build){0};
}

int
ranges_build_add(struct ranges_build *b, struct bytes begin, struct bytes end,
    uint64_t seq, uint64_t group)
{
	int err =
	    array_reserve(&b->items, sizeof(*b->items), b->count + 1, &b->cap);

	must(seq > 0 && (end.size == 0 || bytes_cmp(begin, end) < 0));
	if (err)
		return err;
	b->items[b->count++] =
	    (struct ranges_build_item){begin, end, seq, group};
	return 0;
}

int
ranges_build_add_all(struct ranges_build *b, const struct ranges *r)
{
	int err = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct ranges_fragment *f = &r->fragments[i];

		for (size_t j = 0; !err && j < f->seq_count; j++)
			err = ranges_build_add(
			    b, f->begin, f->end, f->seqs[j], f->seqs[j]);
	}
	return err;
}

/* --- the sweep --------------------------------------------------------- */

static int
cmp_begin(const void *a, const void *b)
{
	const struct ranges_build_item *x = a, *y = b;

	return bytes_cmp(x->begin, y->begin);
}

static int
cmp_key(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;

	return bytes_cmp(*x, *y);
}

/* All begins and ends, in order, none twice. */
static size_t
list_bounds(const struct ranges_build *b, struct bytes *bounds)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < b->count; i++) {
		bounds[n++] = b->items[i].begin;
		if (b->items[i].end.size > 0)
			bounds[n++] = b->items[i].end;
	}
	qsort(bounds, n, sizeof(*bounds), cmp_key);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !bytes_eq(bounds[kept - 1], bounds[i]))
			bounds[kept++] = bounds[i];
	return kept;
}

static void
open_item(struct sweep *s, const struct ranges_build_item *item)
{
	size_t i = s->open_count++;

	for (; i > 0 && s->open[i - 1]->seq < item->seq; i--)
		s->open[i] = s->open[i - 1];
	s->open[i] = item;
}

static void
close_items(struct sweep *s, struct bytes at)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->open_count; i++)
		if (ranges_ends_behind(s->open[i]->end, at))
			s->open[kept++] = s->open[i];
	s->open_count = kept;
}

/* Appends the numbers of the open tombstones, of each group the newest. */
static int
take_seqs(struct sweep *s)
{
	const struct ranges_build_item *last = NULL;

	for (size_t i = 0; i < s->open_count; i++) {
		const struct ranges_build_item *item = s->open[i];
		int err;

		if (last &&
		    (last->group == item->group || last->seq == item->seq))
			continue;
		err = array_reserve(
		    &s->seqs, sizeof(*s->seqs), s->seq_count + 1, &s->seq_cap);
		if (err)
			return err;
		s->seqs[s->seq_count++] = item->seq;
		last = item;
	}
	return 0;
}

/* Whether the numbers from first on are those of the last fragment. */
static bool
same_seqs(const struct sweep *s, size_t first)
{
	size_t n = s->fragments[s->fragment_count - 1].seq_count;

	return s->seq_count - first == n &&
	       memcmp(s->seqs + first, s->seqs + first - n,
		   n * sizeof(*s->seqs)) == 0;
}

/* The keys from begin to end, which no bound divides. */
static int
take_fragment(struct sweep *s, struct bytes begin, struct bytes end)
{
	struct ranges_fragment *last = NULL;
	size_t first = s->seq_count;
	int err;

	if (s->open_count == 0)
		return 0;
	err = array_reserve(&s->fragments, sizeof(*s->fragments),
	    s->fragment_count + 1, &s->fragment_cap);
	if (!err)
		err = take_seqs(s);
	if (err)
		return err;
	if (s->fragment_count > 0)
		last = &s->fragments[s->fragment_count - 1];
	if (last && bytes_eq(last->end, begin) && same_seqs(s, first)) {
		last->end = end;
		s->seq_count = first;
		return 0;
	}
	s->fragments[s->fragment_count++] =
	    (struct ranges_fragment){begin, end, NULL, s->seq_count - first, 0};
	return 0;
}

static int
sweep_all(struct sweep *s, const struct ranges_build *b,
    const struct bytes *bounds, size_t bound_count)
{
	static const struct bytes none;
	size_t next = 0;
	int err = 0;

	for (size_t i = 0; !err && i < bound_count; i++) {
		bool last = i + 1 == bound_count;

		close_items(s, bounds[i]);
		while (next < b->count &&
		       bytes_eq(b->items[next].begin, bounds[i]))
			open_item(s, &b->items[next++]);
		err = take_fragment(s, bounds[i], last ? none : bounds[i + 1]);
	}
	return err;
}

static int
sweep_pack(struct sweep *s, struct ranges **out)
{
	const uint64_t *seqs = s->seqs;
	struct ranges *r;

	for (size_t i = 0; i < s->fragment_count; i++) {
		s->fragments[i].seqs = seqs;
		seqs += s->fragments[i].seq_count;
	}
	r = ranges_pack(s->fragments, s->fragment_count);
	if (!r)
		return -ENOMEM;
	*out = r;
	return 0;
}

int
ranges_build_finish(struct ranges_build *b, struct ranges **out)
{
	struct bytes *bounds = calloc(b->count * 2 + 1, sizeof(*bounds));
	struct sweep s = {.open = calloc(b->count + 1, sizeof(*s.open))};
	int err = -ENOMEM;

	if (bounds && s.open) {
		if (b->count > 0)
			qsort(b->items, b->count, sizeof(*b->items), cmp_begin);
		err = sweep_all(&s, b, bounds, list_bounds(b, bounds));
	}
	if (!err)
		err = sweep_pack(&s, out);
	free(bounds);
	free((void *)s.open);
	free(s.fragments);
	free(s.seqs);
	return err;
}
