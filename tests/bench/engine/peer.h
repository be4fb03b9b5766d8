/*
 * peer: a storage engine that the benchmark can drive; one file per engine,
 * peer_NAME.c, compiled only where the engine's library is installed.
 *
 * Use:
 *	db = ops->open(dir, &settings);
 *	s = ops->session_open(db);      one per thread
 *	ops->write(s, &w, 1);
 *	if (ops->get(s, key, &value)) { ...; ops->release(s); }
 *	it = ops->iter_open(s, end); ops->seek(it, key, &e); ops->next(it, &e);
 *	ops->iter_close(it); ops->session_close(s); ops->close(db);
 *
 * A session has at most one value and one iterator at a time; the iterator
 * sees the state at its first move.
 * Threads: a database by any number of threads, a session and what was made
 * with it by one.
 * Errors: none comes back: what a benchmark cannot do ends it (peer_die).
 */
#ifndef TESTS_BENCH_ENGINE_PEER_H
#define TESTS_BENCH_ENGINE_PEER_H

#include "engine/base/bytes.h"

struct peer_settings {
	size_t write_buffer_bytes;
	size_t cache_bytes;
	unsigned filter_bits; /* bloom, per key */
	unsigned jobs;        /* background flushes and compactions at once */
	bool sync;           /* each write is on stable storage when it returns;
			      * otherwise it is in the kernel's hands */
	uint64_t data_bytes; /* keys and values that will be stored, at most */
};

struct peer_write {
	struct bytes key;
	struct bytes value; /* data NULL: the key is deleted */
};

struct peer_entry {
	struct bytes key;
	struct bytes value;
};

struct peer_ops {
	const char *name;

	/* dir exists and is empty. */
	void *(*open)(const char *dir, const struct peer_settings *s);
	void (*close)(void *db);
	void *(*session_open)(void *db);
	void (*session_close)(void *session);

	/* n of them at once: all or none. */
	void (*write)(void *session, const struct peer_write *w, size_t n);

	/* Is the key there?  Then *value is valid until release. */
	bool (*get)(void *session, struct bytes key, struct bytes *value);
	void (*release)(void *session);

	/* end (data NULL: none) is the first key that nobody will look at, for
	 * engines that can be told; it stays as long as the iterator. */
	void *(*iter_open)(void *session, struct bytes end);
	void (*iter_close)(void *it);
	/* Each returns whether there is an entry; it is valid until the next
	 * move.  seek: the first that is not below key. */
	bool (*first)(void *it, struct peer_entry *e);
	bool (*last)(void *it, struct peer_entry *e);
	bool (*seek)(void *it, struct bytes key, struct peer_entry *e);
	bool (*next)(void *it, struct peer_entry *e);

	/* What is in memory or in a log goes where it belongs. */
	void (*flush)(void *db);
	/* Is there background work, as far as the engine tells?  NULL: it
	 * does not. */
	bool (*busy)(void *db);

	/* Without work for a while it tidies up; within so many ms it has
	 * begun to. */
	unsigned tidy_ms;
};

/* The i-th of all engines; *ops is NULL if it was not installed when this was
 * compiled.  NULL: there are no more. */
const char *peer_at(unsigned i, const struct peer_ops **ops);

/* Prints "bench_engine: NAME: WHAT: WHY" and ends the process. */
_Noreturn void peer_die(const char *name, const char *what, const char *why);

#endif
