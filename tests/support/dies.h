/*
 * dies: does a call end in must()?
 *
 * The call runs in a child process, whose messages are dropped.  Only from a
 * program with one thread at the time.
 */
#ifndef TESTS_SUPPORT_DIES_H
#define TESTS_SUPPORT_DIES_H

#include <stdbool.h>

bool dies_by_abort(void (*call)(void *ctx), void *ctx);

#endif
