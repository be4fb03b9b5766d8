#include "engine/db/cover.h"

#include <errno.h>
#include <stdlib.h>

/* Range tombstones of one iterator's memtable, table or level. */
struct cover_source {
	size_t order;
	bool is_memtable;
	struct memranges_look look;
	struct version_file *const *files; /* with tombstones, in order */
	size_t count;
	size_t near; /* in the table looked at last */
	bool known;
	struct ranges_cover at; /* found last */
};

struct cover {
	uint64_t seq;
	uint64_t passed;
	size_t count;
	struct cover_source sources[]; /* by order */
};

/* --- what there is ----------------------------------------------------- */

static void
add_memtable(struct cover *c, const struct memtable *m, size_t order)
{
	struct cover_source *s = &c->sources[c->count];

	if (!memranges_any(&m->ranges))
		return;
	*s = (struct cover_source){.order = order, .is_memtable = true};
	memranges_take_look(&m->ranges, &s->look);
	c->count++;
}

static void
add_files(struct cover *c, struct version_file *const *files, size_t count,
    size_t order)
{
	if (count > 0)
		c->sources[c->count++] = (struct cover_source){
		    .order = order, .files = files, .count = count};
}

/* In the order of version_iters. */
static void
add_version(struct cover *c, const struct version *v, size_t order)
{
	const struct version_level *l = &v->levels[0];

	for (size_t i = 0; i < l->count; i++, order++)
		if (l->files[i]->ranges > 0)
			add_files(c, &l->files[i], 1, order);
	for (unsigned i = 1; i < LSM_LEVELS; i++) {
		l = &v->levels[i];
		add_files(c, l->ranged, l->ranged_count, order);
		order += l->count > 0;
	}
}

static bool
has_any(const struct view *v)
{
	bool any =
	    v->version->ranged_count > 0 || memranges_any(&v->active->ranges);

	for (size_t i = 0; !any && i < v->full_count; i++)
		any = memranges_any(&v->full[i]->ranges);
	return any;
}

int
cover_open(const struct view *v, uint64_t seq, struct cover **out)
{
	size_t max = 1 + v->full_count + version_iter_count(v->version);
	struct cover *c;

	*out = NULL;
	if (!has_any(v))
		return 0;
	c = calloc(1, sizeof(*c) + max * sizeof(c->sources[0]));
	if (!c)
		return -ENOMEM;
	c->seq = seq;
	add_memtable(c, v->active, 0);
	for (size_t i = 0; i < v->full_count; i++)
		add_memtable(c, v->full[i], 1 + i);
	add_version(c, v->version, 1 + v->full_count);
	*out = c;
	return 0;
}

void
cover_free(struct cover *c)
{
	free(c);
}

uint64_t *
cover_passed(struct cover *c)
{
	return &c->passed;
}

/* --- questions --------------------------------------------------------- */

/* The first file of which the tombstones end behind the key. */
static size_t
find_file(const struct cover_source *s, struct bytes key)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ranges_ends_behind(
			buf_bytes(&s->files[mid]->ranges_end), key))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static int
look_into_files(struct cover_source *s, struct bytes key, uint64_t seq)
{
	size_t i = find_file(s, key);
	struct version_file *f = i < s->count ? s->files[i] : NULL;
	struct table *t;
	int err;

	if (f && bytes_cmp(buf_bytes(&f->ranges_begin), key) <= 0) {
		err = version_file_table(f, &t);
		if (!err)
			ranges_at_near(
			    table_ranges(t), key, seq, &s->near, &s->at);
		return err;
	}
	/* Between the tombstones of two files. */
	s->at = (struct ranges_cover){.seq = 0};
	if (i > 0)
		s->at.begin = buf_bytes(&s->files[i - 1]->ranges_end);
	if (f)
		s->at.end = buf_bytes(&f->ranges_begin);
	return 0;
}

static bool
is_within(const struct ranges_cover *c, struct bytes key)
{
	return bytes_cmp(c->begin, key) <= 0 && ranges_ends_behind(c->end, key);
}

static int
look(struct cover_source *s, struct bytes key, uint64_t seq)
{
	int err = 0;

	if (s->known && is_within(&s->at, key))
		return 0;
	if (s->is_memtable)
		memranges_at(&s->look, key, seq, &s->at);
	else
		err = look_into_files(s, key, seq);
	s->known = !err;
	return err;
}

/* c narrowed to what is also in `with`. */
static void
narrow(struct ranges_cover *c, const struct ranges_cover *with)
{
	if (bytes_cmp(with->begin, c->begin) > 0)
		c->begin = with->begin;
	c->end = ranges_first_end(c->end, with->end);
}

int
cover_at(
    struct cover *c, size_t order, struct bytes key, struct cover_answer *out)
{
	struct cover_answer a = {.own = NULL};

	for (size_t i = 0; i < c->count && c->sources[i].order <= order; i++) {
		struct cover_source *s = &c->sources[i];
		int err = look(s, key, c->seq);

		if (err)
			return err;
		if (s->at.seq > 0 && s->order < order) {
			a.at = s->at;
			a.at.seq = IKEY_SEQ_MAX;
			break;
		}
		narrow(&a.at, &s->at);
		if (s->order == order && s->at.seq > 0) {
			a.at.seq = s->at.seq;
			a.at.clean = s->at.clean;
			a.own = s;
		}
	}
	*out = a;
	return 0;
}

int
cover_next_newer(const struct cover_source *s, struct bytes target,
    uint64_t seq, struct bytes *out)
{
	return s->is_memtable ? memranges_next_newer(&s->look, target, seq, out)
			      : -ENODATA;
}

int
cover_prev_newer(const struct cover_source *s, struct bytes target,
    uint64_t seq, struct bytes *out)
{
	return s->is_memtable ? memranges_prev_newer(&s->look, target, seq, out)
			      : -ENODATA;
}
