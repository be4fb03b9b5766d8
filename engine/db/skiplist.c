#include "engine/db/skiplist.h"

#include <endian.h>
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
entry_size(const struct ikey *key, size_t value_size)
{
	size_t ikey_size = key->user.size + IKEY_TRAILER;

	return wire_varint_size(ikey_size) + ikey_size +
	       wire_varint_size(value_size) + value_size;
}

static void
entry_write(uint8_t *p, const struct ikey *key, const struct bytes value[2])
{
	p += wire_put_varint(p, key->user.size + IKEY_TRAILER);
	if (key->user.size > 0)
		memcpy(p, key->user.data, key->user.size);
	p += key->user.size;
	wire_put_le64(p, ikey_pack(key->seq, key->kind));
	p += IKEY_TRAILER;
	p += wire_put_varint(p, value[0].size + value[1].size);
	if (value[0].size > 0)
		memcpy(p, value[0].data, value[0].size);
	p += value[0].size;
	if (value[1].size > 0)
		memcpy(p, value[1].data, value[1].size);
}

/* --- comparing ---------------------------------------------------------- */

/* An encoded ikey, taken apart once for many comparisons. */
struct target {
	const uint8_t *user;
	size_t size; /* of the user key */
	uint64_t trailer;
};

static inline struct target
target_of(struct bytes ikey)
{
	return (struct target){
	    ikey.data, ikey.size - IKEY_TRAILER, ikey_trailer(ikey)};
}

static inline uint64_t
load_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

/*
 * Whether n sorts before t: ikey_cmp(key of n, t) < 0.  This is where the time
 * of a search goes.  Eight bytes at a time; reading past the end of a user key
 * is safe, because its trailer follows.
 */
static inline bool
is_before(const struct skiplist_node *n, const struct target *t)
{
	const uint8_t *p = n->entry;
	size_t size = get_size(&p) - IKEY_TRAILER;
	size_t common = size < t->size ? size : t->size, i = 0;
	uint64_t x, y;

	for (; i + 8 <= common; i += 8) {
		x = load_be64(p + i);
		y = load_be64(t->user + i);
		if (x != y)
			return x < y;
	}
	if (i < common) {
		unsigned shift = (unsigned)(64 - 8 * (common - i));

		x = load_be64(p + i) >> shift;
		y = load_be64(t->user + i) >> shift;
		if (x != y)
			return x < y;
	}
	if (size != t->size)
		return size < t->size;
	return wire_get_le64(p + size) > t->trailer;
}

/* --- searching ---------------------------------------------------------- */

/*
 * The last node < key on this level, beginning at `before`, which is; *after
 * is the node behind it.  Given *after as known to be behind the key (or
 * NULL), it is not compared again.
 */
static inline struct skiplist_node *
search_level(struct skiplist_node *before, unsigned level,
    const struct target *key, struct skiplist_node **after)
{
	struct skiplist_node *next = follow(before, level);

	while (next != *after && next && is_before(next, key)) {
		before = next;
		next = follow(before, level);
	}
	*after = next;
	return before;
}

/* The last node < key, which may be the head, and the node behind it. */
static struct skiplist_node *
search(
    const struct skiplist *s, struct bytes ikey, struct skiplist_node **after)
{
	struct skiplist_node *before = s->head;
	struct target key = target_of(ikey);

	*after = NULL;
	for (unsigned level = height_of(s); level-- > 0;)
		before = search_level(before, level, &key, after);
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

/* --- searching side by side --------------------------------------------- */

/* Behind a node: its size and what keys differ in, as a rule. */
#define FETCH_BYTES 32

/* A node's links and its key may lie on both sides of a line's end. */
static inline void
fetch(struct skiplist_node *n, unsigned level)
{
	__builtin_prefetch(link_of(n, level));
	__builtin_prefetch((const uint8_t *)n + FETCH_BYTES);
}

struct descent {
	struct target key;
	struct skiplist_node *before;
	struct skiplist_node *next; /* of before; on its way from memory */
	unsigned level;
};

/* One comparison; false: it has arrived. */
static inline bool
descend(struct descent *d)
{
	struct skiplist_node *next = d->next;

	if (next && is_before(next, &d->key)) {
		d->before = next;
		d->next = follow(next, d->level);
	} else {
		/* What is behind the key is not compared again below. */
		do {
			if (d->level == 0)
				return false;
			d->next = follow(d->before, --d->level);
		} while (d->next == next);
	}
	if (d->next)
		fetch(d->next, d->level);
	return true;
}

void
skiplist_warm(const struct skiplist *s, const struct bytes *users, size_t count)
{
	struct descent all[SKIPLIST_WARM_MAX];
	unsigned top = height_of(s) - 1;

	must(count <= SKIPLIST_WARM_MAX);
	for (size_t i = 0; i < count; i++)
		all[i] = (struct descent){
		    .key = {users[i].data, users[i].size, UINT64_MAX},
		    .before = s->head,
		    .next = follow(s->head, top),
		    .level = top,
		};
	while (count > 0)
		for (size_t i = 0; i < count;)
			if (descend(&all[i]))
				i++;
			else
				all[i] = all[--count];
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
	/* The high bits are the good ones. */
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

/*
 * Moves f forward to where key belongs on level 0, if that is next to f's last
 * entry, on either side; else false.
 */
static bool
finger_reaches(const struct skiplist *s, struct skiplist_finger *f,
    const struct target *key)
{
	struct skiplist_node *low = f->prev[0], *middle = follow(low, 0), *high;

	if (!middle || !is_before(middle, key))
		return low == s->head || is_before(low, key);
	high = follow(middle, 0);
	if (high && is_before(high, key))
		return false;
	f->prev[0] = middle;
	return true;
}

/* Moves f to where key belongs, on every level. */
static void
finger_search(const struct skiplist *s, struct skiplist_finger *f,
    const struct target *key)
{
	struct skiplist_node *before = s->head, *after = NULL;

	for (unsigned level = height_of(s); level-- > 0;) {
		before = search_level(before, level, key, &after);
		f->prev[level] = before;
	}
}

/* A finger at the place of key: one that is near, or the one that was not used
 * for longest, after a search. */
static struct skiplist_finger *
finger_find(struct skiplist *s, const struct target *key)
{
	struct skiplist_finger *oldest = &s->fingers[0];

	s->inserts++;
	for (unsigned i = 0; i < SKIPLIST_FINGERS; i++) {
		struct skiplist_finger *f = &s->fingers[i];

		if (finger_reaches(s, f, key)) {
			f->used = s->inserts;
			return f;
		}
		if (f->used < oldest->used)
			oldest = f;
	}
	s->searches++;
	finger_search(s, oldest, key);
	oldest->used = s->inserts;
	return oldest;
}

/*
 * Links n in behind f, whose place on level 0 is right.  On the levels above,
 * others may have gone in between since f was there.  From the bottom up, so
 * that a reader who finds n on a level finds it on those below too.
 */
static void
link_in(struct skiplist_finger *f, struct skiplist_node *n, unsigned height,
    const struct target *key)
{
	struct skiplist_node *after = follow(f->prev[0], 0);

	must(!after || ikey_cmp(key_of(n), key_of(after)) < 0);
	for (unsigned level = 0; level < height; level++) {
		f->prev[level] =
		    search_level(f->prev[level], level, key, &after);
		/* Relaxed: nobody can see n on this level yet. */
		atomic_store_explicit(
		    link_of(n, level), after, memory_order_relaxed);
		/* Release: the entry and n's links come before n. */
		atomic_store_explicit(
		    link_of(f->prev[level], level), n, memory_order_release);
	}
}

int
skiplist_insert(struct skiplist *s, const struct ikey *key, struct bytes value,
    size_t *bytes)
{
	const struct bytes pieces[2] = {{NULL, 0}, value};

	return skiplist_insert_joined(s, key, pieces, bytes);
}

int
skiplist_insert_joined(struct skiplist *s, const struct ikey *key,
    const struct bytes value[2], size_t *bytes)
{
	size_t value_size = value[0].size + value[1].size;
	unsigned height = random_height(s);
	struct skiplist_node *n;
	struct target target;
	size_t size;

	n = node_new(s, height, entry_size(key, value_size), &size);
	if (!n)
		return -ENOMEM;
	entry_write(n->entry, key, value);
	/* Before n is linked on them; see height_of. */
	if (height > height_of(s))
		atomic_store_explicit(&s->height, height, memory_order_relaxed);
	target = target_of(key_of(n));
	link_in(finger_find(s, &target), n, height, &target);
	s->last = n;
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
	for (unsigned level = 0; level < SKIPLIST_HEIGHT_MAX; level++) {
		atomic_init(link_of(s->head, level), NULL);
		for (unsigned i = 0; i < SKIPLIST_FINGERS; i++)
			s->fingers[i].prev[level] = s->head;
	}
	atomic_init(&s->height, 1);
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
