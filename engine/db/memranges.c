#include "engine/db/memranges.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/must.h"

/* Tombstones in the tail, of a set of so many: readers compare with each, and
 * each set is kept. */
#define TAIL_MIN     16
#define TAIL_DIVISOR 8

/* Beyond this a memtable takes no more: cutting gets slower with the number,
 * and the numbers of all fragments together grow with its square at worst. */
#define COUNT_MAX     1024
#define HINTS_MAX     512 /* if there are more, there are no hints */
#define KEY_BYTES_MAX (1u << 20)

#define ARENA_BYTES 4096

struct memranges_item {
	struct bytes begin;
	struct bytes end;
	uint64_t seq;
};

struct memranges_state {
	struct memranges_state *older; /* freed together */
	struct ranges *set;            /* constant */
	size_t tail_max;
	_Atomic size_t tail_count;
	struct memranges_item tail[];
};

/* Keys of entries that came into deleted ranges. */
struct memranges_list {
	struct memranges_list *older;
	_Atomic uint64_t seq_max; /* of those entries */
	struct skiplist keys;
};

void
memranges_init(struct memranges *r)
{
	*r = (struct memranges){.count = 0};
	arena_init(&r->arena, ARENA_BYTES, NULL);
}

void
memranges_fini(struct memranges *r)
{
	struct memranges_state *s =
	    atomic_load_explicit(&r->state, memory_order_relaxed);

	while (s) {
		struct memranges_state *older = s->older;

		ranges_free(s->set);
		free(s);
		s = older;
	}
	arena_fini(&r->arena);
}

/* --- the writer's ------------------------------------------------------ */

/* Nobody else stores here. */
static struct memranges_state *
own_state(const struct memranges *r)
{
	return atomic_load_explicit(&r->state, memory_order_relaxed);
}

static size_t
own_tail_count(const struct memranges_state *s)
{
	return atomic_load_explicit(&s->tail_count, memory_order_relaxed);
}

bool
memranges_take(const struct memranges *r, size_t count, size_t bytes)
{
	return r->count == 0 || (r->count + count <= COUNT_MAX &&
				    r->key_bytes + bytes <= KEY_BYTES_MAX);
}

static int
collect(const struct memranges_state *s, struct ranges_build *b)
{
	int err = ranges_build_add_all(b, s->set);
	size_t count = own_tail_count(s);

	for (size_t i = 0; !err && i < count; i++) {
		const struct memranges_item *t = &s->tail[i];

		err = ranges_build_add(b, t->begin, t->end, t->seq, t->seq);
	}
	return err;
}

int
memranges_collect(const struct memranges *r, struct ranges_build *b)
{
	const struct memranges_state *s = own_state(r);

	return s ? collect(s, b) : 0;
}

static void
note_bytes(struct memranges *r, size_t more)
{
	/* Relaxed: a figure that guards nothing. */
	size_t now = atomic_load_explicit(&r->bytes, memory_order_relaxed);

	atomic_store_explicit(&r->bytes, now + more, memory_order_relaxed);
}

/* All tombstones in a set, and an empty tail for at least count more. */
static int
rebuild(struct memranges *r, size_t count)
{
	struct memranges_state *old = own_state(r), *s;
	struct ranges_build b = {0};
	size_t tail_max = r->count / TAIL_DIVISOR, bytes;
	struct ranges *set;
	int err = old ? collect(old, &b) : 0;

	must(r->staged == 0);
	if (!err)
		err = ranges_build_finish(&b, &set);
	ranges_build_fini(&b);
	if (err)
		return err;
	if (tail_max < TAIL_MIN)
		tail_max = TAIL_MIN;
	if (tail_max < count)
		tail_max = count;
	bytes = sizeof(*s) + tail_max * sizeof(s->tail[0]);
	s = calloc(1, bytes);
	if (!s) {
		ranges_free(set);
		return -ENOMEM;
	}
	s->older = old;
	s->set = set;
	s->tail_max = tail_max;
	/* Release: it is whole for whoever acquires the pointer. */
	atomic_store_explicit(&r->state, s, memory_order_release);
	note_bytes(r, bytes + set->bytes);
	return 0;
}

int
memranges_reserve(struct memranges *r, size_t count)
{
	const struct memranges_state *s = own_state(r);

	if (count == 0 || (s && s->tail_max - own_tail_count(s) >= count))
		return 0;
	return rebuild(r, count);
}

void
memranges_stage(
    struct memranges *r, struct bytes begin, struct bytes end, uint64_t seq)
{
	struct memranges_state *s = own_state(r);
	size_t n = own_tail_count(s) + r->staged;

	must(n < s->tail_max);
	s->tail[n] = (struct memranges_item){begin, end, seq};
	r->staged++;
	r->count++;
	r->key_bytes += begin.size + end.size;
	r->begin_list = true;
}

void
memranges_publish(struct memranges *r)
{
	struct memranges_state *s = own_state(r);
	size_t n;

	if (r->staged == 0)
		return;
	n = own_tail_count(s) + r->staged;
	/* Release: who acquires the count sees the items, and the keys that
	 * were noted before. */
	atomic_store_explicit(&s->tail_count, n, memory_order_release);
	r->staged = 0;
}

int
memranges_add(
    struct memranges *r, struct bytes begin, struct bytes end, uint64_t seq)
{
	int err = memranges_reserve(r, 1);

	if (err)
		return err;
	memranges_stage(r, begin, end, seq);
	memranges_publish(r);
	return 0;
}

/* What the writer sees. */
static void
own_look(const struct memranges *r, struct memranges_look *out)
{
	memranges_take_look(r, out);
	out->tail_count += r->staged;
}

bool
memranges_want_hint(const struct memranges *r, struct bytes begin,
    struct bytes end, uint64_t seq)
{
	struct memranges_look look;
	struct ranges_cover c;

	if (r->count >= HINTS_MAX ||
	    !memranges_take(r, 1, begin.size + end.size))
		return false;
	if (!memranges_any(r))
		return true;
	own_look(r, &look);
	memranges_at(&look, begin, IKEY_SEQ_MAX, &c);
	/* Is it not all under one that is as new? */
	return c.seq < seq || !(c.end.size == 0 ||
				  (end.size > 0 && bytes_cmp(end, c.end) <= 0));
}

void
memranges_settle(struct memranges *r)
{
	const struct memranges_state *s = own_state(r);
	size_t limit = r->count / TAIL_DIVISOR;

	/* Without memory the tail stays long. */
	if (s && own_tail_count(s) > (limit > TAIL_MIN ? limit : TAIL_MIN))
		(void)rebuild(r, 0);
}

/* A list for keys that are newer than all tombstones so far. */
static struct memranges_list *
list_new(struct memranges *r)
{
	struct memranges_list *l = arena_alloc(&r->arena, sizeof(*l));

	if (!l || skiplist_init(&l->keys, &r->arena))
		return NULL;
	l->older = atomic_load_explicit(&r->newest, memory_order_relaxed);
	return l;
}

static uint64_t
list_seq_max(const struct memranges_list *l)
{
	return atomic_load_explicit(&l->seq_max, memory_order_relaxed);
}

static int
note_key(struct memranges *r, const struct ikey *key)
{
	static const struct bytes none;
	struct memranges_list *l =
	    r->begin_list
		? list_new(r)
		: atomic_load_explicit(&r->newest, memory_order_relaxed);
	int err = l ? skiplist_insert(&l->keys, key, none, NULL) : -ENOMEM;

	if (err)
		return err;
	if (r->begin_list || key->seq > list_seq_max(l))
		atomic_store_explicit(
		    &l->seq_max, key->seq, memory_order_relaxed);
	/* Release: it is whole, and not empty, when others see it. */
	atomic_store_explicit(&r->newest, l, memory_order_release);
	r->begin_list = false;
	return 0;
}

void
memranges_note_covered(struct memranges *r, const struct ikey *key)
{
	size_t before = arena_bytes(&r->arena);
	struct memranges_look look;
	struct ranges_cover c;

	own_look(r, &look);
	memranges_at(&look, key->user, IKEY_SEQ_MAX, &c);
	if (c.seq == 0)
		return;
	if (note_key(r, key))
		atomic_store_explicit(&r->lost, true, memory_order_relaxed);
	note_bytes(r, arena_bytes(&r->arena) - before);
}

size_t
memranges_bytes(const struct memranges *r)
{
	return atomic_load_explicit(&r->bytes, memory_order_relaxed);
}

/* --- the readers' ------------------------------------------------------ */

void
memranges_take_look(const struct memranges *r, struct memranges_look *out)
{
	const struct memranges_state *s =
	    atomic_load_explicit(&r->state, memory_order_acquire);
	size_t tail_count =
	    atomic_load_explicit(&s->tail_count, memory_order_acquire);

	/* The keys last: those under the tombstones are there. */
	*out = (struct memranges_look){
	    .state = s,
	    .tail_count = tail_count,
	    .newest = atomic_load_explicit(&r->newest, memory_order_acquire),
	    .ranges = r,
	};
}

/* c narrowed to where an item that is seen makes no difference. */
static void
combine(
    struct ranges_cover *c, const struct memranges_item *t, struct bytes key)
{
	if (bytes_cmp(key, t->begin) < 0) {
		c->end = ranges_first_end(c->end, t->begin);
		return;
	}
	if (!ranges_ends_behind(t->end, key)) {
		if (bytes_cmp(t->end, c->begin) > 0)
			c->begin = t->end;
		return;
	}
	if (bytes_cmp(t->begin, c->begin) > 0)
		c->begin = t->begin;
	c->end = ranges_first_end(c->end, t->end);
	if (t->seq > c->seq)
		c->seq = t->seq;
}

void
memranges_at(struct memranges_look *l, struct bytes key, uint64_t seq,
    struct ranges_cover *out)
{
	struct ranges_cover c;

	ranges_at_near(l->state->set, key, seq, &l->near, &c);
	for (size_t i = 0; i < l->tail_count; i++)
		if (l->state->tail[i].seq <= seq)
			combine(&c, &l->state->tail[i], key);
	*out = c;
}

uint64_t
memranges_cover(const struct memranges *r, struct bytes key, uint64_t seq)
{
	struct memranges_look look;
	struct ranges_cover c;

	memranges_take_look(r, &look);
	memranges_at(&look, key, seq, &c);
	return c.seq;
}

static bool
is_lost(const struct memranges_look *l)
{
	return atomic_load_explicit(&l->ranges->lost, memory_order_relaxed);
}

/* l, if it has numbers above seq.  Older lists have lower ones. */
static const struct memranges_list *
list_above(const struct memranges_list *l, uint64_t seq)
{
	return l && list_seq_max(l) > seq ? l : NULL;
}

static int
newer(const struct memranges_look *l, struct bytes target, uint64_t seq,
    bool back, struct bytes *out)
{
	const struct memranges_list *list = list_above(l->newest, seq);
	int found = 0;

	if (is_lost(l))
		return -ENODATA;
	for (; list; list = list_above(list->older, seq)) {
		const struct skiplist_node *n =
		    back ? skiplist_before(&list->keys, target)
			 : skiplist_seek(&list->keys, target);
		struct bytes key;
		int c;

		if (!n)
			continue;
		key = ikey_user(skiplist_key(n));
		c = found ? bytes_cmp(key, *out) : 0;
		if (!found || (back ? c > 0 : c < 0))
			*out = key;
		found = 1;
	}
	return found;
}

int
memranges_next_newer(const struct memranges_look *l, struct bytes target,
    uint64_t seq, struct bytes *out)
{
	return newer(l, target, seq, false, out);
}

int
memranges_prev_newer(const struct memranges_look *l, struct bytes target,
    uint64_t seq, struct bytes *out)
{
	return newer(l, target, seq, true, out);
}
