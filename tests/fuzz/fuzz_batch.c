/* The payload of a record in the log. */
#include "engine/base/must.h"
#include "engine/db/batch.h"
#include "engine/db/memtable.h"
#include "tests/fuzz/fuzz.h"

/* How many operations there are, or the error. */
static int64_t
walk(struct bytes payload)
{
	struct batch_cursor c;
	struct batch_op op;
	struct bytes end = {NULL, 0};
	int64_t count = 0;
	int rc = batch_cursor_init(&c, payload);

	while (!rc && (rc = batch_cursor_next(&c, &op)) > 0) {
		must(op.key.size <= LSM_KEY_MAX);
		must(op.value.size <= LSM_VALUE_MAX);
		must(op.kind != IKEY_KIND_DELETE || op.value.size == 0);
		must((op.kind == IKEY_KIND_UNTIL) == (op.expires_ms != 0));
		must(op.key.size == 0 || (op.key.data >= payload.data &&
					     op.key.data + op.key.size <=
						 payload.data + payload.size));
		end = op.kind == IKEY_KIND_DELETE ? op.key : op.value;
		count++;
		rc = 0;
	}
	must(rc <= 0);
	/* Nothing follows that nobody has looked at. */
	must(rc < 0 || count == 0 ||
	     end.data + end.size == payload.data + payload.size);
	return rc < 0 ? rc : count;
}

static void
apply(struct bytes payload, int64_t count)
{
	struct memtable *m = memtable_new(NULL);
	int err;

	must(m);
	err = memtable_apply(m, payload, 1, NULL);
	must(count < 0 ? err != 0 : err == 0);
	must(count <= 0 || memtable_last_seq(m) == (uint64_t)count);
	memtable_unref(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes payload = bytes_of(data, size);

	apply(payload, walk(payload));
	return 0;
}
