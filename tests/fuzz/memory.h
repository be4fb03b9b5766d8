/*
 * memory: an env with one file, whatever its path, which is in memory and can
 * only be read.
 *
 * Use: memory_init, open what is under test on &m->env.  Messages are dropped.
 */
#ifndef TESTS_FUZZ_MEMORY_H
#define TESTS_FUZZ_MEMORY_H

#include "engine/os/env.h"

struct memory {
	struct env env;
	struct env_ops ops;
	struct bytes content;
};

/* The input behind the flags, malloc'ed; with FUZZ_FIX its checksums are put
 * right by fix.  size > 0. */
uint8_t *memory_input(
    const uint8_t *data, size_t size, void (*fix)(uint8_t *data, size_t size));

/* content must outlive m. */
void memory_init(struct memory *m, struct bytes content);

#endif
