/* The text of a durability policy, as users write it to files and xattrs. */
#include "engine/base/durability.h"
#include "engine/base/must.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct durability d = durability_of(DURABILITY_NONE);
	struct durability again = d;
	char why[DURABILITY_ERROR_MAX], text[DURABILITY_TEXT_MAX];

	if (durability_parse(bytes_of(data, size), &d, why) != 0) {
		must(memchr(why, 0, sizeof(why)));
		return 0;
	}
	must(durability_valid(&d));
	durability_format(&d, text);
	must(durability_parse(bytes_str(text), &again, why) == 0);
	must(again.policy == d.policy);
	return 0;
}
