/*
 * alloc: the engine's allocations, counted, and made to fail.
 *
 * Programs in tests/fault are linked with a copy of the engine in which the
 * calls of malloc and its kin are calls of the functions here (Makefile:
 * ALLOC_NAMES), so what the test itself allocates is left alone, and
 * sanitizers see what they always see.
 * Use: alloc_arm, calls of the engine, alloc_disarm.
 * Threads: any, also those of the engine.
 */
#ifndef TESTS_SUPPORT_ALLOC_H
#define TESTS_SUPPORT_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

enum alloc_how {
	ALLOC_ONCE, /* the n-th fails */
	ALLOC_ON,   /* and so do all after it */
};

/* From now on allocations are counted, from 1, and seen (may be NULL) is called
 * for each; n 0: none fails. */
void alloc_arm(uint64_t n, enum alloc_how how, void (*seen)(uint64_t n));

/* Returns how many there were since alloc_arm. */
uint64_t alloc_disarm(void);

/* So many have failed since alloc_arm. */
uint64_t alloc_failures(void);

/* What the engine has allocated and not freed, since ever. */
int64_t alloc_live(void);

#endif
