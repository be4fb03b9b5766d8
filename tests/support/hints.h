/*
 * hints: what suites about hints of deleted ranges write and read: directories
 * of a letter, with keys "LETTER%07u".
 */
#ifndef TESTS_SUPPORT_HINTS_H
#define TESTS_SUPPORT_HINTS_H

#include "tests/support/lsm_store.h"

/* Valid until the thread's next call. */
struct bytes hints_key(char dir, unsigned i);

/* Counts all keys of the directory, from the first to the last or back. */
unsigned hints_list(struct lsm_store *s, char dir, bool back);

#endif
