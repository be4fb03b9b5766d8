#include "engine/table/expiries.h"

#include <stdlib.h>

#include "engine/base/wire.h"

/* Of the entries of a table, so that it is worth a rewrite. */
#define EXPIRING_SHARE 4

static int
moment_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct expiries
expiries_of(struct buf *b)
{
	size_t count = b->size / sizeof(uint64_t);
	/* As malloc gave it: aligned for anything. */
	uint64_t *all = (uint64_t *)(void *)b->data;

	if (count == 0)
		return (struct expiries){0};
	qsort(all, count, sizeof(*all), moment_cmp);
	return (struct expiries){count, all[0], all[(count - 1) / 2]};
}

bool
expiries_eq(const struct expiries *a, const struct expiries *b)
{
	return a->count == b->count && a->first_ms == b->first_ms &&
	       a->half_ms == b->half_ms;
}

bool
expiries_are_due(const struct expiries *e, uint64_t entries, uint64_t now_ms)
{
	return e->count > 0 && e->count >= entries / EXPIRING_SHARE &&
	       e->half_ms <= now_ms;
}

int
expiries_encode(const struct expiries *e, struct buf *out)
{
	int err = buf_append_varint(out, e->count);

	if (!err)
		err = buf_append_varint(out, e->first_ms);
	return err ? err : buf_append_varint(out, e->half_ms);
}

int
expiries_decode(struct bytes content, uint64_t entries, struct expiries *out)
{
	struct wire_in in = wire_in_of(content);
	struct expiries e;
	int err = wire_in_varint(&in, &e.count);

	if (!err)
		err = wire_in_varint(&in, &e.first_ms);
	if (!err)
		err = wire_in_varint(&in, &e.half_ms);
	if (err)
		return err;
	if (wire_in_left(&in) != 0 || e.count == 0 || e.count > entries ||
	    e.first_ms == 0 || e.half_ms < e.first_ms)
		return ERR_DAMAGED;
	*out = e;
	return 0;
}
