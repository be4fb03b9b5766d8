/*
 * values: the files in which large values stand: segments of the log that
 * memtables or tables refer to, and files that collection wrote.
 *
 * A value is written once, in its batch's record; the memtable and the tables
 * get a reference (engine/table/vref.h).  A file is here, by number, as long as
 * something refers to it: its segment, a memtable, a table of any version.  It
 * is marked obsolete when no version has such a table any more and the log
 * does not need it; with the last reference to it, it is deleted.
 * Use: values_hold ... values_unref; values_find by who holds it already, in
 * whatever way (a pinned view is enough); values_file to read.
 * Owns: open files, until the last reference.
 * Threads: any; the set's lock (LOCK_RANK_TABLES) protects it.
 */
#ifndef ENGINE_DB_VALUES_H
#define ENGINE_DB_VALUES_H

#include <stdatomic.h>

#include "engine/base/lock.h"
#include "engine/os/env.h"
#include "engine/table/vref.h"

struct cache;
struct values;

struct value_file {
	/* constant */
	struct values *set;
	uint64_t file; /* number and kind, as in a vref */
	char *path;

	_Atomic(struct env_file *) open; /* at first use, then constant */

	/* the set's lock protects: */
	unsigned refs;
	bool obsolete;
	bool shared;
	uint64_t bytes;    /* of the file; 0: it is being written */
	uint64_t overhead; /* values_set_overhead */
};

struct values {
	/* constant */
	struct env *env;
	const char *dir;
	struct cache *cache;   /* may be NULL */
	size_t cached_max;     /* larger values are not kept in it */
	struct reaper *reaper; /* as in version_place */

	struct lock lock;          /* protects: */
	struct value_file **files; /* ascending by file */
	size_t count;
};

/* dir and cache (may be NULL) must outlive the set. */
void values_init(
    struct values *s, struct env *env, const char *dir, struct cache *cache);
void values_fini(struct values *s); /* nothing is held any more */

/* A reference to the file, which is made known if it was not.  -ENOMEM. */
int values_hold(struct values *s, uint64_t file, struct value_file **out);
void values_ref(struct value_file *f);
void values_unref(struct value_file *f); /* NULL is allowed */

/* Without a reference; NULL: nobody holds it. */
struct value_file *values_find(struct values *s, uint64_t file);

/* The file goes with the last reference; if it is large, and its bytes are
 * set, not in the thread that has it. */
void values_set_obsolete(struct value_file *f);

/* Another store has the file too, by a link: it can be deleted here, but must
 * not be used again. */
void values_set_shared(struct value_file *f);

/* The caller's reference is the only one, and the file may be used again. */
bool values_is_alone(struct value_file *f);

/* Nothing is added any more: it has so many bytes. */
void values_set_bytes(struct value_file *f, uint64_t bytes);
uint64_t values_bytes(struct value_file *f);

/* The same by who found it on disk: if it is not known yet.  Who writes the
 * file may have cut it meanwhile, and sets what it has then. */
void values_learn_bytes(struct value_file *f, uint64_t bytes);

/* Of a file that this process has written for values alone: what of it is none,
 * and would be in any copy of them.  0: nobody knows. */
void values_set_overhead(struct value_file *f, uint64_t bytes);

/* What of it is, or may have been, values: bytes less overhead. */
uint64_t values_content(struct value_file *f);

/* The file open for reading (opened now if it was not); the set's.  A file
 * that is missing is ERR_DAMAGED, with a message. */
int values_file(struct value_file *f, struct env_file **out);

#endif
