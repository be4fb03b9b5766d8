#include "tests/support/sorted.h"

#include <errno.h>
#include <stdlib.h>

void
sorted_fini(struct sorted *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free((void *)(uintptr_t)s->entries[i].key.data);
		free((void *)(uintptr_t)s->entries[i].value.data);
	}
	free(s->entries);
	*s = (struct sorted){0};
}

static struct bytes
sorted_copy(struct bytes b)
{
	uint8_t *p = malloc(b.size + 1);

	check_true(p != NULL);
	if (b.size > 0)
		memcpy(p, b.data, b.size);
	return bytes_of(p, b.size);
}

void
sorted_add(struct sorted *s, struct bytes user, uint64_t seq,
    enum ikey_kind kind, struct bytes value)
{
	struct buf key = {0};

	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->entries =
		    reallocarray(s->entries, s->cap, sizeof(*s->entries));
		check_true(s->entries != NULL);
	}
	check_ok(ikey_append(&key, user, seq, kind));
	s->entries[s->count++] = (struct sorted_entry){
	    .key = sorted_copy(buf_bytes(&key)),
	    .value = sorted_copy(value),
	};
	buf_fini(&key);
}

static int
sorted_cmp(const void *a, const void *b)
{
	const struct sorted_entry *x = a, *y = b;

	return ikey_cmp(x->key, y->key);
}

void
sorted_sort(struct sorted *s)
{
	size_t n = 0;

	if (s->count > 0)
		qsort(s->entries, s->count, sizeof(*s->entries), sorted_cmp);
	for (size_t i = 0; i < s->count; i++) {
		if (n > 0 &&
		    ikey_cmp(s->entries[n - 1].key, s->entries[i].key) == 0) {
			free((void *)(uintptr_t)s->entries[i].key.data);
			free((void *)(uintptr_t)s->entries[i].value.data);
		} else {
			s->entries[n++] = s->entries[i];
		}
	}
	s->count = n;
}

/* --- random content ---------------------------------------------------- */

/* A user key of at most 400 bytes into p. */
static struct bytes
sorted_random_user(struct check_rand *r, uint8_t *p)
{
	static const uint8_t alphabet[] = {0, 1, 2, 'a', 'b', 0xff};
	size_t n = 0, prefix = 0;

	/* Most keys begin with one of a few long prefixes. */
	if (!check_rand_one_in(r, 4)) {
		prefix = check_rand_below(r, 3) * (1 + check_rand_below(r, 2));
		for (; n < prefix * 7; n++)
			p[n] = (uint8_t)('p' + n % 5 + prefix);
	}
	if (check_rand_one_in(r, 50))
		for (size_t end = n + 150; n < end; n++)
			p[n] = 'x';
	for (size_t end = n + check_rand_below(r, 7); n < end; n++)
		p[n] = alphabet[check_rand_below(r, sizeof(alphabet))];
	return bytes_of(p, n);
}

static void
sorted_random_entry(
    struct sorted *s, struct check_rand *r, struct bytes user, uint64_t seq)
{
	uint8_t value[300];
	size_t size = check_rand_below(r, 30);
	enum ikey_kind kind =
	    check_rand_one_in(r, 5) ? IKEY_KIND_DELETE : IKEY_KIND_PUT;

	if (check_rand_one_in(r, 20))
		size = check_rand_below(r, sizeof(value));
	if (kind == IKEY_KIND_DELETE)
		size = 0;
	check_rand_fill(r, value, size);
	if (check_rand_one_in(r, 2))
		memset(value, 'v', size); /* something for LZ4 */
	sorted_add(s, user, seq, kind, bytes_of(value, size));
}

void
sorted_random(struct sorted *s, struct check_rand *r, size_t count)
{
	uint8_t user[400];

	for (uint64_t seq = 1; seq <= count;) {
		struct bytes u = sorted_random_user(r, user);
		uint64_t versions =
		    check_rand_one_in(r, 6) ? 1 + check_rand_below(r, 40) : 1;

		for (; versions > 0 && seq <= count; versions--)
			sorted_random_entry(s, r, u, seq++);
	}
	sorted_sort(s);
}

void
sorted_target(const struct sorted *s, struct check_rand *r, struct buf *out)
{
	uint8_t user[400];
	struct bytes u;

	buf_clear(out);
	if (s->count > 0 && !check_rand_one_in(r, 4)) {
		struct bytes key =
		    s->entries[check_rand_below(r, s->count)].key;

		if (check_rand_one_in(r, 3)) {
			check_ok(buf_append_bytes(out, key));
			return;
		}
		u = ikey_user(key);
	} else {
		u = sorted_random_user(r, user);
	}
	check_ok(ikey_append(out, u, check_rand_below(r, s->count + 2),
	    check_rand_one_in(r, 2) ? IKEY_KIND_SEEK : IKEY_KIND_PUT));
}

/* --- walking ----------------------------------------------------------- */

size_t
sorted_seek(const struct sorted *s, struct bytes ikey)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ikey_cmp(s->entries[mid].key, ikey) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* One move of it and of the place *at (count: at no entry). */
static int
sorted_move(
    const struct sorted *s, struct iter *it, struct check_rand *r, size_t *at)
{
	struct buf target = {0};
	unsigned what = (unsigned)check_rand_below(r, 16);
	int rc;

	if (what == 0) {
		*at = 0;
		return iter_first(it);
	}
	if (what == 1) {
		*at = s->count > 0 ? s->count - 1 : 0;
		return iter_last(it);
	}
	if (what < 5 || *at == s->count) {
		sorted_target(s, r, &target);
		*at = sorted_seek(s, buf_bytes(&target));
		rc = iter_seek(it, buf_bytes(&target));
		buf_fini(&target);
		return rc;
	}
	if (what < 11) {
		++*at;
		return iter_next(it);
	}
	*at = *at > 0 ? *at - 1 : s->count;
	return iter_prev(it);
}

void
sorted_walk(
    const struct sorted *s, struct iter *it, struct check_rand *r, size_t steps)
{
	size_t at = s->count;

	for (size_t i = 0; i < steps; i++) {
		int rc = sorted_move(s, it, r, &at);

		check_eq(rc, at < s->count);
		if (rc == 1) {
			check_bytes_eq(it->key, s->entries[at].key);
			check_bytes_eq(it->value, s->entries[at].value);
		}
	}
}

/* --- the array as an iterator ------------------------------------------ */

struct sorted_iter {
	struct iter iter; /* first */
	const struct sorted *s;
	size_t at;
	uint64_t *fail_at;
};

#define SORTED_ITER(it) ((struct sorted_iter *)(void *)(it))

static int
sorted_iter_to(struct iter *it, size_t at)
{
	struct sorted_iter *si = SORTED_ITER(it);

	if (si->fail_at && *si->fail_at > 0 && --*si->fail_at == 0)
		return -EIO;
	si->at = at;
	if (at >= si->s->count)
		return 0;
	it->key = si->s->entries[at].key;
	it->value = si->s->entries[at].value;
	return 1;
}

static int
sorted_iter_first(struct iter *it)
{
	return sorted_iter_to(it, 0);
}

static int
sorted_iter_last(struct iter *it)
{
	return sorted_iter_to(it, SORTED_ITER(it)->s->count - 1);
}

static int
sorted_iter_seek(struct iter *it, struct bytes target)
{
	return sorted_iter_to(it, sorted_seek(SORTED_ITER(it)->s, target));
}

static int
sorted_iter_next(struct iter *it)
{
	check_true(SORTED_ITER(it)->at < SORTED_ITER(it)->s->count);
	return sorted_iter_to(it, SORTED_ITER(it)->at + 1);
}

static int
sorted_iter_prev(struct iter *it)
{
	check_true(SORTED_ITER(it)->at < SORTED_ITER(it)->s->count);
	/* Before the first wraps to a place beyond the last. */
	return sorted_iter_to(it, SORTED_ITER(it)->at - 1);
}

static void
sorted_iter_close(struct iter *it)
{
	free(it);
}

struct iter *
sorted_iter(const struct sorted *s, uint64_t *fail_at)
{
	static const struct iter_ops ops = {
	    .first = sorted_iter_first,
	    .last = sorted_iter_last,
	    .seek = sorted_iter_seek,
	    .next = sorted_iter_next,
	    .prev = sorted_iter_prev,
	    .close = sorted_iter_close,
	};
	struct sorted_iter *si = calloc(1, sizeof(*si));

	check_true(si != NULL);
	si->iter.ops = &ops;
	si->s = s;
	si->at = SIZE_MAX;
	si->fail_at = fail_at;
	return &si->iter;
}
