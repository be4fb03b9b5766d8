/*
 * array: arrays whose memory grows as items are added.
 *
 * Use: a struct has a pointer to items, a count of them and a cap, all 0 at
 * first; before items[count++] = item, array_reserve(&items, sizeof(*items),
 * count + 1, &cap).  The owner frees items.
 */
#ifndef ENGINE_BASE_ARRAY_H
#define ENGINE_BASE_ARRAY_H

#include <stddef.h>

/*
 * items is the address of a pointer to items of `size` bytes, *cap how many its
 * memory has room for.  It then has room for `need` of them, twice as many as
 * before at least if it had too little.  -ENOMEM: nothing has changed.
 */
int array_reserve(void *items, size_t size, size_t need, size_t *cap);

#endif
