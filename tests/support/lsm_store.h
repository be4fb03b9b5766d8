/*
 * lsm_store: a store in a new directory, for tests of engine/lsm.h.
 *
 * Use: lsm_store_init, change options if need be, lsm_store_open ...
 * lsm_store_reopen ... lsm_store_fini.  The options are tiny, so that flushes
 * and compactions happen all the time, and work is done on demand
 * (no_background).  Everything goes through an env_fault.
 * The verbs end the test when the store returns an error.
 */
#ifndef TESTS_SUPPORT_LSM_STORE_H
#define TESTS_SUPPORT_LSM_STORE_H

#include "engine/base/buf.h"
#include "engine/lsm.h"
#include "engine/os/env_fault.h"
#include "tests/check.h"

struct lsm_store {
	const char *dir;
	struct lsm_options options;
	struct env posix;
	struct env_fault fault;
	struct lsm *db; /* NULL: closed */

	struct lock lock;    /* protects the messages: */
	struct buf messages; /* of level 1 and above, with newlines */
};

void lsm_store_init(struct lsm_store *s);
/* The same, and values of 1,024 bytes stay in the log; nothing is compressed.
 */
void lsm_store_init_values(struct lsm_store *s);
void lsm_store_fini(struct lsm_store *s); /* closes; removes the directory */

int lsm_store_try_open(struct lsm_store *s);
void lsm_store_open(struct lsm_store *s);
void lsm_store_close(struct lsm_store *s);
void lsm_store_reopen(struct lsm_store *s);

/* What was said so far contains this text. */
bool lsm_store_said(struct lsm_store *s, const char *text);

/* Returns what lsm_write returns. */
int lsm_store_try_put(
    struct lsm_store *s, const char *key, const char *value, uint64_t *seq);
uint64_t lsm_store_put(struct lsm_store *s, const char *key, const char *value);
uint64_t lsm_store_delete(struct lsm_store *s, const char *key);

/* end NULL: none. */
uint64_t lsm_store_delete_range(
    struct lsm_store *s, const char *begin, const char *end);

/* "KEY%06d" for numbers from..to-1, with values of size bytes that follow from
 * the number and the tag. */
void lsm_store_fill(
    struct lsm_store *s, unsigned from, unsigned to, size_t size, char tag);

/* Deletes such keys, one by one. */
void lsm_store_unfill(struct lsm_store *s, unsigned from, unsigned to);

/* The value as a string that is valid until the next call; NULL: none. */
const char *lsm_store_get(struct lsm_store *s, const char *key);
const char *lsm_store_get_at(
    struct lsm_store *s, const struct lsm_snapshot *at, const char *key);

/* All keys from first to last (or in reverse) as "a b c", valid until the
 * next call. */
const char *lsm_store_keys(
    struct lsm_store *s, const struct lsm_iter_options *o, bool reverse);

void lsm_store_expect(
    struct lsm_store *s, unsigned from, unsigned to, size_t size, char tag);

/* lsm_check finds nothing. */
void lsm_store_check(struct lsm_store *s);

struct lsm_stats lsm_store_stats(struct lsm_store *s);

/* Path of the newest file with this ending (".log", ".sst"), valid until the
 * next call; NULL: none.  Spares of the log do not count. */
const char *lsm_store_file(struct lsm_store *s, const char *ending);
size_t lsm_store_file_count(struct lsm_store *s, const char *ending);

/* Changes one byte of a file; offset < 0 counts from the end. */
void lsm_store_damage(const char *path, long offset);

/* A copy of the store's files in a new directory, as a crash leaves them. */
const char *lsm_store_copy(struct lsm_store *s);

#endif
