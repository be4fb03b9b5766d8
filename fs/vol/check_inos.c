#include "fs/vol/check_inos.h"

#include <errno.h>
#include <stdlib.h>

#define INOS_SLOTS_MIN 1024

/* The slot that has ino, or the free one that it would get. */
static size_t
check_inos_slot(const uint64_t *slots, size_t slot_count, uint64_t ino)
{
	/* Fibonacci hashing: numbers that follow each other lie apart. */
	size_t i = (size_t)((ino * UINT64_C(0x9e3779b97f4a7c15)) >> 20);

	for (;; i++) {
		i &= slot_count - 1;
		if (slots[i] == ino || slots[i] == 0)
			return i;
	}
}

static int
check_inos_grow(struct check_inos *set)
{
	size_t n = set->slot_count ? set->slot_count * 2 : INOS_SLOTS_MIN;
	uint64_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->slot_count; i++) {
		uint64_t ino = set->slots[i];

		if (ino)
			slots[check_inos_slot(slots, n, ino)] = ino;
	}
	free(set->slots);
	set->slots = slots;
	set->slot_count = n;
	return 0;
}

int
check_inos_add(struct check_inos *set, uint64_t ino)
{
	size_t slot;

	if (set->count >= set->slot_count / 4 * 3) {
		int err = check_inos_grow(set);

		if (err)
			return err;
	}
	slot = check_inos_slot(set->slots, set->slot_count, ino);
	if (set->slots[slot])
		return 0;
	set->slots[slot] = ino;
	set->count++;
	return 1;
}

bool
check_inos_has(const struct check_inos *set, uint64_t ino)
{
	if (set->slot_count == 0 || ino == 0)
		return false;
	return set->slots[check_inos_slot(set->slots, set->slot_count, ino)] !=
	       0;
}

void
check_inos_fini(struct check_inos *set)
{
	free(set->slots);
	*set = (struct check_inos){0};
}
