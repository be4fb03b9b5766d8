/*
 * version: an immutable set of tables, by level.
 *
 * Level 0 tables may overlap and are ordered newest first (by number); deeper
 * levels are sorted by key and do not overlap, and no user key stands in two
 * tables of one of them.  Versions and files are counted: a file's table is
 * closed, and if it is marked obsolete deleted, when the last version that
 * holds it goes.
 * Threads: a version may be read by any number of threads; references are
 * atomic.
 */
#ifndef ENGINE_DB_VERSION_H
#define ENGINE_DB_VERSION_H

#include <stdatomic.h>

#include "engine/lsm.h"
#include "engine/os/env.h"
#include "engine/table/table.h"
#include "engine/table/table_writer.h"

struct version_file {
	_Atomic uint32_t refs;
	atomic_bool obsolete; /* delete the file with the last reference */
	struct env *env;
	char *path;
	struct cache *cache;
	uint64_t number;
	uint64_t bytes;
	uint64_t entries;
	uint64_t deletes;
	uint64_t seq_min;
	uint64_t seq_max;
	struct buf smallest; /* ikeys */
	struct buf largest;
	_Atomic(struct table *) table; /* opened at first use, then constant */
};

/* Where tables are and through what they are read. */
struct version_place {
	struct env *env;
	const char *dir;
	struct cache *cache;
};

/* A new file, one reference, from what a writer said (copied).  p NULL: it gets
 * its place later. */
int version_file_new(const struct version_place *p,
    const struct table_info *info, struct version_file **out);

/* Before anybody else sees the file. */
int version_file_place(struct version_file *f, const struct version_place *p);
void version_file_ref(struct version_file *f);
void version_file_unref(struct version_file *f);

/* The open table (opened now if it was not); owned by the file.  ERR_DAMAGED
 * with a message if it is not the table that the file describes. */
int version_file_table(struct version_file *f, struct table **out);

struct version_level {
	struct version_file **files;
	size_t count;
	uint64_t bytes;
};

struct version {
	_Atomic uint32_t refs;
	struct version_level levels[LSM_LEVELS];
};

struct edit;

/* base (may be NULL: empty) with the edit applied: first its removes, then its
 * adds, so that a file can move; one reference.  ERR_DAMAGED if the edit does
 * not fit (removes what is not there, adds an overlap, an older table to level
 * 0, a number twice), with a message to sink. */
int version_build(const struct version *base, const struct edit *e,
    const struct err_sink *sink, struct version **out);
void version_ref(struct version *v);
void version_unref(struct version *v);

/*
 * The newest entry at or after target (encoded ikey: key, seq, SEEK) with its
 * user key: 1 (the caller unrefs out->block), 0, <0.  *skips counts tables
 * that the filter excluded.
 */
int version_get(struct version *v, struct bytes target, uint64_t hash,
    struct table_entry *out, uint64_t *skips);

/* Iterators that cover the version: one per level 0 table, one per deeper
 * level (concatenating, opening tables lazily); put at out[*count] and so on,
 * which has room for version_iter_count more; *count grows.  On an error
 * nothing is added.  The version must outlive them. */
size_t version_iter_count(const struct version *v);
int version_iters(struct version *v, bool fill, struct iter **out,
    size_t *count);

/* One iterator over files that are sorted and do not overlap (some of a level
 * > 0); at most one of their tables is being iterated at a time.  files and
 * what they point to must outlive it. */
int version_iter_open(struct version_file *const *files, size_t count,
    bool fill, struct iter **out);

/* Of files sorted in that way: the first whose largest ikey is >= ikey. */
size_t version_find(struct version_file *const *files, size_t count,
    struct bytes ikey);

/* Files of a level > 0 that overlap the user keys [smallest, largest]; data
 * NULL: open end.  A range of indexes, empty if *first == *end. */
void version_overlap(const struct version *v, unsigned level,
    struct bytes smallest, struct bytes largest, size_t *first, size_t *end);

/* Both ends included.  Views, valid as long as the file. */
static inline struct bytes
version_file_first(const struct version_file *f)
{
	return ikey_user(buf_bytes(&f->smallest));
}

static inline struct bytes
version_file_last(const struct version_file *f)
{
	return ikey_user(buf_bytes(&f->largest));
}

#endif
