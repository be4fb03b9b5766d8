#include "engine/table/wal_format.h"

#include "engine/base/hash.h"
#include "engine/base/wire.h"
#include "engine/table/ikey.h"

static const char magic[8] = {'k', 'e', 'y', 'f', 's', 'W', 'A', 'L'};

/* Offsets in the file header. */
enum {
	FILE_VERSION = 8,
	FILE_KIND = 12,
	FILE_NUMBER = 16,
	FILE_FIRST_SEQ = 24,
	FILE_SALT = 32,
	FILE_CHECKSUM = 40,
};

/* Offsets in the record header. */
enum {
	RECORD_CHECKSUM = 0,
	RECORD_PAYLOAD_CHECKSUM = 8,
	RECORD_SIZE = 16,
	RECORD_COUNT = 20,
	RECORD_SEQ = 24,
	RECORD_DURABLE = 32,
};

static uint64_t
file_checksum(const uint8_t *p, uint64_t number)
{
	return hash_64(bytes_of(p, FILE_CHECKSUM), number);
}

void
wal_format_put_file(uint8_t *p, const struct wal_format_file *h)
{
	memcpy(p, magic, sizeof(magic));
	wire_put_le32(p + FILE_VERSION, WAL_FORMAT_VERSION);
	wire_put_le32(p + FILE_KIND, h->kind);
	wire_put_le64(p + FILE_NUMBER, h->number);
	wire_put_le64(p + FILE_FIRST_SEQ, h->first_seq);
	wire_put_le64(p + FILE_SALT, h->salt);
	wire_put_le64(p + FILE_CHECKSUM, file_checksum(p, h->number));
}

static bool
all_zero(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

enum wal_format_state
wal_format_get_file(
    const uint8_t *p, struct wal_format_file *out, uint32_t *version)
{
	struct wal_format_file h = {
	    .kind = wire_get_le32(p + FILE_KIND),
	    .number = wire_get_le64(p + FILE_NUMBER),
	    .first_seq = wire_get_le64(p + FILE_FIRST_SEQ),
	    .salt = wire_get_le64(p + FILE_SALT),
	};
	uint64_t checksum = wire_get_le64(p + FILE_CHECKSUM);

	if (all_zero(p, WAL_FILE_HEADER))
		return WAL_FORMAT_ZERO;
	if (memcmp(p, magic, sizeof(magic)) != 0)
		return WAL_FORMAT_FOREIGN;
	/* Before the checksum: another version may keep it elsewhere. */
	*version = wire_get_le32(p + FILE_VERSION);
	if (*version < 1 || *version > WAL_FORMAT_VERSION)
		return WAL_FORMAT_NEWER;
	if (checksum != file_checksum(p, h.number))
		return WAL_FORMAT_BAD;
	if (h.first_seq == 0 || h.first_seq > IKEY_SEQ_MAX)
		return WAL_FORMAT_BAD;
	if (h.salt == 0)
		return WAL_FORMAT_EARLY;
	*out = h;
	return WAL_FORMAT_OK;
}

uint64_t
wal_format_seed(uint64_t number, uint64_t salt)
{
	/* Odd: no two numbers give the same seed with one salt. */
	return number * UINT64_C(0x9e3779b97f4a7c15) ^ salt;
}

static uint64_t
record_checksum(const uint8_t *p, uint64_t seed)
{
	return hash_64(bytes_of(p + RECORD_PAYLOAD_CHECKSUM,
			   WAL_RECORD_HEADER - RECORD_PAYLOAD_CHECKSUM),
	    seed);
}

void
wal_format_put_record(
    uint8_t *record, size_t size, const struct wal_stamp *stamp, uint64_t seed)
{
	struct bytes payload =
	    bytes_of(record + WAL_RECORD_HEADER, size - WAL_RECORD_HEADER);

	wire_put_le64(record + RECORD_PAYLOAD_CHECKSUM, hash_64(payload, seed));
	wire_put_le32(record + RECORD_SIZE, (uint32_t)payload.size);
	wire_put_le32(record + RECORD_COUNT, stamp->count);
	wire_put_le64(record + RECORD_SEQ, stamp->seq);
	wire_put_le64(record + RECORD_DURABLE, stamp->durable);
	wire_put_le64(record + RECORD_CHECKSUM, record_checksum(record, seed));
}

/* Whether a writer can have written such numbers. */
static bool
record_valid(const struct wal_format_record *h)
{
	if (h->stamp.count == 0 || h->size > WAL_PAYLOAD_MAX)
		return false;
	/* Nothing that is written later can be durable already. */
	if (h->stamp.seq > IKEY_SEQ_MAX || h->stamp.durable >= h->stamp.seq)
		return false;
	if (h->stamp.count > 1 && h->stamp.count > h->size)
		return false;
	return h->stamp.count - 1 <= IKEY_SEQ_MAX - h->stamp.seq;
}

bool
wal_format_get_record(
    const uint8_t *p, uint64_t seed, struct wal_format_record *out)
{
	struct wal_format_record h = {
	    .stamp.seq = wire_get_le64(p + RECORD_SEQ),
	    .stamp.count = wire_get_le32(p + RECORD_COUNT),
	    .stamp.durable = wire_get_le64(p + RECORD_DURABLE),
	    .size = wire_get_le32(p + RECORD_SIZE),
	    .checksum = wire_get_le64(p + RECORD_PAYLOAD_CHECKSUM),
	};

	if (!record_valid(&h) ||
	    wire_get_le64(p + RECORD_CHECKSUM) != record_checksum(p, seed))
		return false;
	*out = h;
	return true;
}

bool
wal_format_check_payload(
    const struct wal_format_record *h, struct bytes payload, uint64_t seed)
{
	return h->checksum == hash_64(payload, seed);
}
