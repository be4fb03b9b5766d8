#include "fs/vol/state.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>

#include "engine/base/must.h"
#include "fs/record/key.h"
#include "fs/vol/vol_time.h"

/* A batch at rest keeps its memory; larger ones are not kept. */
#define STATE_BATCH_KEEP_BYTES (256u << 10)

#define STATE_BATCHES (sizeof(((struct vol *)NULL)->batches) / sizeof(void *))

struct store_batch *
state_batch_take(struct vol *v)
{
	struct store_batch *b = NULL;

	lock_acquire(&v->pool);
	if (v->batch_count > 0)
		b = v->batches[--v->batch_count];
	lock_release(&v->pool);
	return b ? b : store_batch_new(v->store);
}

void
state_batch_give(struct vol *v, struct store_batch *b)
{
	bool keep;

	if (!b)
		return;
	keep = store_batch_bytes(b) <= STATE_BATCH_KEEP_BYTES;
	if (keep)
		store_batch_clear(b);
	lock_acquire(&v->pool);
	keep = keep && v->batch_count < STATE_BATCHES;
	if (keep)
		v->batches[v->batch_count++] = b;
	lock_release(&v->pool);
	if (!keep)
		store_batch_free(b);
}

void
state_batches_free(struct vol *v)
{
	while (v->batch_count > 0)
		store_batch_free(v->batches[--v->batch_count]);
}

int
state_commit(
    struct vol *v, struct vol_ctx *ctx, struct store_batch *b, uint64_t policy)
{
	struct store_written done;
	struct durability d;
	int err;

	if (v->read_only)
		return -EROFS;
	err = store_write(
	    v->store, b, policy_unpack(policy, &d) ? &d : NULL, &done);
	if (err)
		return err;
	ctx->seq = done.seq;
	if (done.sync_seq > ctx->sync_seq)
		ctx->sync_seq = done.sync_seq;
	return 0;
}

static int
state_ino_put(struct store_batch *b, uint64_t next)
{
	struct buf key = {0}, record = {0};
	int err = key_super(&key, "ino");

	if (err == 0)
		err = super_ino_encode(&record, next);
	if (err == 0)
		err = store_batch_put(b, buf_bytes(&key), buf_bytes(&record));
	buf_fini(&record);
	buf_fini(&key);
	return err;
}

int
state_ino(struct vol *v, struct store_batch *b, uint64_t *ino)
{
	int err;

	v->ino_pending = 0;
	if (v->ino_next >= VOL_INO_MAX - STATE_INO_CHUNK)
		return -ENOSPC;
	if (v->ino_next >= v->ino_reserved) {
		v->ino_pending = v->ino_next + STATE_INO_CHUNK;
		err = state_ino_put(b, v->ino_pending);
		if (err)
			return err;
	}
	*ino = v->ino_next++;
	return 0;
}

void
state_ino_written(struct vol *v)
{
	if (v->ino_pending)
		v->ino_reserved = v->ino_pending;
	v->ino_pending = 0;
}

int64_t
state_now(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_REALTIME, &t) == 0);
	return vol_time_of(t);
}

int
state_damaged(struct vol *v, struct bytes key, const char *reason)
{
	char text[400];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < key.size && used + 5 < sizeof(text); i++) {
		size_t room = sizeof(text) - used;
		uint8_t c = key.data[i];

		used +=
		    (size_t)(isprint(c)
				 ? snprintf(text + used, room, "%c", c)
				 : snprintf(text + used, room, "\\x%02x", c));
	}
	err_log(&v->sink, ERR_LEVEL_ERROR, "record %s is damaged: %s", text,
	    reason);
	return ERR_DAMAGED;
}
