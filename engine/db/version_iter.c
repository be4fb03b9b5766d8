#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/base/zalloc.h"
#include "engine/db/version.h"

/* At `index` of files through child, which is NULL or the iterator of
 * files[index]; at no entry in between. */
struct concat {
	struct iter iter;
	struct version_file *const *files;
	size_t count;
	size_t index;
	struct iter *child;
	bool fill;
};

static struct concat *
concat_of(struct iter *it)
{
	return (struct concat *)(void *)it;
}

static void
close_child(struct concat *c)
{
	iter_close(c->child);
	c->child = NULL;
}

static int
open_child(struct concat *c, size_t index)
{
	struct table *t;
	int err;

	if (c->child && c->index == index)
		return 0;
	close_child(c);
	c->index = index;
	err = version_file_table(c->files[index], &t);
	return err ? err : table_iter_open(t, c->fill, &c->child);
}

/* Passes on what the child's last move returned. */
static int
taken(struct concat *c, int rc)
{
	if (rc == 1) {
		c->iter.key = c->child->key;
		c->iter.value = c->child->value;
	}
	return rc;
}

/* From the end of the present table to the next ones; rc is what the child's
 * last move returned. */
static int
go_on(struct concat *c, int rc)
{
	while (rc == 0 && c->index + 1 < c->count) {
		rc = open_child(c, c->index + 1);
		if (rc == 0)
			rc = iter_first(c->child);
	}
	return taken(c, rc);
}

static int
go_back(struct concat *c, int rc)
{
	while (rc == 0 && c->index > 0) {
		rc = open_child(c, c->index - 1);
		if (rc == 0)
			rc = iter_last(c->child);
	}
	return taken(c, rc);
}

static int
concat_first(struct iter *it)
{
	struct concat *c = concat_of(it);
	int err;

	if (c->count == 0)
		return 0;
	err = open_child(c, 0);
	return err ? err : go_on(c, iter_first(c->child));
}

static int
concat_last(struct iter *it)
{
	struct concat *c = concat_of(it);
	int err;

	if (c->count == 0)
		return 0;
	err = open_child(c, c->count - 1);
	return err ? err : go_back(c, iter_last(c->child));
}

static int
concat_seek(struct iter *it, struct bytes ikey)
{
	struct concat *c = concat_of(it);
	size_t at = version_find(c->files, c->count, ikey_user(ikey));
	int err;

	if (at == c->count)
		return 0;
	err = open_child(c, at);
	return err ? err : go_on(c, iter_seek(c->child, ikey));
}

static int
concat_next(struct iter *it)
{
	struct concat *c = concat_of(it);

	return go_on(c, iter_next(c->child));
}

static int
concat_prev(struct iter *it)
{
	struct concat *c = concat_of(it);

	return go_back(c, iter_prev(c->child));
}

static void
concat_close(struct iter *it)
{
	struct concat *c = concat_of(it);

	close_child(c);
	free(c);
}

static const struct iter_ops concat_ops = {
    .first = concat_first,
    .last = concat_last,
    .seek = concat_seek,
    .next = concat_next,
    .prev = concat_prev,
    .close = concat_close,
};

int
version_iter_open(struct version_file *const *files, size_t count, bool fill,
    struct iter **out)
{
	struct concat *c = zalloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->iter.ops = &concat_ops;
	c->files = files;
	c->count = count;
	c->fill = fill;
	*out = &c->iter;
	return 0;
}
