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
	buf_fini(&r->run_from);
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

static bool
resolve_is_delete(uint64_t trailer)
{
	return (trailer & 0xff) == IKEY_KIND_DELETE;
}

static int
resolve_end(struct resolve *r, int rc)
{
	r->at = false;
	return rc < 0 ? rc : 0;
}

/* --- runs of deletes ----------------------------------------------------- */

/* Without memory there is no run. */
static void
resolve_run_add(struct resolve *r, struct bytes user)
{
	if (r->gap && (r->run > 0 || !buf_assign(&r->run_from, user)))
		r->run++;
}

/* The run ends before a key, or where nobody looks any further. */
static void
resolve_run_end(struct resolve *r, struct bytes end)
{
	if (r->run >= RESOLVE_RUN_MIN)
		r->gap(r->gap_ctx, buf_bytes(&r->run_from), end, r->run);
	r->run = 0;
}

/* There is nothing behind: it ends with the last key that was seen. */
static void
resolve_run_end_of_all(struct resolve *r)
{
	if (r->upper.data)
		resolve_run_end(r, r->upper);
	else if (r->run > 0 && !buf_append_u8(&r->saved_key, 0))
		resolve_run_end(r, buf_bytes(&r->saved_key));
}

/* Backward: run_from is the last key of the run. */
static void
resolve_run_end_at(struct resolve *r, struct bytes begin)
{
	if (r->run >= RESOLVE_RUN_MIN && !buf_append_u8(&r->run_from, 0))
		r->gap(r->gap_ctx, begin, buf_bytes(&r->run_from), r->run);
	r->run = 0;
}

/* As resolve_run_end_at, and begins right behind user. */
static void
resolve_run_end_behind(struct resolve *r, struct bytes user)
{
	if (r->run >= RESOLVE_RUN_MIN && !buf_assign(&r->target, user) &&
	    !buf_append_u8(&r->target, 0))
		resolve_run_end_at(r, buf_bytes(&r->target));
	r->run = 0;
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

	r->run = 0;
	while (rc > 0) {
		user = ikey_user(r->source->key);
		trailer = ikey_trailer(r->source->key);
		if (resolve_above(r, user)) {
			rc = 0;
			break;
		}
		skipped = skip && bytes_eq(user, buf_bytes(&r->saved_key));
		if (!skipped && trailer >> 8 <= r->seq) {
			rc = expiry_look(
			    &r->expiry, trailer, r->source->value, &value);
			if (resolve_is_delete(trailer))
				resolve_run_add(r, user);
			else
				resolve_run_end(r, user);
			if (rc > 0)
				return resolve_show(r, user, &value);
			if (!rc)
				rc = buf_assign(&r->saved_key, user);
			if (rc)
				break;
			skip = skipped = true;
			steps = 0;
		}
		r->passed++;
		rc = resolve_step(r, skipped, &steps);
	}
	if (rc == 0)
		resolve_run_end_of_all(r);
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

/* The entry where the source stands is not there any more. */
static void
resolve_run_back(struct resolve *r, struct bytes user, uint64_t trailer)
{
	r->passed++;
	if (resolve_is_delete(trailer))
		resolve_run_add(r, user);
	else
		resolve_run_end_behind(r, user);
}

/* From where the source stands back to the last entry that is seen. */
static int
resolve_backward(struct resolve *r, int rc)
{
	bool found = false; /* saved_*: until a newer version turns up */
	struct bytes user;
	struct value value;
	uint64_t trailer;
	int err = 0;

	r->run = 0;
	for (; rc > 0; rc = iter_prev(r->source)) {
		user = ikey_user(r->source->key);
		trailer = ikey_trailer(r->source->key);
		if (found && !bytes_eq(user, buf_bytes(&r->saved_key)))
			break;
		if (resolve_below(r, user)) {
			rc = 0;
			break;
		}
		if (trailer >> 8 > r->seq)
			continue;
		err =
		    expiry_look(&r->expiry, trailer, r->source->value, &value);
		found = err > 0;
		if (found)
			err = resolve_save(r, user, &value);
		else
			resolve_run_back(r, user, trailer);
		if (err)
			return resolve_end(r, err);
	}
	if (rc == 0 && !found)
		resolve_run_end_at(r, r->lower);
	if (rc < 0 || !found)
		return resolve_end(r, rc);
	resolve_run_end_behind(r, buf_bytes(&r->saved_key));
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
