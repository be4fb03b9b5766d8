/*
 * bytes: a view of bytes that somebody else owns.
 *
 * Use: pass by value; valid as long as its owner says.  Ordering is that of
 * memcmp, and a shorter string sorts before the longer one it begins.
 */
#ifndef ENGINE_BASE_BYTES_H
#define ENGINE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *data;
	size_t size;
};

static inline struct bytes
bytes_of(const void *data, size_t size)
{
	return (struct bytes){ data, size };
}

/* The bytes of a C string, without its NUL. */
static inline struct bytes
bytes_str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

/* <0, 0, >0 as a sorts before, equals, sorts after b. */
static inline int
bytes_cmp(struct bytes a, struct bytes b)
{
	size_t n = a.size < b.size ? a.size : b.size;
	int c = n ? memcmp(a.data, b.data, n) : 0;

	return c ? c : (a.size > b.size) - (a.size < b.size);
}

static inline bool
bytes_eq(struct bytes a, struct bytes b)
{
	return a.size == b.size &&
	    (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
bytes_has_prefix(struct bytes a, struct bytes prefix)
{
	return a.size >= prefix.size &&
	    bytes_eq(bytes_of(a.data, prefix.size), prefix);
}

/* Length of the longest common beginning of a and b. */
size_t bytes_common(struct bytes a, struct bytes b);

#endif
