/*
 * version: an immutable set of tables, by level.
 *
 * Level 0 tables may overlap and are ordered newest first (by number); deeper
 * levels are sorted by key and do not overlap, and no user key stands in two
 * tables of one of them, neither in an entry nor in a range tombstone. Versions
 * and files are counted: a file's table is closed, and if it is marked obsolete
 * deleted, when the last version that holds it goes. Threads: a version may be
 * read by any number of threads; references are atomic.
 */
#ifndef ENGINE_DB_VERSION_H
#define ENGINE_DB_VERSION_H

#include <stdatomic.h>

#include "engine/lsm.h"
#include "engine/os/env.h"
#include "engine/table/table.h"
#include "engine/table/table_writer.h"

/* User keys from first to last, which is among them or not; or all from first
 * on.  What can be done with them: span.h. */
enum span_end { SPAN_INCLUDED, SPAN_EXCLUDED, SPAN_OPEN };

struct span {
	struct bytes first;
	struct bytes last;
	enum span_end end;
};

struct value_file;
struct values;

struct version_file {
	_Atomic uint32_t refs;
	atomic_bool obsolete; /* delete the file with the last reference */
	struct env *env;
	char *path;
	struct cache *cache;
	struct reaper *reaper;
	uint64_t number;
	uint64_t bytes;
	uint64_t entries;
	uint64_t deletes;
	uint64_t seq_min;
	uint64_t seq_max;
	struct buf smallest; /* ikeys; of no bytes if there are no entries */
	struct buf largest;
	uint64_t ranges; /* fragments of range tombstones */
	struct buf ranges_begin;
	struct buf ranges_end; /* no bytes: none */
	struct span span;      /* of entries and range tombstones; views */
	struct expiries expiries;
	struct hidden hidden;
	struct vref_list value_refs;
	uint64_t value_bytes;          /* of all of them */
	struct value_file **values;    /* held: those of value_refs, in order */
	_Atomic(struct table *) table; /* opened at first use, then constant */
};

/* Where tables are and through what they are read. */
struct version_place {
	struct env *env;
	const char *dir;
	struct cache *cache;
	struct values *values; /* NULL: tables refer to none */
	struct reaper *reaper; /* removes files; NULL: whoever lets go does */
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

/* Tombstones of keys or of ranges. */
static inline bool
version_file_has_deletes(const struct version_file *f)
{
	return f->deletes > 0 || f->ranges > 0;
}

/* There is something in it that a rewrite may drop. */
static inline bool
version_file_has_dead(const struct version_file *f, uint64_t now_ms)
{
	return version_file_has_deletes(f) || f->hidden.count > 0 ||
	       (f->expiries.count > 0 && f->expiries.first_ms <= now_ms);
}

/* So much in it has expired that it is worth a rewrite. */
static inline bool
version_file_is_due(const struct version_file *f, uint64_t now_ms)
{
	return expiries_are_due(&f->expiries, f->entries, now_ms);
}

struct version_level {
	struct version_file **files;
	size_t count;
	uint64_t bytes;
	/* Not of level 0: digests (engine/base/digest.h) of the keys where the
	 * files end, and what all keys begin with. */
	uint64_t *ends;
	struct bytes prefix;
	/* Those of files that have range tombstones, in the same order. */
	struct version_file **ranged;
	size_t ranged_count;
};

/* A file of values that tables of the version refer to. */
struct version_use {
	struct value_file *file; /* held by the tables */
	uint64_t bytes;          /* of values referred to */
	uint64_t tables;
};

struct version {
	_Atomic uint32_t refs;
	struct version_level levels[LSM_LEVELS];
	struct version_use *uses; /* ascending by file */
	size_t use_count;
	size_t ranged_count;   /* of all levels */
	size_t expiring_count; /* tables with values that expire */
};

struct edit;

/* base (may be NULL: empty) with the edit applied: first its removes, then its
 * adds, so that a file can move; one reference.  ERR_DAMAGED if the edit does
 * not fit (removes what is not there, adds an overlap, an older table to level
 * 0, a number twice), with a message to sink. */
int version_build(const struct version *base, const struct edit *e,
    const struct err_sink *sink, struct version **out);
void version_ref(struct version *v);

/* What the tables of v refer to in this file (vref.h); NULL: nothing. */
const struct version_use *version_find_use(
    const struct version *v, uint64_t file);
void version_unref(struct version *v);

/* Tables that a lookup had to do with. */
struct version_met {
	uint32_t skipped;  /* the filter excluded them */
	uint32_t searched; /* all others, */
	uint32_t in_vain;  /* those of them without an entry of the key, */
	uint32_t searched_at[LSM_LEVELS];
};

/*
 * The newest entry at or after target (encoded ikey: key, seq, SEEK) with its
 * user key, if no range tombstone hides it: 1 (the caller unrefs out->block),
 * 0, <0.  What it met is added to *met.
 */
int version_get(struct version *v, struct bytes target, uint64_t hash,
    struct table_entry *out, struct version_met *met);

/* Iterators that cover the version: one per level 0 table, one per deeper
 * level (concatenating, opening tables lazily); put at out[*count] and so on,
 * which has room for version_iter_count more; *count grows.  On an error
 * nothing is added.  The version must outlive them. */
size_t version_iter_count(const struct version *v);
int version_iters(
    struct version *v, bool fill, struct iter **out, size_t *count);

/* One iterator over files that are sorted and do not overlap (some of a level
 * > 0); at most one of their tables is being iterated at a time.  files and
 * what they point to must outlive it. */
int version_iter_open(struct version_file *const *files, size_t count,
    bool fill, struct iter **out);

/* Of files sorted in that way: the first that does not end before the user
 * key. */
size_t version_find(
    struct version_file *const *files, size_t count, struct bytes user);

/* The same of all files of a level > 0, faster. */
size_t version_find_level(const struct version_level *l, struct bytes user);

#endif
