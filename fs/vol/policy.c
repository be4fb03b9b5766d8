#include "fs/vol/policy.h"

#include <stdio.h>

/* From the lowest bit: the policy and 1, batch_ops, batch_ms, adaptive_ms. */
#define POLICY_BITS 4
#define OPS_BITS    20
#define MS_BITS     16

_Static_assert(DURABILITY_OPS_MAX < 1 << OPS_BITS, "batch_ops has room");
_Static_assert(DURABILITY_MS_MAX < 1 << MS_BITS, "milliseconds have room");

uint64_t
policy_pack(const struct durability *d)
{
	uint64_t packed = d->adaptive_ms;

	packed = packed << MS_BITS | d->batch_ms;
	packed = packed << OPS_BITS | d->batch_ops;
	return packed << POLICY_BITS | ((uint64_t)d->policy + 1);
}

/* The lowest bits of *packed, which go. */
static uint32_t
policy_take(uint64_t *packed, unsigned bits)
{
	uint64_t n = *packed & ((UINT64_C(1) << bits) - 1);

	*packed >>= bits;
	return (uint32_t)n;
}

bool
policy_unpack(uint64_t packed, struct durability *out)
{
	if (packed == POLICY_STORE)
		return false;
	out->policy =
	    (enum durability_policy)(policy_take(&packed, POLICY_BITS) - 1);
	out->batch_ops = policy_take(&packed, OPS_BITS);
	out->batch_ms = policy_take(&packed, MS_BITS);
	out->adaptive_ms = policy_take(&packed, MS_BITS);
	return true;
}

bool
policy_is_for(enum entry_type type)
{
	return type == ENTRY_FILE || type == ENTRY_DIR;
}

int
policy_parse(struct bytes text, struct durability *out, char *why)
{
	struct durability d = durability_of(DURABILITY_NONE);
	struct durability other = durability_of(DURABILITY_SYNC);
	int err = durability_parse(text, &d, why);

	if (err)
		return err;
	/* Unless it is named, it stays: numbers alone would mean none. */
	(void)durability_parse(text, &other, NULL);
	if (d.policy != other.policy) {
		(void)snprintf(why, DURABILITY_ERROR_MAX,
		    "no policy is named; allowed: %s", durability_allowed());
		return -EINVAL;
	}
	*out = d;
	return 0;
}

uint64_t
policy_of_list(struct bytes list)
{
	struct durability d = durability_of(DURABILITY_SYNC);
	char why[DURABILITY_ERROR_MAX];
	struct bytes text;

	if (entry_xattr_find(list, bytes_str(POLICY_XATTR), &text) != 1)
		return POLICY_STORE;
	(void)policy_parse(text, &d, why);
	return policy_pack(&d);
}

int
policy_inherit(struct buf *out, struct bytes list)
{
	const struct bytes name = bytes_str(POLICY_XATTR);
	struct bytes text;

	buf_clear(out);
	if (entry_xattr_find(list, name, &text) != 1)
		return 0;
	return entry_xattr_set(out, bytes_of(NULL, 0), name, &text);
}

static uint32_t
policy_ms(const struct durability *d)
{
	return d->policy == DURABILITY_BATCH ? d->batch_ms : d->adaptive_ms;
}

struct durability
policy_strictest(const struct durability *a, const struct durability *b)
{
	struct durability d;

	if (a->policy == DURABILITY_NONE || b->policy == DURABILITY_SYNC)
		return *b;
	if (b->policy == DURABILITY_NONE || a->policy == DURABILITY_SYNC)
		return *a;
	/* Both bound the time, and batch bounds the operations too. */
	d = a->policy == DURABILITY_BATCH ? *a : *b;
	if (b->policy == DURABILITY_BATCH && b->batch_ops < d.batch_ops)
		d.batch_ops = b->batch_ops;
	d.batch_ms = d.adaptive_ms =
	    policy_ms(a) < policy_ms(b) ? policy_ms(a) : policy_ms(b);
	return d;
}
