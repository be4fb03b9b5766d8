/*
 * golden: what is in the stores below tests/golden, which were written by
 * earlier versions: pure functions of a key's number, that the program that
 * writes a store (write.c) and the test that reads it have in common.
 *
 * A store is written in rounds.  0: all keys but the last, flushed and
 * compacted.  1: some are written again and some deleted, flushed.  2: the
 * same with others, and new keys; only in the log.
 * From format 2 on there is more, under other keys: see the end.
 * Never change what stands here for a store that there is.
 */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GOLDEN_KEYS      420
#define GOLDEN_FIRST     400 /* those below are in round 0 */
#define GOLDEN_VALUE_MAX 300
#define GOLDEN_KEY_SIZE  16

static inline size_t
golden_key(unsigned i, char key[GOLDEN_KEY_SIZE])
{
	return (size_t)snprintf(
	    key, GOLDEN_KEY_SIZE, "dir%u/key%05u", i % 4, i);
}

/* One in three does not compress. */
static inline size_t
golden_value(unsigned i, unsigned round, uint8_t value[GOLDEN_VALUE_MAX])
{
	size_t size = 20 + (i * 37 + round * 11) % 180;
	uint64_t x = (uint64_t)i << 8 | round | 0x100000;

	for (size_t k = 0; k < size; k++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		value[k] = i % 3 == 0 ? (uint8_t)x : (uint8_t)('a' + round);
	}
	return size;
}

enum golden_change { GOLDEN_NONE, GOLDEN_PUT, GOLDEN_DELETE };

/* What a round does to a key. */
static inline enum golden_change
golden_change(unsigned i, unsigned round)
{
	if (round == 0)
		return i < GOLDEN_FIRST ? GOLDEN_PUT : GOLDEN_NONE;
	if (i >= GOLDEN_FIRST)
		return round == 2 ? GOLDEN_PUT : GOLDEN_NONE;
	if (i % (round == 1 ? 7 : 31) == 0)
		return GOLDEN_PUT;
	if (i % (round == 1 ? 5 : 23) == 0)
		return GOLDEN_DELETE;
	return GOLDEN_NONE;
}

/* The round whose value a key has after so many of them; -1: it has none. */
static inline int
golden_round(unsigned i, unsigned rounds)
{
	for (unsigned round = rounds; round-- > 0;) {
		switch (golden_change(i, round)) {
		case GOLDEN_PUT:
			return (int)round;
		case GOLDEN_DELETE:
			return -1;
		case GOLDEN_NONE:
			break;
		}
	}
	return -1;
}

/* --- format 2 --------------------------------------------------------------
 */

/*
 * GOLDEN_RANGED keys are put in round 0; round 1 deletes those from 16 to
 * before 18 as a range, round 2 those from 5 to before 15.  Behind round 0
 * GOLDEN_LARGE large values are written and flushed, which stay in the log.
 * Of two keys that expire the time of one is over.  A snapshot is made between
 * rounds 1 and 2.
 */
#define GOLDEN_RANGED     20
#define GOLDEN_LARGE      10
#define GOLDEN_LARGE_SIZE 2500
#define GOLDEN_PAST_MS    UINT64_C(1)
#define GOLDEN_FUTURE_MS  UINT64_C(7258118400000) /* the year 2200 */
#define GOLDEN_SNAPSHOT   "after round 1"

static inline size_t
golden_ranged_key(unsigned i, char key[GOLDEN_KEY_SIZE])
{
	return (size_t)snprintf(key, GOLDEN_KEY_SIZE, "x/range%02u", i);
}

static inline bool
golden_ranged(unsigned i, unsigned rounds)
{
	return !(i >= 16 && i < 18) && (rounds < 3 || !(i >= 5 && i < 15));
}

static inline size_t
golden_large_key(unsigned i, char key[GOLDEN_KEY_SIZE])
{
	return (size_t)snprintf(key, GOLDEN_KEY_SIZE, "x/large%02u", i);
}

static inline void
golden_large_value(unsigned i, uint8_t value[GOLDEN_LARGE_SIZE])
{
	for (unsigned k = 0; k < GOLDEN_LARGE_SIZE; k++)
		value[k] = (uint8_t)(k / 7 + i);
}

#endif
