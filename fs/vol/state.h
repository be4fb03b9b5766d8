/*
 * state: struct vol itself and what every operation shares; private to fs/vol.
 */
#ifndef FS_VOL_STATE_H
#define FS_VOL_STATE_H

#include <stdatomic.h>

#include "engine/base/lock.h"
#include "engine/base/rwlock.h"
#include "fs/record/super.h"
#include "fs/vol/node.h"
#include "fs/vol/policy.h"
#include "fs/vol/vol_lab.h"

#define STATE_STRIPES   64
#define STATE_INO_CHUNK 1024

LIST_HEAD(state_bucket, node);
LIST_HEAD(state_listings, vol_dir);

struct vol {
	/* constant after open, but for vol_stop and vol_restart */
	struct store *store; /* NULL: stopped, everything gives -EIO */
	struct super super;
	struct node *root; /* always in memory */

	/* constant after open */
	struct err_sink sink;
	bool read_only;
	struct vol_lab lab; /* cut NULL: none */

	struct rwlock names;    /* rank VOL_NS, see node.h; protects: */
	uint64_t names_changes; /* how often names changed */
	uint64_t ino_next;
	uint64_t ino_reserved; /* recorded in S "ino" */
	uint64_t ino_pending;  /* will be, once the batch is written; 0: none */

	struct lock stripes[STATE_STRIPES];

	struct lock table; /* protects down to `listings` */
	struct state_bucket *buckets;
	size_t bucket_count; /* power of two; grows */
	size_t node_count;
	_Atomic uint64_t era; /* node_era; written under the table lock */
	struct state_listings listings; /* open ones */

	atomic_bool trims_left; /* has one outlived its node?  node_trim.h */

	struct lock pool; /* rank LEAF; protects the batches at rest */
	struct store_batch *batches[16];
	size_t batch_count;

	struct control *control; /* control.h */
	_Atomic uint64_t fsyncs_ignored;
};

/* An empty batch for one operation; NULL: no memory.  Give it back. */
struct store_batch *state_batch_take(struct vol *v);
void state_batch_give(struct vol *v, struct store_batch *b); /* NULL allowed */

/* Writes the batch under a packed policy, and notes in ctx what came of it.
 * -EROFS if the volume is read-only. */
int state_commit(
    struct vol *v, struct vol_ctx *ctx, struct store_batch *b, uint64_t policy);

/* A new inode number.  If it begins a chunk, the reservation is put into b,
 * and counts once state_ino_written says that b was written.  Caller holds
 * v->names for writing, all the while. */
int state_ino(struct vol *v, struct store_batch *b, uint64_t *ino);
void state_ino_written(struct vol *v);

/* The batches at rest; nothing is in flight. */
void state_batches_free(struct vol *v);

/* Wall clock, ns. */
int64_t state_now(void);

/* Damage in a record: logs key and reason, returns ERR_DAMAGED. */
int state_damaged(struct vol *v, struct bytes key, const char *reason);

#endif
