#include "engine/table/table_ahead.h"

#define TABLE_AHEAD_MIN (16u << 10)
#define TABLE_AHEAD_MAX (256u << 10)

/* Whether the piece that is needed follows what was read, and on which side. */
static void
table_ahead_aim(
    struct table_ahead *a, uint64_t offset, uint64_t end, bool *backward)
{
	uint64_t have = a->offset + a->data.size;

	*backward = end >= a->offset && offset < a->offset;
	if (a->data.size == 0 ||
	    (!*backward && (offset < a->offset || offset > have)))
		a->window = TABLE_AHEAD_MIN;
	else if (a->window < TABLE_AHEAD_MAX)
		a->window *= 2;
}

/* Reads what lies from offset to end, or less at the end of the file. */
static int
table_ahead_get(struct table_ahead *a, uint64_t offset, uint64_t end)
{
	size_t size = (size_t)(end - offset);
	int err;

	buf_clear(&a->data);
	err = buf_reserve(&a->data, size);
	if (!err)
		err = env_pread(a->file, a->data.data, size, offset, &size);
	if (err)
		return err;
	a->offset = offset;
	a->data.size = size;
	return 0;
}

static bool
table_ahead_has(const struct table_ahead *a, uint64_t offset, uint64_t end)
{
	return offset >= a->offset && end <= a->offset + a->data.size;
}

/* Fills data with a window that begins or ends with the frame. */
static int
table_ahead_fill(struct table_ahead *a, uint64_t offset, uint64_t end)
{
	uint64_t from = offset, until = end;
	bool backward;

	table_ahead_aim(a, offset, end, &backward);
	if (end - offset < a->window && backward)
		from = end > a->window ? end - a->window : 0;
	else if (end - offset < a->window)
		until =
		    a->end - offset > a->window ? offset + a->window : a->end;
	return table_ahead_get(a, from, until);
}

int
table_ahead_read(
    struct table_ahead *a, struct frame_handle h, struct bytes *raw)
{
	uint64_t end = h.offset + frame_handle_bytes(h);
	size_t size = (size_t)(end - h.offset);
	int err;

	if (!a->alone && !table_ahead_has(a, h.offset, end)) {
		err = table_ahead_fill(a, h.offset, end);
		if (err == -ENOMEM)
			return err;
		/* What cannot be read may lie beyond: it is not this frame's
		 * fault, nor that of those up to there. */
		a->alone = err || !table_ahead_has(a, h.offset, end);
	}
	if (table_ahead_has(a, h.offset, end)) {
		*raw = bytes_of(
		    a->data.data + (size_t)(h.offset - a->offset), size);
		return 0;
	}
	buf_clear(&a->data);
	err = buf_reserve(&a->data, size);
	if (!err)
		err = env_pread_full(a->file, a->data.data, size, h.offset);
	*raw = bytes_of(a->data.data, size);
	return err;
}

void
table_ahead_fini(struct table_ahead *a)
{
	buf_fini(&a->data);
}
