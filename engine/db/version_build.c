#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/digest.h"
#include "engine/db/edit.h"
#include "engine/db/span.h"
#include "engine/db/version_uses.h"

struct build {
	const struct version *base; /* may be NULL */
	const struct edit *edit;
	const struct err_sink *sink;
	struct version *v;
	struct version_uses uses;
};

static const char *
name_of(const struct version_file *f)
{
	return f->path ? f->path : "table";
}

static bool
is_removed(const struct edit *e, unsigned level, uint64_t number)
{
	for (size_t i = 0; i < e->remove_count; i++)
		if (e->removes[i].number == number &&
		    e->removes[i].level == level)
			return true;
	return false;
}

static void
take_file(struct build *b, unsigned level, struct version_file *f)
{
	struct version_level *l = &b->v->levels[level];

	version_file_ref(f);
	l->files[l->count++] = f;
	l->bytes += f->bytes;
	b->v->expiring_count += f->expiries.count > 0;
}

static size_t
removes_of_level(const struct edit *e, unsigned level)
{
	size_t n = 0;

	for (size_t i = 0; i < e->remove_count; i++)
		n += e->removes[i].level == level;
	return n;
}

/* The ones that e keeps of the level; *removed counts the others. */
static int
take_kept(struct build *b, unsigned level, size_t *removed)
{
	const struct version_level *from = &b->base->levels[level];
	int err = 0;

	for (size_t i = 0; !err && i < from->count; i++) {
		struct version_file *f = from->files[i];

		if (!is_removed(b->edit, level, f->number)) {
			take_file(b, level, f);
			continue;
		}
		++*removed;
		err = version_uses_subtract(&b->uses, f);
	}
	return err;
}

static int
take_base(struct build *b, unsigned level)
{
	size_t removes = removes_of_level(b->edit, level);
	size_t removed = 0;
	int err = b->base ? take_kept(b, level, &removed) : 0;

	if (err)
		return err;
	if (removed == removes)
		return 0;
	err_log(b->sink, ERR_LEVEL_ERROR,
	    "manifest: an edit removes %zu tables from level %u, which has %zu"
	    " of them",
	    removes, level, removed);
	return ERR_DAMAGED;
}

static int
cmp_newest_first(const void *a, const void *b)
{
	const struct version_file *const *x = a, *const *y = b;

	return ((*x)->number < (*y)->number) - ((*x)->number > (*y)->number);
}

static int
cmp_key(const void *a, const void *b)
{
	const struct version_file *const *x = a, *const *y = b;

	return bytes_cmp((*x)->span.first, (*y)->span.first);
}

static int
refuse_pair(const struct build *b, unsigned level, const struct version_file *x,
    const struct version_file *y, const char *why)
{
	err_log(b->sink, ERR_LEVEL_ERROR,
	    "manifest: level %u: %s (%" PRIu64 ") and %s (%" PRIu64 ") %s",
	    level, name_of(x), x->number, name_of(y), y->number, why);
	return ERR_DAMAGED;
}

/* A hint (hint.h) may have the last number of the table before. */
static bool
is_newer(const struct version_file *x, const struct version_file *y)
{
	return x->seq_min > y->seq_max ||
	       (x->seq_min == y->seq_max && x->ranges > 0);
}

/*
 * Neighbours in a sorted level.  Level 0: a later number must mean later
 * entries, for readers take the first hit.  Deeper: not even one user key may
 * stand in two tables, for readers look into one and compactions take one.
 */
static int
check_pair(const struct build *b, unsigned level, const struct version_file *x,
    const struct version_file *y)
{
	if (level == 0 && !is_newer(x, y))
		return refuse_pair(b, level, x, y, "were added out of order");
	if (level > 0 && !span_before(&x->span, &y->span))
		return refuse_pair(b, level, x, y, "overlap");
	return 0;
}

static int
take_add(struct build *b, unsigned level, struct version_file *f)
{
	take_file(b, level, f);
	return version_uses_add(&b->uses, f);
}

static size_t
adds_of_level(const struct edit *e, unsigned level)
{
	size_t n = 0;

	for (size_t i = 0; i < e->add_count; i++)
		n += e->adds[i].level == level;
	return n;
}

static int
sort_level(struct build *b, unsigned level)
{
	struct version_level *l = &b->v->levels[level];
	int err = 0;

	qsort(l->files, l->count, sizeof(l->files[0]),
	    level == 0 ? cmp_newest_first : cmp_key);
	for (size_t i = 1; !err && i < l->count; i++)
		err = check_pair(b, level, l->files[i - 1], l->files[i]);
	return err;
}

static int
list_ranged(struct version *v, struct version_level *l)
{
	size_t count = 0;

	for (size_t i = 0; i < l->count; i++)
		count += l->files[i]->ranges > 0;
	if (count == 0)
		return 0;
	l->ranged = calloc(count, sizeof(struct version_file *));
	if (!l->ranged)
		return -ENOMEM;
	for (size_t i = 0; i < l->count; i++)
		if (l->files[i]->ranges > 0)
			l->ranged[l->ranged_count++] = l->files[i];
	v->ranged_count += count;
	return 0;
}

/* What the keys from the first of the level to its last begin with. */
static struct bytes
level_prefix(const struct version_level *l)
{
	const struct span *first = &l->files[0]->span;
	const struct span *last = &l->files[l->count - 1]->span;

	if (last->end == SPAN_OPEN)
		return bytes_of(first->first.data, 0);
	return bytes_of(
	    first->first.data, bytes_common(first->first, last->last));
}

static int
list_ends(struct version_level *l)
{
	if (l->count == 0)
		return 0;
	l->ends = calloc(l->count, sizeof(*l->ends));
	if (!l->ends)
		return -ENOMEM;
	l->prefix = level_prefix(l);
	for (size_t i = 0; i < l->count; i++) {
		const struct span *s = &l->files[i]->span;

		l->ends[i] = s->end == SPAN_OPEN
				 ? UINT64_MAX
				 : digest_of(s->last, l->prefix.size);
	}
	return 0;
}

static int
build_level(struct build *b, unsigned level)
{
	struct version_level *l = &b->v->levels[level];
	size_t adds = adds_of_level(b->edit, level);
	size_t room = adds + (b->base ? b->base->levels[level].count : 0);
	int err;

	l->files = calloc(room ? room : 1, sizeof(struct version_file *));
	if (!l->files)
		return -ENOMEM;
	err = take_base(b, level);
	for (size_t i = 0; !err && i < b->edit->add_count; i++)
		if (b->edit->adds[i].level == level)
			err = take_add(b, level, b->edit->adds[i].file);
	/* What is only taken from the base is in order already. */
	if (!err && adds > 0)
		err = sort_level(b, level);
	if (!err && level > 0)
		err = list_ends(l);
	return err ? err : list_ranged(b->v, l);
}

static int
cmp_number(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int
refuse_twice(const struct build *b, uint64_t number)
{
	err_log(b->sink, ERR_LEVEL_ERROR,
	    "manifest: table %" PRIu64 " is there twice", number);
	return ERR_DAMAGED;
}

static int
check_numbers(const struct build *b)
{
	uint64_t *numbers;
	size_t count = 0;
	int err = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		count += b->v->levels[i].count;
	numbers = calloc(count ? count : 1, sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	count = 0;
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; j < b->v->levels[i].count; j++)
			numbers[count++] = b->v->levels[i].files[j]->number;
	qsort(numbers, count, sizeof(*numbers), cmp_number);
	for (size_t i = 1; !err && i < count; i++)
		if (numbers[i - 1] == numbers[i])
			err = refuse_twice(b, numbers[i]);
	free(numbers);
	return err;
}

int
version_build(const struct version *base, const struct edit *e,
    const struct err_sink *sink, struct version **out)
{
	struct build b = {
	    .base = base,
	    .edit = e,
	    .sink = sink,
	    .v = calloc(1, sizeof(struct version)),
	};
	int err = 0;

	if (!b.v)
		return -ENOMEM;
	atomic_init(&b.v->refs, 1);
	if (base)
		err = version_uses_begin(&b.uses, base);
	for (unsigned i = 0; !err && i < LSM_LEVELS; i++)
		err = build_level(&b, i);
	if (!err && e->add_count > 0)
		err = check_numbers(&b);
	if (!err)
		version_uses_finish(&b.uses, b.v);
	version_uses_fini(&b.uses);
	if (err)
		version_unref(b.v);
	else
		*out = b.v;
	return err;
}
