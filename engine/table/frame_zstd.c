#include "engine/table/frame_zstd.h"

#include <stdatomic.h>
#include <zstd.h>

#include "engine/base/counter.h"
#include "engine/base/err.h"

/* Of 4 KiB blocks of text and programs it leaves 3 % less than level 1 and
 * takes a third longer; higher ones take twice as long for the next 3 %. */
#define FRAME_ZSTD_LEVEL 3

/* A block of the format, 4 bytes at least, makes no more than 128 KiB. */
#define FRAME_ZSTD_RATIO_MAX (32u << 10)

/*
 * Contexts that nobody uses, one for each few threads.  Acquire and release:
 * what the last user did with it comes before what the next one does.
 */
static _Atomic(ZSTD_CCtx *) frame_zstd_writers[COUNTER_CELLS];
static _Atomic(ZSTD_DCtx *) frame_zstd_readers[COUNTER_CELLS];

static ZSTD_CCtx *
frame_zstd_new_writer(void)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	if (!c)
		return NULL;
	if (!ZSTD_isError(ZSTD_CCtx_setParameter(
		c, ZSTD_c_compressionLevel, FRAME_ZSTD_LEVEL)))
		return c;
	ZSTD_freeCCtx(c);
	return NULL;
}

static ZSTD_CCtx *
frame_zstd_take_writer(void)
{
	ZSTD_CCtx *c = atomic_exchange_explicit(
	    &frame_zstd_writers[counter_cell()], NULL, memory_order_acquire);

	return c ? c : frame_zstd_new_writer();
}

static void
frame_zstd_give_writer(ZSTD_CCtx *c)
{
	ZSTD_freeCCtx(atomic_exchange_explicit(
	    &frame_zstd_writers[counter_cell()], c, memory_order_acq_rel));
}

static ZSTD_DCtx *
frame_zstd_take_reader(void)
{
	ZSTD_DCtx *d = atomic_exchange_explicit(
	    &frame_zstd_readers[counter_cell()], NULL, memory_order_acquire);

	return d ? d : ZSTD_createDCtx();
}

static void
frame_zstd_give_reader(ZSTD_DCtx *d)
{
	ZSTD_freeDCtx(atomic_exchange_explicit(
	    &frame_zstd_readers[counter_cell()], d, memory_order_acq_rel));
}

int
frame_zstd_compress(struct buf *out, struct bytes block, size_t *stored)
{
	size_t bound = ZSTD_compressBound(block.size), n;
	int err = buf_reserve(out, bound);
	ZSTD_CCtx *c;

	if (err)
		return err;
	c = frame_zstd_take_writer();
	if (!c)
		return -ENOMEM;
	n = ZSTD_compress2(
	    c, out->data + out->size, bound, block.data, block.size);
	frame_zstd_give_writer(c);
	if (ZSTD_isError(n)) /* there is room, so it can only be memory */
		return -ENOMEM;
	out->size += n;
	*stored = n;
	return 0;
}

const char *
frame_zstd_fault(struct bytes stored, size_t plain_size)
{
	/* Unknown and malformed ones are no sizes of ours. */
	if (plain_size == 0 ||
	    ZSTD_getFrameContentSize(stored.data, stored.size) != plain_size ||
	    plain_size / FRAME_ZSTD_RATIO_MAX > stored.size)
		return "sizes do not agree";
	/* One frame and nothing else. */
	if (ZSTD_findFrameCompressedSize(stored.data, stored.size) !=
	    stored.size)
		return "ZSTD data malformed";
	return NULL;
}

int
frame_zstd_decompress(struct bytes stored, uint8_t *data, size_t plain_size)
{
	ZSTD_DCtx *d = frame_zstd_take_reader();
	size_t n;

	if (!d)
		return -ENOMEM;
	n = ZSTD_decompressDCtx(d, data, plain_size, stored.data, stored.size);
	frame_zstd_give_reader(d);
	return n == plain_size ? 0 : ERR_DAMAGED;
}
