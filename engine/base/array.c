#include "engine/base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 4

int
array_reserve(void *items, size_t size, size_t need, size_t *cap)
{
	size_t want = *cap ? 2 * *cap : CAP_MIN;
	void *p;

	if (need <= *cap)
		return 0;
	if (want < need)
		want = need;
	/* The caller's pointer is to something else than void. */
	memcpy(&p, items, sizeof(p));
	p = reallocarray(p, want, size);
	if (!p)
		return -ENOMEM;
	memcpy(items, &p, sizeof(p));
	*cap = want;
	return 0;
}
