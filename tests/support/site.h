/*
 * site: from where something was called, so that a few runs out of many see
 * every place in the code.
 *
 * Use: site_begin; site_note for each event, numbered; site_pick.  A place is
 * told by some callers of the function that notes (frame pointers: everything
 * is compiled with them).
 * Threads: any may note.
 */
#ifndef TESTS_SUPPORT_SITE_H
#define TESTS_SUPPORT_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/check.h"

/* From now on events are noted, told apart by so many callers; 0: no more. */
void site_begin(unsigned callers, uint64_t seed);
void site_note(uint64_t n);

/* One event of each place, any of them, ascending; returns how many; the array
 * is valid until the next call. */
size_t site_pick(const uint64_t **events);

#endif
