#include "engine/db/skiplist.h"

#include <errno.h>

#include "engine/base/must.h"
#include "engine/base/wire.h"

/* A level has one in so many nodes of the level below: 1 << BRANCH_BITS. */
#define BRANCH_BITS 2

/* The link of level i stands i links before this one, so that a node needs to
 * know neither its height nor where its entry begins. */
struct skiplist_node {
	_Atomic(struct skiplist_node *) next;
	uint8_t entry[];
};

static inline _Atomic(struct skiplist_node *) *
link_of(struct skiplist_node *n, unsigned level)
{
	return &n->next - level;
}

/* Acquire: the entry behind the pointer, and its links, were written before
 * it was published. */
static inline struct skiplist_node *
follow(const struct skiplist_node *n, unsigned level)
{
	return atomic_load_explicit(&n->next - level, memory_order_acquire);
}

static inline unsigned
height_of(const struct skiplist *s)
{
	/* Relaxed: a reader that sees the new height before the new node finds
	 * NULL at the head and goes down a level. */
	return atomic_load_explicit(&s->height, memory_order_relaxed);
}

/* --- entries ------------------------------------------------------------ */

/* A varint that we wrote ourselves. */
static inline size_t
get_size(const uint8_t **p)
{
	const uint8_t *q = *p;
	size_t v = *q++;

	if (v >= 0x80) {
		unsigned shift = 7;

		v &= 0x7f;
		do {
			v |= (size_t)(*q & 0x7f) << shift;
			shift += 7;
		} while (*q++ & 0x80);
	}
	*p = q;
	return v;
}

void
skiplist_entry(
    const struct skiplist_node *n, struct bytes *ikey, struct bytes *value)
{
	const uint8_t *p = n->entry;
	size_t size = get_size(&p);

	*ikey = bytes_of(p, size);
	p += size;
	size = get_size(&p);
	*value = bytes_of(p, size);
}

static inline struct bytes
key_of(const struct skiplist_node *n)
{
	const uint8_t *p = n->entry;
	size_t size = get_size(&p);

	return bytes_of(p, size);
}

struct bytes
skiplist_key(const struct skiplist_node *n)
{
	return key_of(n);
}

static size_t
entry_size(const struct ikey *key, struct bytes value)
{
	size_t ikey_size = key->user.size + IKEY_TRAILER;

	return wire_varint_size(ikey_size) + ikey_size +
	       wire_varint_size(value.size) + value.size;
}

static void
entry_write(uint8_t *p, const struct ikey *key, struct bytes value)
{
	p += wire_put_varint(p, key->user.size + IKEY_TRAILER);
	if (key->user.size > 0)
		memcpy(p, key->user.data, key->user.size);
	p += key->user.size;
	wire_put_le64(p, ikey_pack(key->seq, key->kind));
	p += IKEY_TRAILER;
	p += wire_put_varint(p, value.size);
	if (value.size > 0)
		memcpy(p, value.data, value.size);
}

/* --- searching ---------------------------------------------------------- */

/*
 * The last node < key on this level, beginning at `before`, which is; *after
 * is the node behind it.  Given *after as known to be behind the key (or
 * NULL), it is not compared again.
 */
static inline struct skiplist_node *
search_level(struct skiplist_node *before, unsigned level, struct bytes key,
    struct skiplist_node **after)
{
	struct skiplist_node *next = follow(before, level);

	while (next != *after && next && ikey_cmp(key_of(next), key) < 0) {
		before = next;
		next = follow(before, level);
	}
	*after = next;
	return before;
}

/* The last node < key, which may be the head, and the node behind it. */
static struct skiplist_node *
search(const struct skiplist *s, struct bytes key, struct skiplist_node **after)
{
	struct skiplist_node *before = s->head;

	*after = NULL;
	for (unsigned level = height_of(s); level-- > 0;)
		before = search_level(before, level, key, after);
	return before;
}

const struct skiplist_node *
skiplist_seek(const struct skiplist *s, struct bytes ikey)
{
	struct skiplist_node *after;

	search(s, ikey, &after);
	return after;
}

const struct skiplist_node *
skiplist_before(const struct skiplist *s, struct bytes ikey)
{
	struct skiplist_node *after;
	struct skiplist_node *n = search(s, ikey, &after);

	return n == s->head ? NULL : n;
}

const struct skiplist_node *
skiplist_first(const struct skiplist *s)
{
	return follow(s->head, 0);
}

const struct skiplist_node *
skiplist_last(const struct skiplist *s)
{
	struct skiplist_node *n = s->head, *next;

	for (unsigned level = height_of(s); level-- > 0;)
		while ((next = follow(n, level)))
			n = next;
	return n == s->head ? NULL : n;
}

const struct skiplist_node *
skiplist_next(const struct skiplist_node *n)
{
	return follow(n, 0);
}

/* --- inserting ---------------------------------------------------------- */

/* xorshift64*, Vigna 2016. */
static uint64_t
next_random(struct skiplist *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned
random_height(struct skiplist *s)
{
	/* The high bits are the good ones; a run of zeros ends by itself. */
	uint64_t bits = next_random(s) >> 32;
	unsigned height = 1;

	while (height < SKIPLIST_HEIGHT_MAX &&
	       (bits & ((1u << BRANCH_BITS) - 1)) == 0) {
		bits >>= BRANCH_BITS;
		height++;
	}
	return height;
}

/* Its links are not set. */
static struct skiplist_node *
node_new(struct skiplist *s, unsigned height, size_t entry, size_t *bytes)
{
	size_t above = (height - 1) * sizeof(_Atomic(struct skiplist_node *));
	size_t size = above + sizeof(struct skiplist_node) + entry;
	uint8_t *p = arena_alloc(s->arena, size);

	if (!p)
		return NULL;
	*bytes = size;
	return (struct skiplist_node *)(void *)(p + above);
}

/* Whether key belongs between the splice's nodes on this level. */
static bool
splice_holds(const struct skiplist *s, unsigned level, struct bytes key)
{
	const struct skiplist_node *prev = s->splice.prev[level];
	const struct skiplist_node *next = s->splice.next[level];

	return (prev == s->head || ikey_cmp(key_of(prev), key) < 0) &&
	       (!next || ikey_cmp(key, key_of(next)) < 0);
}

/* Brings the splice to where key belongs, on every level in use. */
static void
splice_move(struct skiplist *s, struct bytes key)
{
	struct skiplist_splice *p = &s->splice;
	unsigned height = height_of(s);
	struct skiplist_node *before = s->head, *after = NULL;

	/* Levels nest: what holds below holds above. */
	if (splice_holds(s, 0, key))
		return;
	for (unsigned level = height; level-- > 0;) {
		before = search_level(before, level, key, &after);
		p->prev[level] = before;
		p->next[level] = after;
	}
	must(!after || ikey_cmp(key, key_of(after)) != 0);
}

/* Levels that nobody used so far lead from the head to the end. */
static void
raise(struct skiplist *s, unsigned height)
{
	for (unsigned level = height_of(s); level < height; level++) {
		s->splice.prev[level] = s->head;
		s->splice.next[level] = NULL;
	}
	if (height > height_of(s))
		atomic_store_explicit(&s->height, height, memory_order_relaxed);
}

/* From the bottom up, so that a reader who finds n on a level finds it on
 * those below too. */
static void
link_in(struct skiplist *s, struct skiplist_node *n, unsigned height)
{
	struct skiplist_splice *p = &s->splice;

	for (unsigned level = 0; level < height; level++) {
		/* Relaxed: nobody can see n on this level yet. */
		atomic_store_explicit(
		    link_of(n, level), p->next[level], memory_order_relaxed);
		/* Release: the entry and n's links come before n. */
		atomic_store_explicit(
		    link_of(p->prev[level], level), n, memory_order_release);
		/* An ascending insert goes in right behind this one. */
		p->prev[level] = n;
	}
}

int
skiplist_insert(struct skiplist *s, const struct ikey *key, struct bytes value,
    size_t *bytes)
{
	unsigned height = random_height(s);
	struct skiplist_node *n;
	size_t size;

	n = node_new(s, height, entry_size(key, value), &size);
	if (!n)
		return -ENOMEM;
	entry_write(n->entry, key, value);
	raise(s, height);
	splice_move(s, key_of(n));
	link_in(s, n, height);
	if (bytes)
		*bytes = size;
	return 0;
}

int
skiplist_init(struct skiplist *s, struct arena *arena)
{
	size_t size;

	*s = (struct skiplist){.arena = arena, .random = 0x9e3779b97f4a7c15};
	s->head = node_new(s, SKIPLIST_HEIGHT_MAX, 0, &size);
	if (!s->head)
		return -ENOMEM;
	for (unsigned level = 0; level < SKIPLIST_HEIGHT_MAX; level++)
		atomic_init(link_of(s->head, level), NULL);
	atomic_init(&s->height, 0);
	raise(s, 1);
	return 0;
}

/* Whether a level is in order, and its nodes are on the level below. */
static bool
level_is_sound(const struct skiplist *s, unsigned level)
{
	unsigned lower = level > 0 ? level - 1 : 0;
	const struct skiplist_node *n = follow(s->head, level), *next;
	const struct skiplist_node *below = follow(s->head, lower);

	for (; n; n = next) {
		while (below && below != n)
			below = follow(below, lower);
		next = follow(n, level);
		if (!below || (next && ikey_cmp(key_of(n), key_of(next)) >= 0))
			return false;
	}
	return true;
}

bool
skiplist_check(const struct skiplist *s)
{
	for (unsigned level = 0; level < height_of(s); level++)
		if (!level_is_sound(s, level))
			return false;
	return true;
}
