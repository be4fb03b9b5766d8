/*
 * span: a range of user keys (struct span, version.h), and how ranges and
 * tables lie to each other.
 *
 * Nobody else compares the bounds of tables: where a table's range tombstones
 * reach beyond its entries, its last key is not in it, or there is none.
 * Views: valid as long as what they point into.  Pure functions.
 */
#ifndef ENGINE_DB_SPAN_H
#define ENGINE_DB_SPAN_H

#include "engine/db/version.h"

static inline struct span
span_of(const struct version_file *f)
{
	return f->span;
}

static inline struct span
span_of_key(struct bytes user)
{
	return (struct span){user, user, SPAN_INCLUDED};
}

/* All its keys are below the user key. */
static inline bool
span_ends_before(const struct span *s, struct bytes user)
{
	int c;

	if (s->end == SPAN_OPEN)
		return false;
	c = bytes_cmp(s->last, user);
	return s->end == SPAN_INCLUDED ? c < 0 : c <= 0;
}

/* All its keys are above the user key. */
static inline bool
span_begins_behind(const struct span *s, struct bytes user)
{
	return bytes_cmp(s->first, user) > 0;
}

/* All keys of a are below all of b. */
static inline bool
span_before(const struct span *a, const struct span *b)
{
	return span_ends_before(a, b->first);
}

static inline bool
span_meet(const struct span *a, const struct span *b)
{
	return !span_before(a, b) && !span_before(b, a);
}

static inline bool
span_meets(const struct span *s, const struct version_file *f)
{
	return span_meet(s, &f->span);
}

/* So that s ends where `end` does, if that is later. */
static inline void
span_extend(struct span *s, const struct span *end)
{
	int c;

	if (s->end == SPAN_OPEN)
		return;
	c = end->end == SPAN_OPEN ? 1 : bytes_cmp(end->last, s->last);
	if (c > 0 || (c == 0 && end->end == SPAN_INCLUDED)) {
		s->last = end->last;
		s->end = end->end;
	}
}

/* So that s holds all that f does. */
static inline void
span_widen(struct span *s, const struct version_file *f)
{
	if (bytes_cmp(f->span.first, s->first) < 0)
		s->first = f->span.first;
	span_extend(s, &f->span);
}

/* Of at least one file, in any order. */
static inline struct span
span_of_files(struct version_file *const *files, size_t count)
{
	struct span s = span_of(files[0]);

	for (size_t i = 1; i < count; i++)
		span_widen(&s, files[i]);
	return s;
}

/* A table of this level (LSM_LEVELS: none) or a deeper one that meets the span;
 * NULL: there is none. */
const struct version_file *span_holder(
    const struct version *v, unsigned level, const struct span *s);

static inline bool
span_is_held(const struct version *v, unsigned level, const struct span *s)
{
	return span_holder(v, level, s) != NULL;
}

/* The same for one key after another; fast if a table holds several. */
struct span_keys {
	const struct version *version;
	unsigned level;
	const struct version_file *last; /* held one; NULL at first */
};
bool span_holds_key(struct span_keys *k, struct bytes user);

/* The files of a level > 0 that meet the span: a range of indexes, empty if
 * *first == *end. */
void span_overlap(const struct version *v, unsigned level, const struct span *s,
    size_t *first, size_t *end);

#endif
