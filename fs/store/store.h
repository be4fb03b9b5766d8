/*
 * store: what the filesystem needs from a store, and nothing more.
 *
 * Use: an implementation (store_lsm.h) makes a struct store; fs/vol calls the
 * functions below.  Semantics are those of engine/lsm.h: atomic batches in one
 * order, sequence numbers, sync up to a number, durability policies, snapshots
 * by iterators.
 * Owns: values are pinned until store_value_release, iterators until close.
 * Threads: any; a batch, iterator or value: one at a time.
 * Errors: as lsm.h: -EUCLEAN, -ENOSPC, -EROFS, -EIO, -ENOMEM.
 */
#ifndef FS_STORE_STORE_H
#define FS_STORE_STORE_H

#include <stdbool.h>

#include "engine/base/buf.h"
#include "engine/base/durability.h"

struct store;
struct store_batch;
struct store_iter;

/* A zeroed one holds nothing. */
struct store_value {
	struct bytes bytes;
	struct store *store; /* set by store_get when something is pinned */
	void *pin[2];        /* for the implementation */
	int pin_kind;
};

/* What came of a write, as struct lsm_written. */
struct store_written {
	uint64_t seq;      /* its number, for store_sync */
	uint64_t sync_seq; /* sync this before acknowledging; 0: nothing */
};

/* How durability fares. */
struct store_sync_figures {
	uint64_t syncs;            /* of the device, for the log */
	uint64_t batches;          /* written since the store was opened */
	uint64_t unsynced_batches; /* of them */
	uint64_t unsynced_us;      /* age of the oldest of those */
	uint64_t cost_us;          /* of a sync, lately */
};

/* Exported as a table so that a clustered or a test store can stand in. */
struct store_ops {
	int (*close)(struct store *); /* syncs; frees; first error */

	int (*get)(struct store *, struct bytes key, struct store_value *out);
	void (*value_release)(struct store_value *);

	struct store_batch *(*batch_new)(struct store *);
	void (*batch_free)(struct store_batch *);
	void (*batch_clear)(struct store_batch *);
	int (*batch_put_room)(struct store_batch *, struct bytes key,
	    size_t size, uint8_t **value);
	int (*batch_delete)(struct store_batch *, struct bytes key);
	size_t (*batch_bytes)(const struct store_batch *);

	int (*write)(struct store *, struct store_batch *,
	    const struct durability *d, struct store_written *out);
	int (*sync)(struct store *, uint64_t seq);
	int (*failure)(struct store *);
	uint64_t (*seq)(struct store *);
	uint64_t (*durable_seq)(struct store *);
	int (*set_durability)(struct store *, const struct durability *d);
	void (*get_durability)(struct store *, struct durability *out);
	void (*sync_figures)(struct store *, struct store_sync_figures *out);

	int (*iter_open)(struct store *, struct bytes lower, struct bytes upper,
	    bool keys_only, struct store_iter **out);
	void (*iter_close)(struct store_iter *);
	int (*iter_seek)(struct store_iter *, struct bytes key);
	int (*iter_next)(struct store_iter *);

	int (*space)(
	    struct store *, uint64_t *free_bytes, uint64_t *total_bytes);
	int (*stats)(struct store *, struct buf *text); /* name value lines */
	int (*compact)(struct store *);
	int (*check)(struct store *,
	    void (*finding)(void *ctx, const char *text), void *ctx);
};

struct store {
	const struct store_ops *ops;
};

/* A batch and iterator know their store; implementations embed these first. */
struct store_batch {
	struct store *store;
};

struct store_iter {
	struct store *store;
	struct bytes key; /* set while at an entry */
	struct bytes value;
};

int store_close(struct store *s);

/* 1 found and pinned, 0 absent, <0: *out is untouched. */
int store_get(struct store *s, struct bytes key, struct store_value *out);
void store_value_release(struct store_value *v); /* leaves it zeroed */

struct store_batch *store_batch_new(struct store *s); /* NULL: no memory */
void store_batch_free(struct store_batch *b);         /* NULL allowed */
void store_batch_clear(struct store_batch *b);
int store_batch_put(
    struct store_batch *b, struct bytes key, struct bytes value);

/* The caller fills *value before the next call on the batch. */
int store_batch_put_room(
    struct store_batch *b, struct bytes key, size_t size, uint8_t **value);
int store_batch_delete(struct store_batch *b, struct bytes key);
size_t store_batch_bytes(const struct store_batch *b);

/* Atomic, under the policy d (NULL: the store's).  Does not sync. */
int store_write(struct store *s, struct store_batch *b,
    const struct durability *d, struct store_written *out);
int store_sync(struct store *s, uint64_t seq);

/* What a write or sync, also in the background, failed with so that no change
 * can be made any more; 0: nothing. */
int store_failure(struct store *s);
uint64_t store_seq(struct store *s);
uint64_t store_durable_seq(struct store *s);

/* From the next write on; what was written before is synced, unless d is
 * none.  -EINVAL: the old one stays. */
int store_set_durability(struct store *s, const struct durability *d);
void store_get_durability(struct store *s, struct durability *out);
void store_sync_figures(struct store *s, struct store_sync_figures *out);

/* Over [lower, upper) as it is now, whatever is written later.  Not
 * positioned: seek first.  1 at an entry, 0 end, <0. */
int store_iter_open(struct store *s, struct bytes lower, struct bytes upper,
    struct store_iter **out);

/* The same without values, which are empty: large ones are not read. */
int store_iter_open_keys(struct store *s, struct bytes lower,
    struct bytes upper, struct store_iter **out);
void store_iter_close(struct store_iter *it); /* NULL allowed */
int store_iter_seek(struct store_iter *it, struct bytes key);
int store_iter_next(struct store_iter *it);

int store_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes);
int store_stats(struct store *s, struct buf *text);
int store_compact(struct store *s);

/* Reads everything that the store has on disk.  How many findings there were,
 * each one line, or <0 if the check could not go on.  finding must not use the
 * store. */
int store_check(
    struct store *s, void (*finding)(void *ctx, const char *text), void *ctx);

#endif
