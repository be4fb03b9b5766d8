/* The frame of a block.  Flags: FUZZ_FIX; a byte for the offset; the frame. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"
#include "engine/table/frame.h"
#include "tests/fuzz/fix.h"
#include "tests/fuzz/fuzz.h"

#define FILE_NO 5

/* A frame that claims more than this is none that a fuzzer should unpack. */
#define UNPACK_MAX (1u << 20)

static void
decode(struct bytes raw, uint64_t offset)
{
	struct buf room = {0};
	struct bytes block;
	const char *why = NULL;
	int err = frame_decode(FILE_NO, offset, raw, &room, &block, &why);

	must(err || block.size <= FRAME_BYTES_MAX);
	must(!err || why || err == -ENOMEM);
	buf_fini(&room);
}

/* Any bytes can be a block. */
static void
there_and_back(struct bytes content, enum frame_compression c)
{
	struct buf out = {0}, room = {0};
	struct frame_handle h;
	struct bytes block;
	const char *why;

	must(frame_encode(&out, content, c, FILE_NO, 0, &h) == 0);
	must(frame_decode(FILE_NO, 0, buf_bytes(&out), &room, &block, &why) ==
	     0);
	must(bytes_eq(block, content));
	must(frame_decode(FILE_NO, 1, buf_bytes(&out), &room, &block, &why) !=
	     0);
	buf_fini(&out);
	buf_fini(&room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *raw;
	size_t n;

	if (size < 2)
		return 0;
	n = size - 2;
	raw = malloc(n + 1);
	must(raw);
	memcpy(raw, data + 2, n);
	if (n >= FRAME_TRAILER &&
	    wire_get_le32(raw + n - FRAME_TRAILER + 1) > UNPACK_MAX)
		raw[n - FRAME_TRAILER + 4] = 0;
	if (data[0] & FUZZ_FIX && n >= FRAME_TRAILER) {
		/* fix_frame has the offset in the file. */
		uint8_t *file = calloc(1, data[1] + n);

		must(file);
		memcpy(file + data[1], raw, n);
		fix_frame(file, data[1] + n, FILE_NO,
		    (struct frame_handle){data[1], n - FRAME_TRAILER});
		memcpy(raw, file + data[1], n);
		free(file);
	}
	decode(bytes_of(raw, n), data[1]);
	there_and_back(
	    bytes_of(raw, n), (enum frame_compression)(data[0] >> 1) % 3);
	free(raw);
	return 0;
}
