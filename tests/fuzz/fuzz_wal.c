/* Log and manifest files.  Flags: FUZZ_FIX; 2: then one bit, which the last two
 * bytes choose, is wrong. */
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/table/wal_format.h"
#include "tests/fuzz/fix.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memory.h"

static void
read_all(struct wal_reader *r, size_t size)
{
	uint64_t seq = wal_reader_first_seq(r), end = WAL_FILE_HEADER;
	struct wal_record rec;
	struct wal_tail tail;
	int rc;

	while ((rc = wal_reader_next(r, &rec)) > 0) {
		must(rec.stamp.seq == seq && rec.stamp.count > 0);
		must(rec.stamp.durable < seq);
		must(rec.offset == end);
		seq += rec.stamp.count;
		end += WAL_RECORD_HEADER + rec.payload.size;
		must(end <= size);
	}
	must(wal_reader_next(r, &rec) == rc);
	if (rc < 0)
		return;
	wal_reader_tail(r, &tail);
	must(tail.end == end);
	/* A promise of what is missing is damage. */
	must(tail.promised < seq || seq == wal_reader_first_seq(r));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wal_id id = {.kind = WAL_KIND_LOG, .number = 1};
	struct wal_reader *r;
	struct memory m;
	uint8_t *file;
	size_t n;

	if (size < 1)
		return 0;
	n = size - 1;
	file = memory_input(data, size, fix_wal);
	if (data[0] & 2 && n >= 2)
		file[((size_t)file[n - 2] << 8 | file[n - 1]) % n] ^= 4;
	if (n >= WAL_FILE_HEADER) {
		id.number = wire_get_le64(file + 16);
		if (wire_get_le32(file + 12) == WAL_KIND_MANIFEST)
			id.kind = WAL_KIND_MANIFEST;
	}
	memory_init(&m, bytes_of(file, n));
	if (wal_reader_open(&m.env, "wal", &id, &r) == 0) {
		read_all(r, n);
		wal_reader_close(r);
	}
	free(file);
	return 0;
}
