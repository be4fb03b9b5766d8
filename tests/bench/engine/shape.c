#include "tests/bench/engine/shape.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/wire.h"
#include "tests/bench/engine/random.h"

#define DIGITS     16
#define DIR_FILES  1000
#define POOL_BYTES (1u << 20)
#define MARK_BYTES 16 /* version, and what it and the key give */
#define FILL       'v'

static const struct shape shapes[] = {
    {"small", 5000000, 100, 100, false, NULL},
    {"4k", 200000, 4096, 4096, false, NULL},
    {"fs", 1000000, 150, 400, true, NULL},
};

const struct shape *
shape_at(unsigned i)
{
	return i < sizeof(shapes) / sizeof(shapes[0]) ? &shapes[i] : NULL;
}

const struct shape *
shape_find(const char *name)
{
	const struct shape *s;

	for (unsigned i = 0; (s = shape_at(i)); i++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

int
shape_init(struct shape *s, const struct shape *model)
{
	uint8_t *pool = malloc(POOL_BYTES + SHAPE_VALUE_MAX);
	struct random r = {42};

	if (!pool)
		return -ENOMEM;
	for (size_t at = 0; at < POOL_BYTES + SHAPE_VALUE_MAX; at += 8)
		wire_put_le64(pool + at, random_next(&r));
	*s = *model;
	s->pool = pool;
	return 0;
}

void
shape_fini(struct shape *s)
{
	free(s->pool);
	s->pool = NULL;
}

/* --- keys ---------------------------------------------------------------- */

static uint8_t *
put_digits(uint8_t *to, uint64_t n, unsigned digits)
{
	for (unsigned at = digits; at > 0; at--, n /= 10)
		to[at - 1] = (uint8_t)('0' + n % 10);
	return to + digits;
}

/* Letters that seed decides. */
static uint8_t *
put_word(uint8_t *to, uint64_t seed, size_t size)
{
	for (size_t i = 0; i < size; i++, seed = seed >> 5 | seed << 59)
		to[i] = (uint8_t)('a' + (seed & 31) * 26 / 32);
	return to + size;
}

static uint8_t *
put_text(uint8_t *to, const char *text)
{
	size_t size = strlen(text);

	memcpy(to, text, size);
	return to + size;
}

/* "home/ann/0001234-DIRECTORY/00567-FILE.c": 25 bytes are fixed, the words
 * take 6 to 25 and 9 to 30. */
static struct bytes
path_key(uint64_t dir, uint64_t file, uint8_t key[SHAPE_KEY_MAX])
{
	uint64_t dir_seed = random_mix(dir * 2 + 1);
	uint64_t file_seed = random_mix(dir * 2 * DIR_FILES + file);
	uint8_t *to = put_text(key, "home/ann/");

	to = put_digits(to, dir, 7);
	*to++ = '-';
	to = put_word(to, dir_seed, 6 + dir_seed % 20);
	*to++ = '/';
	to = put_digits(to, file, 4);
	*to++ = '-';
	to = put_word(to, file_seed, 9 + file_seed % 22);
	to = put_text(to, ".c");
	return bytes_of(key, (size_t)(to - key));
}

/* Written keys are the even numbers. */
static struct bytes
key_of(const struct shape *s, uint64_t i, bool missing, uint8_t *key)
{
	if (s->paths)
		return path_key(
		    i / DIR_FILES, i % DIR_FILES * 2 + missing, key);
	put_digits(key, i * 2 + missing, DIGITS);
	return bytes_of(key, DIGITS);
}

struct bytes
shape_key(const struct shape *s, uint64_t i, uint8_t key[SHAPE_KEY_MAX])
{
	return key_of(s, i, false, key);
}

struct bytes
shape_key_missing(const struct shape *s, uint64_t i, uint8_t key[SHAPE_KEY_MAX])
{
	return key_of(s, i, true, key);
}

/* --- values -------------------------------------------------------------- */

size_t
shape_value_size(const struct shape *s, uint64_t i)
{
	if (s->value_min == s->value_max)
		return s->value_min;
	return s->value_min + random_mix(i) % (s->value_max - s->value_min + 1);
}

static uint64_t
mark_of(uint64_t i, uint64_t version)
{
	return random_mix(version ^ random_mix(i));
}

/* The random part behind the mark. */
static const uint8_t *
cut_from_pool(const struct shape *s, uint64_t mark)
{
	return s->pool + mark % POOL_BYTES;
}

struct bytes
shape_value(const struct shape *s, uint64_t i, uint64_t version,
    uint8_t value[SHAPE_VALUE_MAX])
{
	size_t size = shape_value_size(s, i), half = size / 2;
	uint64_t mark;

	version = random_mix(version);
	mark = mark_of(i, version);
	wire_put_le64(value, version);
	wire_put_le64(value + 8, mark);
	memcpy(value + MARK_BYTES, cut_from_pool(s, mark), half - MARK_BYTES);
	memset(value + half, FILL, size - half);
	return bytes_of(value, size);
}

bool
shape_value_mark(const struct shape *s, uint64_t i, struct bytes value)
{
	return value.size == shape_value_size(s, i) &&
	       wire_get_le64(value.data + 8) ==
		   mark_of(i, wire_get_le64(value.data));
}

bool
shape_value_right(const struct shape *s, uint64_t i, struct bytes value)
{
	size_t half = value.size / 2, rest = value.size - half;
	const uint8_t *data = value.data;

	/* The second half is FILL if it begins so and each byte is as the
	 * one before it. */
	return shape_value_mark(s, i, value) &&
	       memcmp(data + MARK_BYTES,
		   cut_from_pool(s, wire_get_le64(data + 8)),
		   half - MARK_BYTES) == 0 &&
	       data[half] == FILL &&
	       memcmp(data + half, data + half + 1, rest - 1) == 0;
}

uint64_t
shape_bytes(const struct shape *s, uint64_t from, uint64_t to)
{
	uint8_t key[SHAPE_KEY_MAX];
	uint64_t sum = 0;

	if (!s->paths && s->value_min == s->value_max)
		return (to - from) * (DIGITS + s->value_min);
	for (uint64_t i = from; i < to; i++)
		sum += shape_key(s, i, key).size + shape_value_size(s, i);
	return sum;
}
