/*
 * policies: durability policies as texts, for tests of fs/vol.
 *
 * Errors: what is not expected ends the case.
 */
#ifndef TESTS_SUPPORT_POLICIES_H
#define TESTS_SUPPORT_POLICIES_H

#include "engine/base/durability.h"

/* One of each. */
#define POLICIES_SYNC     "sync"
#define POLICIES_NONE     "none"
#define POLICIES_BATCH    "batch batch_ops=5 batch_ms=20"
#define POLICIES_ADAPTIVE "adaptive adaptive_ms=7"

/* The policy that the text names (policy_parse). */
struct durability policies_of(const char *text);

/* Written as a text it is this. */
void policies_check(const struct durability *d, const char *want);

#endif
