/* A set of range tombstones: a byte, so many bytes of a key to ask for, the
 * fragments. */
#include "engine/base/must.h"
#include "engine/table/ikey.h"
#include "engine/table/ranges.h"
#include "tests/fuzz/fuzz.h"

static void
check_fragment(const struct ranges *r, size_t i)
{
	const struct ranges_fragment *f = &r->fragments[i];

	must(ranges_ends_behind(f->end, f->begin));
	must(i == 0 || !ranges_ends_behind(f[-1].end, f->begin));
	must(f->seq_count > 0 && f->seqs[0] <= r->seq_max);
	for (size_t k = 1; k < f->seq_count; k++)
		must(f->seqs[k] < f->seqs[k - 1]);
	must(f->seqs[f->seq_count - 1] >= r->seq_min);
}

static void
write_again(const struct ranges *r)
{
	struct buf b = {0};
	struct ranges *again;

	for (size_t i = 0; i < r->count; i++) {
		check_fragment(r, i);
		must(ranges_append(&b, &r->fragments[i]) == 0);
	}
	must(ranges_decode(buf_bytes(&b), &again) == 0);
	must(again->count == r->count && again->seq_count == r->seq_count);
	must(again->seq_min == r->seq_min && again->seq_max == r->seq_max);
	ranges_free(again);
	buf_fini(&b);
}

static void
ask(const struct ranges *r, struct bytes key, uint64_t seq)
{
	struct ranges_cover c;

	ranges_at(r, key, seq, &c);
	must(c.seq <= seq);
	must(bytes_cmp(c.begin, key) <= 0 && ranges_ends_behind(c.end, key));
	must(ranges_find(r, key) <= r->count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ranges *r;
	struct bytes key;

	if (size < 1 || data[0] > size - 1)
		return 0;
	key = bytes_of(data + 1, data[0]);
	if (ranges_decode(
		bytes_of(data + 1 + data[0], size - 1 - data[0]), &r) != 0)
		return 0;
	write_again(r);
	ask(r, key, IKEY_SEQ_MAX);
	ask(r, key, r->seq_min);
	for (size_t i = 0; i < r->count && i < 20; i++)
		ask(r, r->fragments[i].begin, r->fragments[i].seqs[0]);
	ranges_free(r);
	return 0;
}
