#include "engine/os/env_forget_pick.h"

/* What a number is drawn for, so that draws do not depend on each other. */
enum env_forget_pick_use {
	ENV_FORGET_PICK_LAST,
	ENV_FORGET_PICK_NAME_ODDS,
	ENV_FORGET_PICK_NAME,
	ENV_FORGET_PICK_FILE_KIND,
	ENV_FORGET_PICK_FILE,
	ENV_FORGET_PICK_SECTOR,
};

/* The end of splitmix64 (Vigna): every bit depends on every bit. */
static uint64_t
env_forget_pick_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Below n; n > 0. */
static uint64_t
env_forget_pick_below(const struct env_forget_pick *p,
    enum env_forget_pick_use use, uint64_t a, uint64_t b, uint64_t n)
{
	uint64_t x = env_forget_pick_mix(p->seed + (uint64_t)use);

	x = env_forget_pick_mix(x + a);
	return env_forget_pick_mix(x + b) % n;
}

struct env_forget_pick
env_forget_pick_of(
    const struct env_forget_how *how, uint64_t oldest, uint64_t newest)
{
	struct env_forget_pick p = {.keep = how->keep, .seed = how->seed};
	uint64_t moments = newest - oldest + 2; /* also before the oldest */

	p.last = oldest - 1 +
		 env_forget_pick_below(&p, ENV_FORGET_PICK_LAST, 0, 0, moments);
	return p;
}

bool
env_forget_pick_name(const struct env_forget_pick *p, uint64_t op)
{
	uint64_t odds;

	switch (p->keep) {
	case ENV_FORGET_KEEP_NONE:
		return false;
	case ENV_FORGET_KEEP_PREFIX:
		return op <= p->last;
	case ENV_FORGET_KEEP_RANDOM:
		break;
	}
	/* One cut loses nearly all, another hardly any: 1 to 7 of 8. */
	odds = 1 + env_forget_pick_below(p, ENV_FORGET_PICK_NAME_ODDS, 0, 0, 7);
	return env_forget_pick_below(p, ENV_FORGET_PICK_NAME, op, 0, 8) < odds;
}

uint64_t
env_forget_pick_state(const struct env_forget_pick *p, uint64_t first,
    uint64_t sector, uint64_t count)
{
	/* Not for every file alone its sectors: of many files and sectors some
	 * would be torn then always, and a cut that spares one of two files
	 * would never be seen. */
	switch (
	    env_forget_pick_below(p, ENV_FORGET_PICK_FILE_KIND, first, 0, 4)) {
	case 0:
		return 0;
	case 1:
		return count;
	case 2:
		return env_forget_pick_below(
		    p, ENV_FORGET_PICK_FILE, first, 0, count + 1);
	default:
		return env_forget_pick_below(
		    p, ENV_FORGET_PICK_SECTOR, first, sector, count + 1);
	}
}
