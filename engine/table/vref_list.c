#include "engine/table/vref_list.h"

#include <stdlib.h>

/* Bytes that a file takes when encoded, at least. */
#define USE_BYTES_MIN 3

void
vref_list_fini(struct vref_list *l)
{
	free(l->uses);
	*l = (struct vref_list){0};
}

/* The first that is not before file. */
static size_t
list_search(const struct vref_list *l, uint64_t file)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->uses[mid].file < file)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* An empty one at `at`; the capacity follows from the count. */
static int
list_insert(struct vref_list *l, size_t at, uint64_t file)
{
	struct vref_use *uses = l->uses;
	size_t n = l->count;

	if ((n & (n - 1)) == 0) {
		uses = reallocarray(uses, n ? n * 2 : 1, sizeof(*uses));
		if (!uses)
			return -ENOMEM;
		l->uses = uses;
	}
	memmove(&uses[at + 1], &uses[at], (n - at) * sizeof(*uses));
	uses[at] = (struct vref_use){.file = file};
	l->count++;
	return 0;
}

int
vref_list_add(struct vref_list *l, const struct vref *r, size_t key_bytes)
{
	size_t at = list_search(l, r->file);
	struct vref_use *u;
	int err;

	if (at == l->count || l->uses[at].file != r->file) {
		err = list_insert(l, at, r->file);
		if (err)
			return err;
	}
	u = &l->uses[at];
	u->bytes += vref_list_weight(r->size, key_bytes);
	if (r->offset + r->size > u->end)
		u->end = r->offset + r->size;
	return 0;
}

int
vref_list_copy(const struct vref_list *l, struct vref_list *out)
{
	struct vref_use *uses;
	size_t room = 1;

	if (l->count == 0) {
		*out = (struct vref_list){0};
		return 0;
	}
	/* So much as list_insert expects. */
	while (room < l->count)
		room *= 2;
	uses = reallocarray(NULL, room, sizeof(*uses));
	if (!uses)
		return -ENOMEM;
	memcpy(uses, l->uses, l->count * sizeof(*uses));
	*out = (struct vref_list){uses, l->count};
	return 0;
}

const struct vref_use *
vref_list_find(const struct vref_list *l, uint64_t file)
{
	size_t at = list_search(l, file);

	return at < l->count && l->uses[at].file == file ? &l->uses[at] : NULL;
}

bool
vref_list_eq(const struct vref_list *a, const struct vref_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->uses[i].file != b->uses[i].file ||
		    a->uses[i].bytes != b->uses[i].bytes ||
		    a->uses[i].end != b->uses[i].end)
			return false;
	return true;
}

uint64_t
vref_list_bytes(const struct vref_list *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += l->uses[i].bytes;
	return n;
}

int
vref_list_encode(const struct vref_list *l, struct buf *out)
{
	int err = buf_append_varint(out, l->count);

	for (size_t i = 0; i < l->count && !err; i++) {
		err = buf_append_varint(out, l->uses[i].file);
		if (!err)
			err = buf_append_varint(out, l->uses[i].bytes);
		if (!err)
			err = buf_append_varint(out, l->uses[i].end);
	}
	return err;
}

/* Its file is behind `before`. */
static int
use_decode(struct wire_in *in, uint64_t before, struct vref_use *u)
{
	if (wire_in_varint(in, &u->file) || wire_in_varint(in, &u->bytes) ||
	    wire_in_varint(in, &u->end))
		return ERR_DAMAGED;
	/* No two of its entries refer to the same bytes. */
	if (!vref_file_valid(u->file) || u->file <= before || u->bytes == 0 ||
	    u->bytes > u->end || u->end > VREF_FILE_MAX + VREF_VALUE_MAX)
		return ERR_DAMAGED;
	return 0;
}

int
vref_list_decode(struct bytes encoded, struct vref_list *out)
{
	struct wire_in in = wire_in_of(encoded);
	struct vref_list l = {0};
	struct vref_use u = {0};
	uint64_t count;
	int err = wire_in_varint(&in, &count);

	if (!err && count > wire_in_left(&in) / USE_BYTES_MIN)
		err = ERR_DAMAGED;
	for (uint64_t i = 0; i < count && !err; i++) {
		err = use_decode(&in, u.file, &u);
		if (!err)
			err = list_insert(&l, l.count, u.file);
		if (!err)
			l.uses[i] = u;
	}
	if (!err && wire_in_left(&in) > 0)
		err = ERR_DAMAGED;
	if (err)
		vref_list_fini(&l);
	else
		*out = l;
	return err;
}
