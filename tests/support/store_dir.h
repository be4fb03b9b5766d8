/*
 * store_dir: a store directory with real tables, for tests of what stands
 * between tables and the database.
 *
 * Use: store_dir_init(&d) ... store_dir_fini(&d).  d.place and d.sink go to
 * the functions under test; every call they make goes through d.fault.
 * Threads: one.  A failing call ends the test case.
 */
#ifndef TESTS_SUPPORT_STORE_DIR_H
#define TESTS_SUPPORT_STORE_DIR_H

#include "engine/db/edit.h"
#include "engine/os/env_fault.h"
#include "tests/check.h"
#include "tests/support/log.h"
#include "tests/support/sorted.h"

struct store_dir {
	char path[512];
	struct log log; /* the lines of sink and of the envs */
	struct err_sink sink;
	struct env posix;
	struct env_fault fault; /* over posix */
	struct cache *cache;
	struct version_place place;
};

void store_dir_init(struct store_dir *d);
void store_dir_fini(struct store_dir *d);

/* Removes all files. */
void store_dir_clear(struct store_dir *d);

/* "dir/name"; valid until the next call. */
const char *store_dir_file(const struct store_dir *d, const char *name);
bool store_dir_has(const struct store_dir *d, const char *name);

/* The names that are there, sorted, with one blank between; valid until the
 * next call. */
const char *store_dir_names(const struct store_dir *d);

void store_dir_load(
    const struct store_dir *d, const char *name, struct buf *out);
void store_dir_store(
    const struct store_dir *d, const char *name, struct bytes content);

/* A table of entries[first..end) of s; not through d.fault. */
struct version_file *store_dir_table(struct store_dir *d, uint64_t number,
    const struct sorted *s, size_t first, size_t end);

/* Adds to e a table with the user keys first and last of sequence numbers
 * 10 * number + 1 and 10 * number. */
void store_dir_add(struct store_dir *d, struct edit *e, unsigned level,
    uint64_t number, const char *first, const char *last);

#endif
