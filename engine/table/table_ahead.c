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

/* Fills data with a window that begins or ends with the frame. */
static int
table_ahead_fill(struct table_ahead *a, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size;
	bool backward;
	int err;

	table_ahead_aim(a, offset, end, &backward);
	if (size < a->window && backward)
		offset = end > a->window ? end - a->window : 0;
	else if (size < a->window)
		end = a->end - offset > a->window ? offset + a->window : a->end;
	buf_clear(&a->data);
	err = buf_reserve(&a->data, (size_t)(end - offset));
	if (!err)
		err = env_pread_full(
		    a->file, a->data.data, (size_t)(end - offset), offset);
	if (err)
		return err;
	a->offset = offset;
	a->data.size = (size_t)(end - offset);
	return 0;
}

int
table_ahead_read(
    struct table_ahead *a, struct frame_handle h, struct bytes *raw)
{
	uint64_t size = frame_handle_bytes(h);
	int err;

	if (h.offset < a->offset ||
	    h.offset + size > a->offset + a->data.size) {
		err = table_ahead_fill(a, h.offset, size);
		if (err)
			return err;
	}
	*raw = bytes_of(
	    a->data.data + (size_t)(h.offset - a->offset), (size_t)size);
	return 0;
}

void
table_ahead_fini(struct table_ahead *a)
{
	buf_fini(&a->data);
}
