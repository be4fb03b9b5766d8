#include "engine/db/compact_ranges.h"

#include "engine/db/compact.h"
#include "engine/db/span.h"

static size_t
stripe_of(const struct compact_ranges *r, uint64_t seq)
{
	return compact_filter_stripe(r->snapshots, r->snapshot_count, seq);
}

int
compact_ranges_begin(struct compact_ranges *r, struct ranges_build *b)
{
	if (b->count == 0)
		return 0;
	for (size_t i = 0; i < b->count; i++) {
		struct ranges_build_item *item = &b->items[i];

		/* Above the last snapshot others may come: all stay. */
		item->group = stripe_of(r, item->seq);
		if (item->group == r->snapshot_count)
			item->group += item->seq;
	}
	return ranges_build_finish(b, &r->set);
}

void
compact_ranges_fini(struct compact_ranges *r)
{
	ranges_free(r->set);
	buf_fini(&r->from);
	buf_fini(&r->before);
	r->set = NULL;
}

/* --- entries ----------------------------------------------------------- */

bool
compact_ranges_hides(struct compact_ranges *r, const struct ikey *key)
{
	const struct ranges_fragment *f;
	size_t stripe;

	if (!r->set)
		return false;
	f = &r->set->fragments[r->here];
	while (
	    r->here < r->set->count && !ranges_ends_behind(f->end, key->user)) {
		r->here++;
		f++;
	}
	if (r->here == r->set->count || bytes_cmp(f->begin, key->user) > 0)
		return false;
	stripe = stripe_of(r, key->seq);
	if (stripe == r->snapshot_count)
		return false;
	for (size_t i = 0; i < f->seq_count && f->seqs[i] > key->seq; i++)
		if (stripe_of(r, f->seqs[i]) == stripe)
			return true;
	return false;
}

void
compact_ranges_note(struct compact_ranges *r, const struct ikey *key)
{
	const struct ranges_fragment *f;

	if (!r->set || r->next == r->set->count)
		return;
	f = &r->set->fragments[r->next];
	if (bytes_cmp(f->begin, key->user) <= 0 && key->seq > f->seqs[0])
		r->newer = true;
}

/* --- tombstones -------------------------------------------------------- */

static bool
nothing_deeper(const struct compact_ranges *r, const struct ranges_fragment *f)
{
	const struct span s = {
	    f->begin, f->end, f->end.size > 0 ? SPAN_EXCLUDED : SPAN_OPEN};

	return r->version && !span_is_held(r->version, r->below, &s);
}

/* Of a stripe there is one number at most, and the oldest comes last. */
static void
drop_spent(const struct compact_ranges *r, struct ranges_fragment *f)
{
	if (r->snapshot_count > 0 &&
	    stripe_of(r, f->seqs[f->seq_count - 1]) == 0 &&
	    nothing_deeper(r, f))
		f->seq_count--;
}

/* What is left of the next one, up to its end. */
static struct ranges_fragment
rest_of(const struct compact_ranges *r)
{
	struct ranges_fragment f = r->set->fragments[r->next];

	if (r->cut)
		f.begin = buf_bytes(&r->from);
	f.clean = !r->newer;
	return f;
}

/* The part before `until` is taken. */
static int
take_part(struct compact_ranges *r, struct bytes until)
{
	struct buf spare = r->before;
	int err;

	/* Who takes the part looks at where it begins. */
	r->before = r->from;
	r->from = spare;
	err = buf_assign(&r->from, until);
	if (err)
		return err;
	r->cut = true;
	r->newer = false;
	return 0;
}

static void
take_whole(struct compact_ranges *r)
{
	r->next++;
	r->cut = false;
	r->newer = false;
}

int
compact_ranges_next(struct compact_ranges *r, struct bytes until,
    enum compact_ranges_end end, struct ranges_fragment *out)
{
	while (r->set && r->next < r->set->count) {
		struct ranges_fragment f = rest_of(r);
		bool reaches = until.data && ranges_ends_behind(f.end, until);
		int err = 0;

		if (until.data && bytes_cmp(f.begin, until) >= 0)
			return 0;
		if (reaches && end == COMPACT_RANGES_WHOLE)
			return 0;
		if (reaches)
			f.end = until;
		drop_spent(r, &f);
		*out = f;
		if (reaches)
			err = take_part(r, until);
		else
			take_whole(r);
		if (err)
			return err;
		if (f.seq_count > 0)
			return 1;
	}
	return 0;
}
