#include "engine/db/compact_cut.h"

#include "engine/db/pick_inputs.h"

/* The inputs of the level that has most of them, level 0 apart: its tables lie
 * side by side.  May be empty. */
static const struct pick_input *
largest_input(const struct pick *p)
{
	static const struct pick_input none;
	const struct pick_input *best = &none;
	uint64_t bytes = 0;

	for (unsigned i = 1; i < LSM_LEVELS; i++) {
		const struct pick_input *in = &p->inputs[i];
		uint64_t n = pick_inputs_bytes(in->files, in->count);

		if (in->count > 1 && n > bytes) {
			best = in;
			bytes = n;
		}
	}
	return best;
}

size_t
compact_cut(
    const struct pick *p, size_t count, struct bytes cuts[COMPACT_CUT_MAX])
{
	const struct pick_input *in = largest_input(p);
	uint64_t total = pick_inputs_bytes(in->files, in->count);
	uint64_t sum = 0;
	size_t n = 0;

	if (count > COMPACT_CUT_MAX + 1)
		count = COMPACT_CUT_MAX + 1;
	for (size_t i = 0; i < in->count && n + 1 < count; i++) {
		/* In doubles: total * n may be more than 64 bits hold. */
		double want = (double)total * (double)(n + 1) / (double)count;

		if (i > 0 &&
		    (double)sum + (double)in->files[i]->bytes / 2 >= want)
			cuts[n++] = in->files[i]->span.first;
		sum += in->files[i]->bytes;
	}
	return n;
}
