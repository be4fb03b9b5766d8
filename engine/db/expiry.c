#include "engine/db/expiry.h"

#include <inttypes.h>

void
expiry_begin(struct expiry *x)
{
	if (x->has_now)
		return;
	x->now_ms = env_wall_ms(x->env);
	x->has_now = true;
}

bool
expiry_passed(struct expiry *x, uint64_t expires_ms)
{
	expiry_begin(x);
	return expires_ms <= x->now_ms;
}

static int
damaged(struct expiry *x, uint64_t trailer, struct bytes raw)
{
	env_log(x->env, ERR_LEVEL_ERROR,
	    "%s: damaged: the entry with number %" PRIu64 " is of kind %u and"
	    " has a value of %zu bytes, which does not fit; keyfs check tells"
	    " in which table it is",
	    x->dir, trailer >> 8, (unsigned)(trailer & 0xff), raw.size);
	return ERR_DAMAGED;
}

int
expiry_look_closely(
    struct expiry *x, uint64_t trailer, struct bytes raw, struct value *out)
{
	enum ikey_kind kind;
	struct value v;
	uint64_t seq;

	if (ikey_unpack(trailer, &seq, &kind) || value_decode(kind, raw, &v))
		return damaged(x, trailer, raw);
	if (v.expires_ms > 0 && expiry_passed(x, v.expires_ms))
		return 0;
	*out = v;
	return 1;
}
