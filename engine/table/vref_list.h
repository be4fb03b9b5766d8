/*
 * vref_list: the files of values that something refers to (a table, a
 * memtable), and how many bytes of each.
 *
 * Encoded: varint count, then for each file in ascending order varint file
 * (vref.h), varint bytes, varint end.
 * Use: zeroed struct is empty; vref_list_fini frees it.  Threads: one at a
 * time.  Errors: -ENOMEM; the list is unchanged then.
 */
#ifndef ENGINE_TABLE_VREF_LIST_H
#define ENGINE_TABLE_VREF_LIST_H

#include "engine/base/buf.h"
#include "engine/table/vref.h"

struct vref_use {
	uint64_t file;
	uint64_t bytes; /* what the values take, see vref_list_weight */
	uint64_t end;   /* none of them goes beyond this offset */
};

struct vref_list {
	struct vref_use *uses; /* ascending by file */
	size_t count;
};

void vref_list_fini(struct vref_list *l);

/* What a value takes at least where it stands, with its key, as an operation
 * of a batch: so that a file that has nothing else holds no garbage. */
static inline uint64_t
vref_list_weight(uint64_t value_bytes, uint64_t key_bytes)
{
	return 3 + key_bytes + value_bytes;
}

/* One more value is referred to, by this entry. */
int vref_list_add(struct vref_list *l, const struct vref *r, size_t key_bytes);

/* out, which holds nothing, becomes a copy. */
int vref_list_copy(const struct vref_list *l, struct vref_list *out);

/* NULL: nothing there is referred to. */
const struct vref_use *vref_list_find(const struct vref_list *l, uint64_t file);

bool vref_list_eq(const struct vref_list *a, const struct vref_list *b);
uint64_t vref_list_bytes(const struct vref_list *l); /* of all files */

int vref_list_encode(const struct vref_list *l, struct buf *out);

/* From all of these bytes.  ERR_DAMAGED (no message) or -ENOMEM; out is
 * untouched then. */
int vref_list_decode(struct bytes encoded, struct vref_list *out);

#endif
