/* A record of the manifest. */
#include "engine/base/must.h"
#include "engine/db/edit.h"
#include "tests/fuzz/fuzz.h"

/* What was read says the same when it is written and read again. */
static void
write_again(const struct edit *e)
{
	struct buf first = {0}, second = {0};
	struct edit again;

	must(edit_encode(e, &first) == 0);
	must(edit_decode(buf_bytes(&first), &again) == 0);
	must(edit_encode(&again, &second) == 0);
	must(bytes_eq(buf_bytes(&first), buf_bytes(&second)));
	edit_fini(&again);
	buf_fini(&first);
	buf_fini(&second);
}

/* As recovery adds it to what was there: here nothing. */
static void
apply(const struct edit *e)
{
	struct edit sum = {0};
	struct version *v;

	if (edit_merge(&sum, e) == 0 &&
	    version_build(NULL, &sum, NULL, &v) == 0)
		version_unref(v);
	edit_fini(&sum);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct edit e;

	if (edit_decode(bytes_of(data, size), &e) == 0) {
		write_again(&e);
		apply(&e);
		edit_fini(&e);
	}
	return 0;
}
