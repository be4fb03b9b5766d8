/*
 * list: the names in one directory, with their types.
 *
 * Use: list_add each, list_sort, then list_name and list_type by index;
 * list_fini.  A zeroed struct is an empty list.
 * Order: that of the names as bytes, directories with a '/' behind their name
 * ("a-b" before "a/"): so a walk that enters directories in this order meets
 * full paths in bytewise order.
 */
#ifndef FS_CLI_LIST_H
#define FS_CLI_LIST_H

#include <sys/types.h>

#include "engine/base/buf.h"

struct list_item {
	size_t offset; /* of the name */
	uint16_t size;
	uint16_t type; /* S_IF bits >> 12 */
};

struct list {
	struct buf names;
	struct list_item *items;
	size_t count;
	size_t cap;
};

/* type: S_IF bits.  A name of more than 65,535 bytes is refused (-EINVAL). */
int list_add(struct list *l, struct bytes name, mode_t type);
void list_sort(struct list *l);
struct bytes list_name(const struct list *l, size_t index);
mode_t list_type(const struct list *l, size_t index);
void list_fini(struct list *l);

#endif
