#include "engine/db/collect.h"

#include "engine/base/must.h"
#include "engine/db/compact.h"
#include "engine/db/value_read.h"
#include "engine/table/value.h"

/* The entry with its value in a new file. */
static int
move_value(struct collect *c, struct compact_entry *e, const struct value *v,
    size_t value_bytes)
{
	size_t head = e->value.size - v->bytes.size, size;
	struct cache_block *b;
	int err;

	buf_clear(&c->raw);
	err = buf_append(&c->raw, e->value.data, head); /* the expiry */
	if (!err)
		err = buf_reserve(&c->raw, vref_bytes(value_bytes));
	if (!err)
		err = value_read(
		    c->writer.vset->place.values, v->bytes, false, &b);
	if (err)
		return err;
	must(b->data.size == value_bytes); /* the room is for so many */
	err = value_writer_add(
	    &c->writer, e->key.user, b->data, c->raw.data + head, &size);
	cache_unref(b);
	if (err)
		return err;
	c->raw.size = head + size;
	c->moved += value_bytes;
	e->value = buf_bytes(&c->raw);
	return 0;
}

int
collect_entry(struct collect *c, struct compact_entry *e)
{
	struct value v;
	struct vref r;

	if (!c->plan || c->plan->count == 0 ||
	    (e->key.kind != IKEY_KIND_REF &&
		e->key.kind != IKEY_KIND_REF_UNTIL))
		return 0;
	/* What is malformed the table's writer refuses, with a message. */
	if (value_decode(e->key.kind, e->value, &v) ||
	    vref_decode(v.bytes, &r) || !vref_list_find(c->plan, r.file))
		return 0;
	return move_value(c, e, &v, (size_t)r.size);
}

int
collect_finish(struct collect *c)
{
	return value_writer_finish(&c->writer);
}

void
collect_abandon(struct collect *c)
{
	value_writer_abandon(&c->writer);
}

void
collect_fini(struct collect *c)
{
	value_writer_fini(&c->writer);
	buf_fini(&c->raw);
}
