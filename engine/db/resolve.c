#include "engine/db/resolve.h"

#include "engine/base/must.h"
#include "engine/table/ikey.h"

/* Versions of one key that are stepped over before a seek is cheaper. */
#define RESOLVE_STEPS_MAX 16

void
resolve_fini(struct resolve *r)
{
	buf_fini(&r->saved_key);
	buf_fini(&r->saved_value);
	buf_fini(&r->target);
}

static bool
resolve_above(const struct resolve *r, struct bytes user)
{
	return r->upper.data && bytes_cmp(user, r->upper) >= 0;
}

static bool
resolve_below(const struct resolve *r, struct bytes user)
{
	return r->lower.size > 0 && bytes_cmp(user, r->lower) < 0;
}

/* The source to the first entry >= (user, seq, kind). */
static int
resolve_source_seek(
    struct resolve *r, struct bytes user, uint64_t seq, enum ikey_kind kind)
{
	int err;

	buf_clear(&r->target);
	err = ikey_append(&r->target, user, seq, kind);
	return err ? err : iter_seek(r->source, buf_bytes(&r->target));
}

/* The source to the last entry of a key < user, or <= user. */
static int
resolve_source_before(struct resolve *r, struct bytes user, bool or_equal)
{
	int rc;

	/* Numbers begin at 1: nothing stands at (user, 0). */
	if (or_equal)
		rc = resolve_source_seek(r, user, 0, IKEY_KIND_DELETE);
	else
		rc = resolve_source_seek(r, user, IKEY_SEQ_MAX, IKEY_KIND_SEEK);
	if (rc < 0)
		return rc;
	return rc > 0 ? iter_prev(r->source) : iter_last(r->source);
}

static int
resolve_end(struct resolve *r, int rc)
{
	r->at = false;
	return rc < 0 ? rc : 0;
}

/* --- forward ------------------------------------------------------------ */

/* The source to the next entry that may be seen; it stands at one that is too
 * new, or (skip) of a key that has been dealt with. */
static int
resolve_step(struct resolve *r, bool skip, unsigned *steps)
{
	struct bytes user;
	int err;

	if (++*steps <= RESOLVE_STEPS_MAX)
		return iter_next(r->source);
	*steps = 0;
	if (skip)
		return resolve_source_seek(
		    r, buf_bytes(&r->saved_key), 0, IKEY_KIND_DELETE);
	/* Not into saved_key: that one may still be needed. */
	user = ikey_user(r->source->key);
	err = buf_assign(&r->saved_value, user);
	if (err)
		return err;
	return resolve_source_seek(
	    r, buf_bytes(&r->saved_value), r->seq, IKEY_KIND_SEEK);
}

static int
resolve_show(struct resolve *r, struct bytes user, const struct value *v)
{
	r->key = user;
	r->value = v->bytes;
	r->is_reference = v->is_reference;
	r->expires_ms = v->expires_ms;
	r->at = true;
	r->backward = false;
	return 1;
}

/* From where the source stands (rc is what moving it said) to the first entry
 * that is seen; skip: versions of saved_key are not. */
static int
resolve_forward(struct resolve *r, int rc, bool skip)
{
	unsigned steps = 0;
	struct bytes user;
	struct value value;
	uint64_t trailer;
	bool skipped;

	while (rc > 0) {
		user = ikey_user(r->source->key);
		trailer = ikey_trailer(r->source->key);
		if (resolve_above(r, user))
			return resolve_end(r, 0);
		skipped = skip && bytes_eq(user, buf_bytes(&r->saved_key));
		if (!skipped && trailer >> 8 <= r->seq) {
			rc = expiry_look(
			    &r->expiry, trailer, r->source->value, &value);
			if (rc > 0)
				return resolve_show(r, user, &value);
			if (!rc)
				rc = buf_assign(&r->saved_key, user);
			if (rc)
				break;
			skip = skipped = true;
			steps = 0;
		}
		rc = resolve_step(r, skipped, &steps);
	}
	return resolve_end(r, rc);
}

int
resolve_first(struct resolve *r)
{
	int rc;

	if (r->lower.size > 0)
		return resolve_seek(r, r->lower);
	rc = iter_first(r->source);
	return resolve_forward(r, rc, false);
}

int
resolve_seek(struct resolve *r, struct bytes key)
{
	int rc;

	if (resolve_below(r, key))
		key = r->lower;
	if (resolve_above(r, key))
		return resolve_end(r, 0);
	rc = resolve_source_seek(r, key, r->seq, IKEY_KIND_SEEK);
	return resolve_forward(r, rc, false);
}

int
resolve_next(struct resolve *r)
{
	int rc;

	must(r->at);
	if (!r->backward) {
		rc = buf_assign(&r->saved_key, r->key);
		if (!rc)
			rc = iter_next(r->source);
	} else if (r->source_at) {
		rc = iter_next(r->source);
	} else {
		rc = iter_first(r->source);
	}
	return resolve_forward(r, rc, true);
}

/* --- backward ----------------------------------------------------------- */

static int
resolve_save(struct resolve *r, struct bytes user, const struct value *v)
{
	int err = buf_assign(&r->saved_key, user);

	r->is_reference = v->is_reference;
	r->expires_ms = v->expires_ms;
	return err ? err : buf_assign(&r->saved_value, v->bytes);
}

/* From where the source stands back to the last entry that is seen. */
static int
resolve_backward(struct resolve *r, int rc)
{
	bool found = false; /* saved_*: until a newer version turns up */
	struct bytes user;
	struct value value;
	uint64_t trailer;
	int err;

	for (; rc > 0; rc = iter_prev(r->source)) {
		user = ikey_user(r->source->key);
		trailer = ikey_trailer(r->source->key);
		if (found && !bytes_eq(user, buf_bytes(&r->saved_key)))
			break;
		if (resolve_below(r, user))
			return resolve_end(r, 0);
		if (trailer >> 8 > r->seq)
			continue;
		err =
		    expiry_look(&r->expiry, trailer, r->source->value, &value);
		found = err > 0;
		if (found)
			err = resolve_save(r, user, &value);
		if (err)
			return resolve_end(r, err);
	}
	if (rc < 0 || !found)
		return resolve_end(r, rc);
	r->key = buf_bytes(&r->saved_key);
	r->value = buf_bytes(&r->saved_value);
	r->at = true;
	r->backward = true;
	r->source_at = rc > 0;
	return 1;
}

int
resolve_last(struct resolve *r)
{
	int rc;

	if (r->upper.data)
		rc = resolve_source_before(r, r->upper, false);
	else
		rc = iter_last(r->source);
	return resolve_backward(r, rc);
}

int
resolve_seek_back(struct resolve *r, struct bytes key)
{
	int rc;

	if (resolve_above(r, key))
		return resolve_last(r);
	if (resolve_below(r, key))
		return resolve_end(r, 0);
	rc = resolve_source_before(r, key, true);
	return resolve_backward(r, rc);
}

int
resolve_prev(struct resolve *r)
{
	int rc = r->source_at;

	must(r->at);
	if (!r->backward) {
		rc = buf_assign(&r->saved_key, r->key);
		if (rc)
			return resolve_end(r, rc);
		do
			rc = iter_prev(r->source);
		while (rc > 0 && bytes_eq(ikey_user(r->source->key),
				     buf_bytes(&r->saved_key)));
	}
	return resolve_backward(r, rc);
}
