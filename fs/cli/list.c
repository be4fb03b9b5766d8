#include "fs/cli/list.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TYPE_SHIFT 12

static int
grow(struct list *l)
{
	size_t cap = l->cap ? l->cap * 2 : 64;
	struct list_item *items = reallocarray(l->items, cap, sizeof(*items));

	if (!items)
		return -ENOMEM;
	l->items = items;
	l->cap = cap;
	return 0;
}

int
list_add(struct list *l, struct bytes name, mode_t type)
{
	size_t offset = l->names.size;
	int err = name.size > UINT16_MAX ? -EINVAL : 0;

	if (err == 0 && l->count == l->cap)
		err = grow(l);
	if (err == 0)
		err = buf_append_bytes(&l->names, name);
	if (err != 0)
		return err;
	l->items[l->count++] = (struct list_item){offset, (uint16_t)name.size,
	    (uint16_t)((type & S_IFMT) >> TYPE_SHIFT)};
	return 0;
}

struct bytes
list_name(const struct list *l, size_t index)
{
	const struct list_item *i = &l->items[index];

	return bytes_of(l->names.data + i->offset, i->size);
}

mode_t
list_type(const struct list *l, size_t index)
{
	return (mode_t)l->items[index].type << TYPE_SHIFT;
}

/* The byte at `at`, as if a directory's name ended with '/'; -1: the end. */
static int
byte_at(const struct list *l, const struct list_item *i, size_t at)
{
	if (at < i->size)
		return l->names.data[i->offset + at];
	return at == i->size && i->type == S_IFDIR >> TYPE_SHIFT ? '/' : -1;
}

static int
compare(const void *pa, const void *pb, void *arg)
{
	const struct list_item *a = pa, *b = pb;
	const struct list *l = arg;
	size_t n = a->size < b->size ? a->size : b->size;
	int c = memcmp(l->names.data + a->offset, l->names.data + b->offset, n);

	/* Names are unique, so one byte more decides. */
	return c ? c : byte_at(l, a, n) - byte_at(l, b, n);
}

void
list_sort(struct list *l)
{
	if (l->count > 1)
		qsort_r(l->items, l->count, sizeof(*l->items), compare, l);
}

void
list_fini(struct list *l)
{
	buf_fini(&l->names);
	free(l->items);
	*l = (struct list){0};
}
