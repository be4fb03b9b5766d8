/*
 * wal_copy: a log file, and its bytes in memory, where they are hurt before
 * they are stored in its place.
 *
 * Use: wal_copy_init, then change c.bytes and wal_copy_store, and see what a
 * reader says of c.f; wal_copy_fini.  A failing call ends the test case.
 */
#ifndef TESTS_SUPPORT_WAL_COPY_H
#define TESTS_SUPPORT_WAL_COPY_H

#include "tests/support/wal_file.h"

#define WAL_COPY_RECORDS 6

struct wal_copy {
	struct wal_file f;
	struct buf bytes;
	/* Where record k begins, the first being 1, and behind the last one
	 * where they end. */
	uint64_t at[WAL_COPY_RECORDS + 2];
};

/* The log of wal_file_fill, with at most WAL_COPY_RECORDS records. */
void wal_copy_init(
    struct wal_copy *c, unsigned n, uint64_t (*durable)(unsigned i));
void wal_copy_fini(struct wal_copy *c);

/* The file has these bytes. */
void wal_copy_store(struct wal_copy *c);

/* The file has the first size of them, those that are only reserved, too. */
void wal_copy_store_first(struct wal_copy *c, size_t size);

#endif
