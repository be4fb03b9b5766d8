#include "engine/db/compact.h"

void
compact_filter_fini(struct compact_filter *f)
{
	buf_fini(&f->user);
	buf_fini(&f->buried);
	*f = (struct compact_filter){0};
}

size_t
compact_filter_stripe(const uint64_t *snapshots, size_t count, uint64_t seq)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (snapshots[mid] < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * Whether the entry is a delete that everybody sees and that hides nothing any
 * more: what is older in the inputs falls in the same stripe and goes with it.
 */
static bool
is_spent_delete(
    const struct compact_filter *f, const struct ikey *key, size_t stripe)
{
	return key->kind == IKEY_KIND_DELETE && stripe == 0 &&
	       f->snapshot_count > 0;
}

/* The entry becomes a delete: what it hides stays hidden. */
static int
bury(struct compact_filter *f, struct compact_entry *e)
{
	int err;

	buf_clear(&f->buried);
	err =
	    ikey_append(&f->buried, e->key.user, e->key.seq, IKEY_KIND_DELETE);
	if (err)
		return err;
	e->ikey = buf_bytes(&f->buried);
	e->key.user = ikey_user(e->ikey);
	e->key.kind = IKEY_KIND_DELETE;
	e->value = bytes_of(NULL, 0);
	f->expired++;
	return 0;
}

int
compact_filter_take(
    struct compact_filter *f, const struct iter *it, struct compact_entry *out)
{
	struct compact_entry e = {.ikey = it->key, .value = it->value};
	struct value v;
	int rc;

	if (ikey_decode(e.ikey, &e.key)) {
		env_log(f->expiry.env, ERR_LEVEL_ERROR,
		    "%s: damaged: a malformed key; keyfs check tells in which"
		    " table it is",
		    f->expiry.dir);
		return ERR_DAMAGED;
	}
	rc = expiry_look(&f->expiry, ikey_trailer(e.ikey), e.value, &v);
	if (rc == 0 && e.key.kind != IKEY_KIND_DELETE)
		rc = bury(f, &e);
	if (rc < 0)
		return rc;
	*out = e;
	return 0;
}

int
compact_filter_drop(
    struct compact_filter *f, const struct ikey *key, bool deeper)
{
	size_t stripe =
	    compact_filter_stripe(f->snapshots, f->snapshot_count, key->seq);
	bool hidden;
	int err;

	f->new_user = !f->has_user || !bytes_eq(buf_bytes(&f->user), key->user);
	if (f->new_user) {
		err = buf_assign(&f->user, key->user);
		if (err)
			return err;
		f->has_user = true;
	}
	/* Versions come newest first: one in the same stripe hides this one,
	 * also if it was a delete that is dropped itself. */
	hidden = !f->new_user && stripe == f->last_stripe &&
		 stripe < f->snapshot_count;
	f->last_stripe = stripe;
	return hidden || (is_spent_delete(f, key, stripe) && !deeper);
}
