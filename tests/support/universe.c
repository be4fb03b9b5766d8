#include "tests/support/universe.h"

#include <stdlib.h>

#include "engine/lsm.h"

/* --- the kinds ------------------------------------------------------------ */

/* Each appends key i of count; all different, in any order. */

static void
letters(struct buf *key, struct check_rand *r, size_t i)
{
	static const char some[] = "ab\0\xff";
	size_t size = 1 + check_rand_below(r, 12);

	if (check_rand_one_in(r, 40))
		size = 300; /* beyond what fits on get's stack */
	while (size-- > 0)
		check_ok(
		    buf_append_u8(key, (uint8_t)some[check_rand_below(r, 4)]));
	check_ok(buf_append_be64(key, i));
}

static void
numbers(struct buf *key, struct check_rand *r, size_t i)
{
	(void)r;
	check_ok(buf_append_be64(key, i));
}

static void
paths(struct buf *key, struct check_rand *r, size_t i)
{
	(void)r;
	check_ok(
	    buf_printf(key, "Eprojects/number-%zu/source/include", i / 97));
	check_ok(buf_append_u8(key, 0));
	check_ok(buf_printf(key, "file-%zu.c", i % 97));
}

/* 40 keys of 1 to 40 times the same letter, then those of the next. */
static void
prefixes(struct buf *key, struct check_rand *r, size_t i)
{
	(void)r;
	check_ok(buf_printf(key, "%03zu", i / 40));
	for (size_t n = i % 40; n > 0; n--)
		check_ok(buf_append_u8(key, 'x'));
}

static void
longest(struct buf *key, struct check_rand *r, size_t i)
{
	size_t size = check_rand_one_in(r, 12) ? LSM_KEY_MAX : 500;

	check_ok(buf_reserve(key, size));
	memset(key->data, 'l', size);
	key->size = size - 2;
	check_ok(buf_append_u8(key, (uint8_t)(i >> 8)));
	check_ok(buf_append_u8(key, (uint8_t)i));
}

static const struct {
	const char *name;
	unsigned weight;
	size_t count;
	void (*make)(struct buf *key, struct check_rand *r, size_t i);
} kinds[] = {
    {"letters", 5, 200, letters},
    {"letters", 5, 3000, letters},
    {"numbers", 5, 1000, numbers},
    {"paths", 5, 2000, paths},
    {"prefixes", 5, 600, prefixes},
    {"longest", 1, 60, longest},
};

/* --- the keys --------------------------------------------------------------
 */

static int
key_cmp(const void *a, const void *b)
{
	return bytes_cmp(buf_bytes(a), buf_bytes(b));
}

static size_t
draw_kind(struct check_rand *r)
{
	const size_t count = sizeof(kinds) / sizeof(kinds[0]);
	uint64_t total = 0, at;
	size_t kind = 0;

	for (size_t i = 0; i < count; i++)
		total += kinds[i].weight;
	for (at = check_rand_below(r, total); at >= kinds[kind].weight; kind++)
		at -= kinds[kind].weight;
	return kind;
}

void
universe_init(struct universe *u, struct check_rand *r)
{
	size_t kind = draw_kind(r);

	u->kind = kinds[kind].name;
	u->count = kinds[kind].count;
	u->keys = calloc(u->count, sizeof(*u->keys));
	check_true(u->keys != NULL);
	for (size_t i = 0; i < u->count; i++)
		kinds[kind].make(&u->keys[i], r, i);
	if (check_rand_one_in(r, 2))
		buf_clear(&u->keys[0]);
	qsort(u->keys, u->count, sizeof(*u->keys), key_cmp);
}

void
universe_fini(struct universe *u)
{
	for (size_t i = 0; i < u->count; i++)
		buf_fini(&u->keys[i]);
	free(u->keys);
}

struct bytes
universe_key(const struct universe *u, size_t i)
{
	return buf_bytes(&u->keys[i]);
}

size_t
universe_find(const struct universe *u, struct bytes s)
{
	size_t low = 0, high = u->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bytes_cmp(universe_key(u, middle), s) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
universe_near(const struct universe *u, struct check_rand *r, struct buf *out)
{
	size_t i = check_rand_below(r, u->count);

	check_ok(buf_assign(out, universe_key(u, i)));
	switch (check_rand_below(r, 8)) {
	case 0: /* right behind it */
		if (out->size < LSM_KEY_MAX)
			check_ok(buf_append_u8(out, 0));
		break;
	case 1: /* in front of it and of all that it begins */
		if (out->size > 0)
			out->size--;
		break;
	case 2: /* behind all that it begins */
		if (out->size > 0 && out->data[out->size - 1] < 0xff)
			out->data[out->size - 1]++;
		break;
	case 3:
		buf_clear(out);
		if (check_rand_one_in(r, 2))
			check_ok(buf_append_u8(out, (uint8_t)check_rand(r)));
		break;
	default:
		break;
	}
}
