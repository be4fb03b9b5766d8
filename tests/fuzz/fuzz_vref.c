/* What stands behind an ikey: the byte says of which kind, or that the rest is
 * a list of the files that values are in. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"
#include "engine/table/value.h"
#include "engine/table/vref.h"
#include "engine/table/vref_list.h"
#include "tests/fuzz/fuzz.h"

static void
try_reference(struct bytes encoded)
{
	struct vref r;
	uint8_t *value;

	if (vref_decode(encoded, &r) != 0)
		return;
	must(vref_file_valid(r.file));
	must(r.size > 0 && r.size <= VREF_VALUE_MAX);
	must(r.sums.size == 8 * vref_chunks(r.size));
	if (r.size > 200000)
		return;
	/* Some bytes that may be the value, or not. */
	value = calloc(1, (size_t)r.size);
	must(value);
	must(vref_check(&r, 0, bytes_of(value, (size_t)r.size)) <=
	     vref_chunks(r.size));
	free(value);
}

static void
try_list(struct bytes encoded)
{
	struct vref_list l = {0}, again = {0};
	struct buf b = {0};

	if (vref_list_decode(encoded, &l) != 0)
		return;
	must(vref_list_encode(&l, &b) == 0);
	must(vref_list_decode(buf_bytes(&b), &again) == 0);
	must(vref_list_eq(&l, &again));
	for (size_t i = 0; i < l.count && i < 10; i++)
		must(vref_list_find(&l, l.uses[i].file) == &l.uses[i]);
	vref_list_fini(&l);
	vref_list_fini(&again);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest;
	struct value v;

	if (size < 1)
		return 0;
	rest = bytes_of(data + 1, size - 1);
	if (data[0] == 255) {
		try_list(rest);
		return 0;
	}
	if (value_decode((enum ikey_kind)(data[0] % 6), rest, &v) != 0)
		return 0;
	must(v.bytes.size <= rest.size);
	if (v.is_reference)
		try_reference(v.bytes);
	return 0;
}
