/*
 * lsm: an ordered key-value store in a directory; the only door to the engine.
 *
 * Use:
 *	struct lsm_options o;
 *	lsm_options_init(&o);
 *	lsm_open("dir", &o, &db);
 *	lsm_batch_put(batch, key, value); ... lsm_write(db, batch, &seq);
 *	lsm_sync(db, seq);
 *	lsm_get(db, NULL, key, &value); ... lsm_value_release(&value);
 *	lsm_close(db);
 *
 * Keys are 0 to LSM_KEY_MAX bytes in memcmp order, values up to LSM_VALUE_MAX.
 * A batch is applied as a whole or not at all, also by recovery.  Each
 * operation has a sequence number; what is written later has a higher one.
 * Durability: lsm_write has handed the batch to the kernel when it returns, so
 * the death of the process loses nothing.  What a power cut may take is the
 * choice of the store's durability policy (engine/base/durability.h): nothing
 * that lsm_write has returned for (sync), the last operations (batch: so many
 * and so old at most; adaptive: so old at most), or all since the last
 * lsm_sync (none).  After lsm_sync(db, seq) it loses nothing up to seq.  After
 * any crash lsm_open finds the state after a prefix of the batches, at least
 * as long as the last synced one.
 *
 * Owns: a struct lsm owns its directory through a lock file until lsm_close.
 * Iterators, values and snapshots must be closed before the store.
 * Threads: a struct lsm may be used by any number of threads; one batch,
 * iterator or value by one thread at a time.  Reads never wait for writers.
 * Signals: files are written and read through mapped memory, under a handler of
 * SIGBUS that stays and hands on what is not its own.
 * Errors: 0 or -errno; -EUCLEAN: damage on disk; -EPROTONOSUPPORT: a format
 * newer than this code, or not ours; -EBUSY: open elsewhere; -ENOSPC, -EDQUOT:
 * nothing was written; deletes are still taken, and all is once there is space;
 * -EROFS: a write or sync of the log failed, no writes until it is reopened;
 * others: a flush or compaction failed; writing goes on when a later try works.
 */
#ifndef ENGINE_LSM_H
#define ENGINE_LSM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "engine/base/bytes.h"
#include "engine/base/durability.h"
#include "engine/lsm_stats.h"

#define LSM_KEY_MAX   (64u << 10)
#define LSM_VALUE_MAX (64u << 20)
#define LSM_BATCH_MAX (256u << 20)
#define LSM_BATCH_RANGES_MAX      1024u
#define LSM_BATCH_RANGE_BYTES_MAX (16u << 20)

struct env;
struct lsm;
struct lsm_batch;
struct lsm_iter;
struct lsm_lab;
struct lsm_snapshot;

enum lsm_compression {
	LSM_COMPRESSION_NONE = 0,
	LSM_COMPRESSION_LZ4 = 1,
	LSM_COMPRESSION_ZSTD = 2, /* smaller, and slower both ways */
	LSM_COMPRESSION_SAME = 3, /* bottom_compression: as compression */
};

/* LEVELED: reads are cheapest.  LAZY: writes are, with some more runs for a
 * read to look into.  It may be another one at each open. */
enum lsm_compaction_style {
	LSM_COMPACTION_LEVELED = 0,
	LSM_COMPACTION_LAZY = 1
};

struct lsm_options {
	bool create;            /* create the store if the directory has none */
	bool must_create;       /* with create: -EEXIST if there is one */
	size_t memtable_bytes;  /* a memtable is flushed at this size */
	unsigned memtables_max; /* full memtables that may wait, at least 2 */
	size_t cache_bytes;     /* blocks and large values kept in memory */
	size_t block_bytes;     /* of table content, before compression */
	size_t table_bytes;     /* tables are cut at about this size */
	size_t level_base_bytes; /* of the first level below level 0 */
	unsigned level0_tables; /* level 0 comes down at 1 to 2 times this */
	enum lsm_compaction_style compaction_style;
	unsigned compaction_threads; /* compactions at once, 1 to 16 */
	unsigned filter_bits;    /* bloom bits per key, 0: no filter */
	/* Values of so many bytes or more are written once, to the log, and
	 * stay there; tables refer to them.  0: none are. */
	size_t value_log_bytes;
	enum lsm_compression compression;
	enum lsm_compression bottom_compression; /* of the last level */
	struct durability durability;
	/* Flush and compact on demand (tests); bounds in milliseconds are
	 * held by the next write only. */
	bool no_background;
	struct env *env; /* NULL: POSIX files */
	/* lsm_lab.h: a disk whose power can be cut; env is NULL then. */
	struct lsm_lab *lab;
	/* One line for people, from any thread; level 0 info, 1 warning,
	 * 2 error.  NULL: dropped.  Ignored if env or lab is given. */
	void (*message)(void *ctx, int level, const char *text);
	void *message_ctx;
};

void lsm_options_init(struct lsm_options *o);

/* o NULL: what lsm_options_init says. */
int lsm_open(const char *path, const struct lsm_options *o, struct lsm **out);

/* Syncs the log, stops the threads, frees everything; the first error of the
 * sync is returned, the store is closed in any case. */
int lsm_close(struct lsm *db);

/* Who has the store open: *pid 0 if nobody, -1 if it did not tell its pid.
 * note: what the holder set with lsm_set_note (the mount point), or "". */
int lsm_holder(const char *path, pid_t *pid, char *note, size_t note_size);
int lsm_set_note(struct lsm *db, const char *note);

/* --- writing ----------------------------------------------------------- */

struct lsm_batch *lsm_batch_new(void); /* NULL: no memory */
void lsm_batch_free(struct lsm_batch *b);
void lsm_batch_clear(struct lsm_batch *b); /* keeps the memory for reuse */

/* -EINVAL: the key is longer than LSM_KEY_MAX or the value than LSM_VALUE_MAX;
 * -E2BIG: lsm_batch_bytes would pass LSM_BATCH_MAX.  Then, and on -ENOMEM, the
 * batch is as before. */
int lsm_batch_put(struct lsm_batch *b, struct bytes key, struct bytes value);
int lsm_batch_delete(struct lsm_batch *b, struct bytes key);

/* Deletes all keys from begin to before end (data NULL: no end), whatever there
 * is of them, at the cost of one operation.  begin at or behind end: nothing,
 * and the batch stays as it was.  -E2BIG also beyond LSM_BATCH_RANGES_MAX of
 * these, or LSM_BATCH_RANGE_BYTES_MAX of their keys. */
int lsm_batch_delete_range(
    struct lsm_batch *b, struct bytes begin, struct bytes end);

/*
 * As lsm_batch_put; from expires_ms on (milliseconds since 1970 UTC by the
 * wall clock; 0: never) the key is absent for every read, also at snapshots.
 * A clock that is set back may bring it back, but nothing older.
 */
int lsm_batch_put_until(struct lsm_batch *b, struct bytes key,
    struct bytes value, uint64_t expires_ms);

/* As lsm_batch_put for a value of size bytes that the caller fills in at
 * *value before the next call on this batch: saves a copy. */
int lsm_batch_put_room(
    struct lsm_batch *b, struct bytes key, size_t size, uint8_t **value);
uint32_t lsm_batch_count(const struct lsm_batch *b);
size_t lsm_batch_bytes(const struct lsm_batch *b); /* of its operations */

/*
 * Applies the batch atomically.  *seq (may be NULL) is its last sequence
 * number, for lsm_sync.  An empty batch is a no-op with the present number.
 * The batch is unchanged but for its header and may be cleared and reused.
 * May wait while flushes are behind, and for a device sync if the store's
 * durability asks for one; if that fails the batch is applied, but may be lost.
 */
int lsm_write(struct lsm *db, struct lsm_batch *b, uint64_t *seq);

/* What came of a write, and what is left to do for its durability. */
struct lsm_written {
	uint64_t seq;      /* its last number */
	uint64_t sync_seq; /* lsm_sync this before acknowledging; 0: nothing */
};

/* As lsm_write under a policy of its own (NULL: the store's), and without the
 * sync, so that the caller can share it among operations. */
int lsm_write_under(struct lsm *db, struct lsm_batch *b,
    const struct durability *d, struct lsm_written *out);

/* From the next write on; what was written before is synced, unless d is
 * none.  -EINVAL: the old one stays; another error is that of the sync. */
int lsm_set_durability(struct lsm *db, const struct durability *d);
void lsm_get_durability(struct lsm *db, struct durability *out);

/* Returns when everything up to seq is on stable storage.  Calls in flight
 * together share one device sync; none is made if seq is durable already. */
int lsm_sync(struct lsm *db, uint64_t seq);

/* What failed the log, for ever until the store is reopened; 0: nothing did.
 * Costs nothing. */
int lsm_failure(struct lsm *db);

/* The newest sequence number written, and the newest known to be durable. */
uint64_t lsm_seq(struct lsm *db);
uint64_t lsm_durable_seq(struct lsm *db);

/* --- reading ----------------------------------------------------------- */

/* A value pinned in memory; bytes are valid until lsm_value_release. */
struct lsm_value {
	struct bytes bytes;
	uint64_t expires_ms; /* 0: never */
	void *pin;           /* for the engine */
	int pin_kind;
};

/* 1 found, 0 not there, <0.  snapshot NULL: the newest state.  On 1 the
 * caller releases *value. */
int lsm_get(struct lsm *db, const struct lsm_snapshot *snapshot,
    struct bytes key, struct lsm_value *value);
void lsm_value_release(struct lsm_value *value);

/* As lsm_get, of the value's bytes only those from offset on, at most length of
 * them and perhaps none; of a large value only they are read. */
int lsm_get_part(struct lsm *db, const struct lsm_snapshot *snapshot,
    struct bytes key, uint64_t offset, size_t length, struct lsm_value *value);

int lsm_snapshot_open(struct lsm *db, struct lsm_snapshot **out);
void lsm_snapshot_close(struct lsm *db, struct lsm_snapshot *s);

/*
 * Named snapshots are kept in the store until they are deleted.  A name has 1
 * to 255 bytes (else -EINVAL).  What was written before the call is in it, and
 * is durable when it returns, as is the name.  -EEXIST: there is one already.
 */
int lsm_snapshot_create(struct lsm *db, const char *name);
/* Durable on return.  -ENOENT.  What find has opened can still be read. */
int lsm_snapshot_delete(struct lsm *db, const char *name);
/* As lsm_snapshot_open, at what it shows.  -ENOENT. */
int lsm_snapshot_find(
    struct lsm *db, const char *name, struct lsm_snapshot **out);
/* By name; created_ms since 1970.  Returns what each returned, if that ended
 * the listing. */
int lsm_snapshot_list(struct lsm *db,
    int (*each)(void *ctx, const char *name, uint64_t seq, uint64_t created_ms),
    void *ctx);

struct lsm_iter_options {
	const struct lsm_snapshot *snapshot; /* NULL: the state at open */
	struct bytes lower;                  /* first key; copied */
	struct bytes upper; /* end, exclusive; data NULL: no end; copied */
	bool no_fill;       /* blocks read do not enter the cache */
	bool keys_only;     /* values are empty, large ones not read */
};

/* Not positioned after open.  o NULL: all keys of the newest state.  What
 * expires does so as of one moment, when the first such entry is met. */
int lsm_iter_open(
    struct lsm *db, const struct lsm_iter_options *o, struct lsm_iter **out);
void lsm_iter_close(struct lsm_iter *it);

/* 1: at an entry; 0: past the end (or bound); <0: error, not at an entry. */
int lsm_iter_first(struct lsm_iter *it);
int lsm_iter_last(struct lsm_iter *it);
int lsm_iter_seek(struct lsm_iter *it, struct bytes key); /* first >= key */
int lsm_iter_seek_back(struct lsm_iter *it, struct bytes key); /* last <= */
int lsm_iter_next(struct lsm_iter *it); /* only when at an entry */
int lsm_iter_prev(struct lsm_iter *it);

/* Valid until the iterator moves. */
struct bytes lsm_iter_key(const struct lsm_iter *it);
struct bytes lsm_iter_value(const struct lsm_iter *it);
uint64_t lsm_iter_expires(const struct lsm_iter *it); /* ms; 0: never */

/* --- care -------------------------------------------------------------- */

/* Memtable to tables; returns when it is done. */
int lsm_flush(struct lsm *db);

/* Flushes and rewrites all tables into the last level, dropping what is
 * overwritten or deleted.  progress (may be NULL) gets done and total bytes. */
int lsm_compact(struct lsm *db,
    void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx);

/* The figures of this moment (lsm_stats.h). */
void lsm_stats(struct lsm *db, struct lsm_stats *out);

/*
 * A copy of the store as it is at a moment during the call, with its named
 * snapshots, in a directory that is not there or empty (-ENOTEMPTY); others
 * read and write on.  It is a store of its own, on stable storage, and what is
 * in it is durable in this one, too.  Tables are hard links where possible.
 * After an error nothing is left of it but LOCK in a directory that was there.
 */
int lsm_checkpoint(struct lsm *db, const char *dir);

/* Reads everything: every checksum, key order, table metadata.  Each finding
 * is one line naming file and offset; returns how many there were, or <0 if the
 * check could not go on.  The callbacks must not use db: locks are held. */
struct lsm_check_sink {
	void (*finding)(void *ctx, const char *text);
	/* NULL: nobody asks. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};
int lsm_check(struct lsm *db, const struct lsm_check_sink *sink);

/* A log, table or manifest file as text, without opening the store. */
int lsm_dump_file(const char *path, FILE *out);

/* Names of the log, table and manifest files of a store, in order. */
int lsm_list_files(
    const char *path, int (*each)(void *ctx, const char *path), void *ctx);

#endif
