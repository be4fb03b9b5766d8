#include "engine/db/named.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"

/* As memcmp has it: a name has no NUL. */
static int
compare(const struct named *a, const struct named *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(
    named_tree, named, link, compare, __attribute__((unused)) static)

/* The macros take what they only read for their own. */
static struct named_tree *
tree_of(const struct named_set *s)
{
	return (struct named_tree *)(uintptr_t)&s->tree;
}

static struct named *
find(const struct named_set *s, const char *name)
{
	struct named key = {.name = name};

	return RB_FIND(named_tree, tree_of(s), &key);
}

static void
drop(struct named_set *s, struct named *n)
{
	RB_REMOVE(named_tree, &s->tree, n);
	s->count--;
	free(n);
}

void
named_fini(struct named_set *s)
{
	struct named *n;

	while ((n = RB_ROOT(&s->tree)))
		drop(s, n);
}

bool
named_valid(const char *name)
{
	return name[0] != '\0' && strlen(name) <= NAMED_MAX;
}

static struct named *
new_member(const char *name, uint64_t seq, uint64_t created_ms)
{
	size_t size = strlen(name) + 1;
	struct named *n = malloc(sizeof(*n) + size);

	if (!n)
		return NULL;
	memcpy(n + 1, name, size);
	*n = (struct named){
	    .name = (const char *)(n + 1),
	    .seq = seq,
	    .created_ms = created_ms,
	};
	return n;
}

int
named_add(
    struct named_set *s, const char *name, uint64_t seq, uint64_t created_ms)
{
	struct named *n = new_member(name, seq, created_ms);

	must(named_valid(name));
	if (!n)
		return -ENOMEM;
	if (RB_INSERT(named_tree, &s->tree, n)) {
		free(n);
		return -EEXIST;
	}
	s->count++;
	return 0;
}

int
named_add_all(struct named_set *s, const struct named_set *from)
{
	const struct named *n;
	int err = 0;

	for (n = named_first(from); n && !err; n = named_next(n))
		err = named_add(s, n->name, n->seq, n->created_ms);
	return err;
}

const struct named *
named_find(const struct named_set *s, const char *name)
{
	return find(s, name);
}

int
named_remove(struct named_set *s, const char *name)
{
	struct named *n = find(s, name);

	if (!n)
		return -ENOENT;
	drop(s, n);
	return 0;
}

void
named_take(struct named_set *s, struct named_set *from)
{
	struct named *n;

	while ((n = RB_ROOT(&from->tree))) {
		RB_REMOVE(named_tree, &from->tree, n);
		must(!RB_INSERT(named_tree, &s->tree, n));
	}
	s->count += from->count;
	from->count = 0;
}

const struct named *
named_first(const struct named_set *s)
{
	return RB_MIN(named_tree, tree_of(s));
}

const struct named *
named_next(const struct named *n)
{
	return named_tree_RB_NEXT((struct named *)(uintptr_t)n);
}

bool
named_same(const struct named_set *a, const struct named_set *b)
{
	const struct named *x = named_first(a), *y = named_first(b);

	while (x && y && compare(x, y) == 0 && x->seq == y->seq &&
	       x->created_ms == y->created_ms) {
		x = named_next(x);
		y = named_next(y);
	}
	return !x && !y;
}

uint64_t
named_last_seq(const struct named_set *s)
{
	const struct named *n;
	uint64_t last = 0;

	for (n = named_first(s); n; n = named_next(n))
		if (n->seq > last)
			last = n->seq;
	return last;
}
