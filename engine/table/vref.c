#include "engine/table/vref.h"

#include "engine/base/hash.h"

static uint64_t
chunk_sum(uint64_t file, uint64_t offset, struct bytes chunk)
{
	/* As in a frame: odd, so that no two files give the same seed. */
	uint64_t seed = vref_number(file) * UINT64_C(0x9e3779b97f4a7c15);

	return hash_64(chunk, seed ^ offset);
}

/* The next chunk of data, taken from its beginning. */
static struct bytes
chunk_shift(struct bytes *data)
{
	size_t size = data->size < VREF_CHUNK ? data->size : VREF_CHUNK;
	struct bytes chunk = bytes_of(data->data, size);

	*data = bytes_of(data->data + size, data->size - size);
	return chunk;
}

size_t
vref_encode(uint8_t *p, uint64_t file, uint64_t offset, struct bytes value)
{
	uint8_t *at = p;

	at += wire_put_varint(at, file);
	at += wire_put_varint(at, offset);
	at += wire_put_varint(at, value.size);
	while (value.size > 0) {
		struct bytes chunk = chunk_shift(&value);

		wire_put_le64(at, chunk_sum(file, offset, chunk));
		offset += chunk.size;
		at += 8;
	}
	return (size_t)(at - p);
}

int
vref_decode(struct bytes encoded, struct vref *out)
{
	struct wire_in in = wire_in_of(encoded);
	struct vref r;

	if (wire_in_varint(&in, &r.file) || wire_in_varint(&in, &r.offset) ||
	    wire_in_varint(&in, &r.size))
		return ERR_DAMAGED;
	if (!vref_file_valid(r.file) || r.size == 0 ||
	    r.size > VREF_VALUE_MAX || r.offset > VREF_FILE_MAX ||
	    wire_in_left(&in) != 8 * vref_chunks(r.size))
		return ERR_DAMAGED;
	r.sums = bytes_of(in.pos, wire_in_left(&in));
	*out = r;
	return 0;
}

size_t
vref_check(const struct vref *r, size_t first, struct bytes data)
{
	uint64_t offset = r->offset + (uint64_t)first * VREF_CHUNK;

	while (data.size > 0) {
		struct bytes chunk = chunk_shift(&data);

		if (chunk_sum(r->file, offset, chunk) !=
		    wire_get_le64(r->sums.data + 8 * first))
			break;
		offset += chunk.size;
		first++;
	}
	return first;
}
