#include "engine/db/memtable.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/must.h"
#include "engine/base/zalloc.h"
#include "engine/db/batch.h"
#include "engine/table/value.h"
#include "engine/db/values.h"

/* Asked from malloc at a time.  Pages that are not used yet cost nothing. */
#define ARENA_BYTES (256u << 10)

/* Fewer operations gain nothing. */
#define EXPECT_MIN 4

/* Deletes in long runs, each of which hides as much again, or more. */
#define SPENT_MIN     4096
#define SPENT_DIVISOR 4

struct memtable *
memtable_new(struct chunk_pool *pool)
{
	struct memtable *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	arena_init(&m->arena, ARENA_BYTES, pool);
	memranges_init(&m->ranges);
	if (skiplist_init(&m->list, &m->arena)) {
		arena_fini(&m->arena);
		free(m);
		return NULL;
	}
	atomic_init(&m->refs, 1);
	return m;
}

struct memtable *
memtable_new_sized(size_t bytes_max, struct chunk_pool *pool)
{
	size_t bytes = memfilter_bytes(bytes_max);
	struct memtable *m = memtable_new(pool);
	void *memory;

	if (!m || bytes == 0)
		return m;
	memory = arena_alloc(&m->arena, bytes);
	if (!memory) {
		memtable_unref(m);
		return NULL;
	}
	memfilter_init(&m->filter, memory, bytes);
	return m;
}

void
memtable_ref(struct memtable *m)
{
	/* Relaxed: whoever adds a reference has one. */
	unsigned before =
	    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);

	must(before > 0);
}

void
memtable_unref(struct memtable *m)
{
	unsigned before;

	if (!m)
		return;
	/* Release what this thread did, acquire what the others did: it comes
	 * before the memory goes. */
	before = atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel);
	must(before > 0);
	if (before > 1)
		return;
	memranges_fini(&m->ranges);
	arena_fini(&m->arena);
	for (size_t i = 0; i < m->value_count; i++)
		values_unref(m->values[i]);
	free(m->values);
	free(m);
}

bool
memtable_takes(const struct memtable *m, const struct batch_ranges *r)
{
	return r->count == 0 || memranges_take(&m->ranges, r->count, r->bytes);
}

int
memtable_hold_values(struct memtable *m, struct value_file *f)
{
	struct value_file **values;
	size_t n = m->value_count;

	/* Only the last segment of the log is being written. */
	if (n > 0 && m->values[n - 1] == f)
		return 0;
	values = reallocarray(m->values, n + 1, sizeof(struct value_file *));
	if (!values)
		return -ENOMEM;
	values_ref(f);
	values[n] = f;
	m->values = values;
	m->value_count = n + 1;
	return 0;
}

int
memtable_reserve(
    struct memtable *m, size_t bytes, uint32_t count, uint32_t ranges)
{
	uint64_t overhead = (uint64_t)count * SKIPLIST_OVERHEAD_MAX;
	int err;

	if (overhead > SIZE_MAX / 2 || bytes > SIZE_MAX / 2)
		return -ENOMEM;
	err = memranges_reserve(&m->ranges, ranges);
	return err ? err : arena_reserve(&m->arena, bytes + (size_t)overhead);
}

/* Only the writer calls these: a plain load and store is enough. */
static void
note_bytes(struct memtable *m, size_t bytes)
{
	size_t now = atomic_load_explicit(&m->bytes, memory_order_relaxed);
	uint64_t count = memtable_count(m);

	atomic_store_explicit(&m->bytes, now + bytes, memory_order_relaxed);
	atomic_store_explicit(&m->count, count + 1, memory_order_relaxed);
}

static void
note_seq(struct memtable *m, uint64_t seq)
{
	uint64_t first = memtable_first_seq(m);

	if (first == 0 || seq < first)
		atomic_store_explicit(&m->first_seq, seq, memory_order_relaxed);
	if (seq > memtable_last_seq(m))
		atomic_store_explicit(&m->last_seq, seq, memory_order_relaxed);
}

static int
add_joined(
    struct memtable *m, const struct ikey *key, const struct bytes value[2])
{
	size_t bytes;
	int err;

	must(key->seq > 0 && key->seq <= IKEY_SEQ_MAX);
	err = skiplist_insert_joined(&m->list, key, value, &bytes);
	if (err)
		return err;
	/* In any order: readers seek only what is published later. */
	if (m->filter.count > 0)
		memfilter_add(&m->filter, hash_64(key->user, 0));
	m->recent[m->inserted++ % MEMTABLE_RECENT] = m->list.last;
	m->deletes += key->kind == IKEY_KIND_DELETE;
	memranges_note(&m->ranges, key);
	note_bytes(m, bytes);
	note_seq(m, key->seq);
	return 0;
}

int
memtable_add(struct memtable *m, uint64_t seq, enum ikey_kind kind,
    struct bytes key, struct bytes value)
{
	const struct ikey ikey = {key, seq, kind};
	const struct bytes pieces[2] = {{NULL, 0}, value};

	return add_joined(m, &ikey, pieces);
}

static int
copy_key(struct memtable *m, struct bytes *key)
{
	uint8_t *copy;

	if (key->size == 0)
		return 0;
	copy = arena_alloc(&m->arena, key->size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key->data, key->size);
	key->data = copy;
	return 0;
}

/* No entry of the list: who looks for a key asks for both. */
static int
add_range(
    struct memtable *m, struct bytes begin, struct bytes end, uint64_t seq)
{
	int err = copy_key(m, &begin);

	if (!err)
		err = copy_key(m, &end);
	if (!err)
		err = memranges_add(&m->ranges, begin, end, seq);
	if (err)
		return err;
	note_bytes(m, begin.size + end.size + sizeof(struct ranges_fragment));
	note_seq(m, seq);
	return 0;
}

int
memtable_measure(struct bytes payload, const struct memtable_place *p,
    size_t *bytes, bool *refers)
{
	size_t size = payload.size, large = 0;
	struct batch_cursor c;
	struct batch_op op;
	int rc;

	/* None of its values can be large. */
	if (p->large == 0 || payload.size < p->large) {
		*bytes = size;
		*refers = false;
		return 0;
	}
	rc = batch_cursor_init(&c, payload);
	if (rc)
		return rc;
	while ((rc = batch_cursor_next(&c, &op)) > 0)
		if (op.kind != IKEY_KIND_RANGE &&
		    memtable_place_refers(p, op.value)) {
			size -= op.value.size;
			size += vref_bytes(op.value.size);
			large++;
		}
	if (rc < 0)
		return rc;
	*bytes = size;
	*refers = large > 0;
	return 0;
}

int
memtable_add_op(struct memtable *m, uint64_t seq, const struct batch_op *op,
    const struct memtable_place *p)
{
	bool until = op->kind == IKEY_KIND_UNTIL;
	struct ikey ikey = {op->key, seq, op->kind};
	uint8_t expiry[VALUE_EXPIRY], ref[VREF_BYTES_MAX];
	struct bytes pieces[2] = {{NULL, 0}, op->value};
	uint64_t at;

	if (op->kind == IKEY_KIND_RANGE)
		return add_range(m, op->key, op->value, seq);
	if (until) {
		wire_put_le64(expiry, op->expires_ms);
		pieces[0] = bytes_of(expiry, sizeof(expiry));
	}
	if (op->kind != IKEY_KIND_DELETE &&
	    memtable_place_refers(p, op->value)) {
		at = p->offset + (uint64_t)(op->value.data - p->payload);
		ikey.kind = until ? IKEY_KIND_REF_UNTIL : IKEY_KIND_REF;
		pieces[1].size = vref_encode(ref, p->file, at, op->value);
		pieces[1].data = ref;
	}
	return add_joined(m, &ikey, pieces);
}

void
memtable_expect(struct memtable *m, const struct batch_cursor *c)
{
	uint64_t inserts = m->list.inserts - m->expected;
	uint64_t searches = m->list.searches - m->searched;
	struct batch_cursor ahead = *c;
	struct bytes users[MEMTABLE_AHEAD];
	struct batch_op op;
	size_t count = 0;

	m->expected = m->list.inserts;
	m->searched = m->list.searches;
	if (c->left < EXPECT_MIN || searches < inserts / 2)
		return;
	while (count < MEMTABLE_AHEAD && batch_cursor_next(&ahead, &op) > 0 &&
	       wire_in_left(&ahead.in) >= SKIPLIST_BEHIND)
		users[count++] = op.key;
	skiplist_warm(&m->list, users, count);
}

static const struct memtable_place nowhere;

int
memtable_apply(struct memtable *m, struct bytes payload, uint64_t first_seq,
    const struct memtable_place *p)
{
	struct batch_cursor c;
	struct batch_op op;
	uint64_t seq = first_seq;
	size_t bytes;
	bool refers;
	int rc;

	if (!p)
		p = &nowhere;
	rc = batch_cursor_init(&c, payload);
	/* Range tombstones make room for themselves. */
	if (!rc)
		rc = memtable_measure(payload, p, &bytes, &refers);
	if (!rc)
		rc = memtable_reserve(m, bytes, c.left, 0);
	if (rc)
		return rc;
	memtable_expect(m, &c);
	while ((rc = batch_cursor_next(&c, &op)) > 0) {
		rc = memtable_add_op(m, seq++, &op, p);
		if (rc)
			break;
		if ((seq - first_seq) % MEMTABLE_AHEAD == 0)
			memtable_expect(m, &c);
	}
	memtable_settle(m);
	return rc;
}

/* Entries above seq: they are among the last. */
static void
note_recent(struct memtable *m, uint64_t seq)
{
	struct ikey key;

	for (uint64_t n = 1; n <= MEMTABLE_RECENT && n <= m->inserted; n++) {
		must(ikey_decode(
			 skiplist_key(
			     m->recent[(m->inserted - n) % MEMTABLE_RECENT]),
			 &key) == 0);
		if (key.seq <= seq)
			return;
		memranges_note(&m->ranges, &key);
	}
}

/* How many of them would tell anything new. */
static size_t
count_hints(const struct memtable *m, const struct memtable_hints *h)
{
	struct wire_in in = wire_in_of(h->ranges);
	struct bytes begin, end;
	size_t n = 0;

	while (!wire_in_sized(&in, &begin) && !wire_in_sized(&in, &end))
		n += memranges_want_hint(&m->ranges, begin, end, h->seq);
	return n;
}

/* At most max. */
static size_t
stage_hints(struct memtable *m, const struct memtable_hints *h, size_t max)
{
	struct wire_in in = wire_in_of(h->ranges);
	struct bytes begin, end;
	size_t n = 0;

	while (n < max && !wire_in_sized(&in, &begin) &&
	       !wire_in_sized(&in, &end)) {
		if (!memranges_want_hint(&m->ranges, begin, end, h->seq) ||
		    copy_key(m, &begin) || copy_key(m, &end))
			continue;
		memranges_stage(&m->ranges, begin, end, h->seq);
		n++;
	}
	return n;
}

size_t
memtable_add_hints(
    struct memtable *m, const struct memtable_hints *h, uint64_t last_seq)
{
	size_t count;

	if (last_seq - h->seq > MEMTABLE_RECENT)
		return 0;
	count = count_hints(m, h);
	if (count == 0 || memranges_reserve(&m->ranges, count))
		return 0;
	count = stage_hints(m, h, count);
	if (count > 0) {
		note_recent(m, h->seq);
		memranges_publish(&m->ranges);
		m->passed += h->deletes;
	}
	memtable_settle(m);
	return count;
}

bool
memtable_is_spent(const struct memtable *m)
{
	uint64_t n = m->passed < m->deletes ? m->passed : m->deletes;

	return n >= SPENT_MIN && n >= memtable_count(m) / SPENT_DIVISOR;
}

void
memtable_settle(struct memtable *m)
{
	memranges_settle(&m->ranges);
}

int
memtable_get(
    const struct memtable *m, struct bytes target, struct memtable_entry *out)
{
	const struct skiplist_node *n = skiplist_seek(&m->list, target);
	struct bytes key, value;
	uint64_t trailer;

	if (!n)
		return 0;
	skiplist_entry(n, &key, &value);
	if (!bytes_eq(ikey_user(key), ikey_user(target)))
		return 0;
	trailer = ikey_trailer(key);
	out->seq = trailer >> 8;
	out->kind = (enum ikey_kind)(trailer & 0xff);
	out->value = value;
	return 1;
}

size_t
memtable_bytes(const struct memtable *m)
{
	size_t bytes = atomic_load_explicit(&m->bytes, memory_order_relaxed);

	return bytes > 0 ? bytes + memfilter_size(&m->filter) +
			       memranges_bytes(&m->ranges)
			 : 0;
}

uint64_t
memtable_count(const struct memtable *m)
{
	return atomic_load_explicit(&m->count, memory_order_relaxed);
}

uint64_t
memtable_first_seq(const struct memtable *m)
{
	return atomic_load_explicit(&m->first_seq, memory_order_relaxed);
}

uint64_t
memtable_last_seq(const struct memtable *m)
{
	return atomic_load_explicit(&m->last_seq, memory_order_relaxed);
}

/* --- the iterator ------------------------------------------------------- */

struct memtable_iter {
	struct iter iter;
	struct memtable *memtable;
	const struct skiplist_node *node; /* NULL: at no entry */
};

static struct memtable_iter *
iter_of(struct iter *it)
{
	return (struct memtable_iter *)(void *)it;
}

static int
iter_at(struct memtable_iter *it, const struct skiplist_node *node)
{
	it->node = node;
	if (!node)
		return 0;
	skiplist_entry(node, &it->iter.key, &it->iter.value);
	return 1;
}

static int
mem_first(struct iter *base)
{
	struct memtable_iter *it = iter_of(base);

	return iter_at(it, skiplist_first(&it->memtable->list));
}

static int
mem_last(struct iter *base)
{
	struct memtable_iter *it = iter_of(base);

	return iter_at(it, skiplist_last(&it->memtable->list));
}

static int
mem_seek(struct iter *base, struct bytes ikey)
{
	struct memtable_iter *it = iter_of(base);

	return iter_at(it, skiplist_seek(&it->memtable->list, ikey));
}

static int
mem_next(struct iter *base)
{
	struct memtable_iter *it = iter_of(base);

	must(it->node);
	return iter_at(it, skiplist_next(it->node));
}

static int
mem_prev(struct iter *base)
{
	struct memtable_iter *it = iter_of(base);

	must(it->node);
	return iter_at(it, skiplist_before(&it->memtable->list, base->key));
}

static void
mem_close(struct iter *base)
{
	memtable_unref(iter_of(base)->memtable);
	free(base);
}

static const struct iter_ops mem_ops = {
    .first = mem_first,
    .last = mem_last,
    .seek = mem_seek,
    .next = mem_next,
    .prev = mem_prev,
    .close = mem_close,
};

int
memtable_iter_open(struct memtable *m, struct iter **out)
{
	struct memtable_iter *it = zalloc(sizeof(*it));

	if (!it)
		return -ENOMEM;
	it->iter.ops = &mem_ops;
	it->memtable = m;
	memtable_ref(m);
	*out = &it->iter;
	return 0;
}
