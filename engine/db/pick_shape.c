#include "engine/db/pick_shape.h"

/* The last level over the one above; and levels above that, at most. */
#define FACTOR_LAST 10
#define FACTOR_MAX  6.0
#define FACTOR_STEP 1.01

static uint64_t
largest_level(const struct version *v)
{
	uint64_t largest = 0;

	for (unsigned i = 1; i < LSM_LEVELS; i++)
		if (v->levels[i].bytes > largest)
			largest = v->levels[i].bytes;
	return largest;
}

/* The first level > 0 with tables; the last if none has. */
static unsigned
first_level(const struct version *v)
{
	unsigned i = 1;

	while (i < PICK_SHAPE_LAST && v->levels[i].count == 0)
		i++;
	return i;
}

static double
power(double x, unsigned n)
{
	double y = 1;

	while (n-- > 0)
		y *= x;
	return y;
}

/* The factor that makes ratio in n steps. */
static double
root(double ratio, unsigned n)
{
	double x = 1;

	while (power(x, n) < ratio)
		x *= FACTOR_STEP;
	return x;
}

/* Between level 0 and the last level, of so many bytes; returns the base. */
static unsigned
spread(uint64_t last_bytes, uint64_t base_bytes, uint64_t *targets)
{
	uint64_t bytes = last_bytes / FACTOR_LAST;
	double ratio = (double)bytes / (double)base_bytes, factor;
	unsigned base = PICK_SHAPE_LAST, steps = 1;

	if (bytes <= base_bytes)
		return base;
	while (steps < PICK_SHAPE_LAST - 1 && power(FACTOR_MAX, steps) < ratio)
		steps++;
	factor = root(ratio, steps);
	for (; steps > 0; steps--) {
		targets[--base] = bytes > 0 ? bytes : 1;
		bytes = (uint64_t)((double)bytes / factor);
	}
	return base;
}

struct pick_shape
pick_shape_of(const struct version *v, const struct lsm_options *o)
{
	uint64_t base_bytes = o->level_base_bytes ? o->level_base_bytes : 1;
	unsigned first = first_level(v), base;
	struct pick_shape s = {0};

	s.targets[PICK_SHAPE_LAST] = UINT64_MAX;
	base = spread(largest_level(v), base_bytes, s.targets);
	s.level0_output = first < base ? first : base;
	return s;
}
