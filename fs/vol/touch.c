#include "fs/vol/touch.h"

#include "engine/base/must.h"

int
touch_begin(struct vol *v, struct node *n, int64_t now, struct touch *t)
{
	int err = node_load(v, n, &t->value, &t->e);

	if (err)
		return err;
	t->n = n;
	t->e.mtime = t->e.ctime = now;
	return 0;
}

int
touch_links(struct touch *t, int change)
{
	if (change > 0 && t->e.nlink == UINT32_MAX)
		return -EMLINK;
	/* A count that is too low on disk is a check's business. */
	if (change > 0)
		t->e.nlink++;
	else if (t->e.nlink > 2)
		t->e.nlink--;
	return 0;
}

int
touch_save(struct vol *v, struct store_batch *b, struct touch *t)
{
	return node_save(v, b, t->n, &t->e);
}

void
touch_commit(struct vol *v, struct touch *t)
{
	/* Names change only in linked directories, and those cannot fail. */
	must(node_commit(v, t->n, &t->e) == 0);
}

void
touch_end(struct touch *t)
{
	store_value_release(&t->value);
}
