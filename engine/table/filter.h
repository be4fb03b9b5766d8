/*
 * filter: a bloom filter over user keys, cache-line blocked.
 *
 * Each key sets its bits within one 64-byte line (RocksDB's FastLocalBloom is
 * the model): one cache miss per query.  Keys enter as hash_64(user key, 0).
 * A filter of no bytes, or of an unknown version, answers "maybe".
 * Format (docs/SPEC.md): lines of 64 bytes, then one byte: version and probes.
 * A filter that begins at a multiple of 64 costs one cache miss, any other up
 * to two.
 */
#ifndef ENGINE_TABLE_FILTER_H
#define ENGINE_TABLE_FILTER_H

#include <stdbool.h>

#include "engine/base/buf.h"

struct filter_builder {
	struct buf hashes;
	unsigned bits_per_key;
};

/* bits_per_key 0: no filter is built. */
void filter_builder_init(struct filter_builder *b, unsigned bits_per_key);
void filter_builder_fini(struct filter_builder *b);

/* Equal neighbours (versions of one key) are counted once. */
int filter_builder_add(struct filter_builder *b, uint64_t hash);

/* Appends the filter to out; nothing if there are no keys or no bits. */
int filter_builder_finish(struct filter_builder *b, struct buf *out);

/* Never false for a key that was added. */
bool filter_may_contain(struct bytes filter, uint64_t hash);

/* filter_may_contain will be asked: brings the line it looks at. */
void filter_look_ahead(struct bytes filter, uint64_t hash);

#endif
