/* A filter: the hash of a key, then the filter. */
#include "engine/base/wire.h"
#include "engine/table/filter.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 8)
		return 0;
	(void)filter_may_contain(
	    bytes_of(data + 8, size - 8), wire_get_le64(data));
	return 0;
}
