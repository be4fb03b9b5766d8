/* The properties of a table: the version, then their block. */
#include "engine/base/must.h"
#include "engine/table/table_format.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_properties p, again;
	struct buf b = {0};

	if (size < 1 || table_format_properties_decode(
			    bytes_of(data + 1, size - 1), data[0], &p) != 0)
		return 0;
	must(p.entries > 0 || p.ranges.count > 0);
	must(p.seq_min <= p.seq_max && p.deletes <= p.entries);
	must(table_format_properties_encode(&b, &p) == 0);
	must(table_format_properties_decode(
		 buf_bytes(&b), TABLE_VERSION, &again) == 0);
	must(again.entries == p.entries && again.seq_max == p.seq_max);
	must(bytes_eq(again.smallest, p.smallest));
	must(again.ranges.count == p.ranges.count);
	must(bytes_eq(again.refs, p.refs));
	must(hidden_eq(&again.hidden, &p.hidden));
	must(p.hidden.count == 0 || p.hidden.count < p.entries);
	buf_fini(&b);
	return 0;
}
