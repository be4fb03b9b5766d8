/*
 * get: looking up one key, newest first: the active memtable, the full ones,
 * the tables.  No lock, no allocation but for keys of unusual length, and the
 * value is not copied: what it lives in is pinned.  A large value is read from
 * where its reference says, or found in the cache.
 */
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/must.h"
#include "engine/db/db.h"
#include "engine/db/expiry.h"
#include "engine/db/value_read.h"

enum get_pin { GET_PIN_NONE, GET_PIN_VIEW, GET_PIN_BLOCK };

#define GET_KEY_INLINE 256

/* What is looked for. */
struct get_key {
	struct bytes target; /* an encoded ikey */
	uint64_t hash;       /* hash_64 of its user key, for all filters */
	uint64_t offset;     /* of the value, the bytes from here on */
	size_t length;       /* are wanted, so many */
};

static void
get_pin(struct lsm_value *value, enum get_pin kind, void *pin)
{
	value->pin = pin;
	value->pin_kind = (int)kind;
}

static struct bytes
get_cut(struct bytes b, const struct get_key *k)
{
	size_t skip = k->offset < b.size ? (size_t)k->offset : b.size;
	size_t left = b.size - skip;

	if (left == 0)
		return bytes_of(b.data, 0);
	return bytes_of(b.data + skip, left < k->length ? left : k->length);
}

/* The value that a reference stands for. */
static int
get_large(struct lsm *db, const struct get_key *k, struct bytes ref,
    struct lsm_value *out)
{
	struct cache_block *b;
	struct bytes bytes;
	int err;

	if (k->offset == 0 && k->length >= LSM_VALUE_MAX) {
		err = value_read(&db->values, ref, true, &b);
		bytes = err ? bytes_of(NULL, 0) : b->data;
	} else {
		err = value_read_part(
		    &db->values, ref, k->offset, k->length, &b, &bytes);
	}
	if (err)
		return err;
	out->bytes = bytes;
	if (b)
		get_pin(out, GET_PIN_BLOCK, b);
	return 0;
}

/* 1 and *value if this is one, 0 if there is none any more, <0.  With a pin if
 * its bytes are not in the entry. */
static int
get_answer(struct lsm *db, const struct get_key *k, uint64_t trailer,
    struct bytes raw, struct lsm_value *value)
{
	struct expiry x = {.env = db->env, .dir = db->dir};
	struct lsm_value out = {0};
	struct value v;
	int rc = expiry_look(&x, trailer, raw, &v);
	int err = 0;

	if (rc <= 0)
		return rc;
	out.expires_ms = v.expires_ms;
	if (v.is_reference)
		err = get_large(db, k, v.bytes, &out);
	else
		out.bytes = get_cut(v.bytes, k);
	if (err)
		return err;
	*value = out;
	return 1;
}

/* As memtable_get, and a range tombstone is one of the key: what is older
 * stands here or in what comes behind. */
static inline int
get_memtable(
    const struct memtable *m, const struct get_key *k, struct memtable_entry *e)
{
	uint64_t cover = memtable_cover(
	    m, ikey_user(k->target), ikey_trailer(k->target) >> 8);

	/* Most keys that are looked for are in no memtable. */
	if (memtable_may_contain(m, k->hash) && memtable_get(m, k->target, e) &&
	    e->seq >= cover)
		return 1;
	if (cover == 0)
		return 0;
	*e = (struct memtable_entry){.seq = cover, .kind = IKEY_KIND_DELETE};
	return 1;
}

/* 1 found, also if it is a tombstone; 0 not in memory. */
static int
get_memory(
    const struct view *v, const struct get_key *k, struct memtable_entry *e)
{
	int rc = get_memtable(v->active, k, e);

	for (size_t i = 0; rc == 0 && i < v->full_count; i++)
		rc = get_memtable(v->full[i], k, e);
	return rc;
}

static void
get_count(struct db_counters *c, const struct version_met *m)
{
	if (m->skipped > 0)
		counter_add(&c->filter_skips, m->skipped);
	if (m->in_vain > 0)
		counter_add(&c->searches_in_vain, m->in_vain);
	for (unsigned i = 0; m->searched > 0 && i < LSM_LEVELS; i++)
		if (m->searched_at[i] > 0)
			counter_add(&c->level_searched[i], m->searched_at[i]);
}

static int
get_tables(struct lsm *db, const struct view *v, const struct get_key *k,
    struct lsm_value *value)
{
	struct table_entry e;
	struct version_met met = {0};
	int rc;

	rc = version_get(v->version, k->target, k->hash, &e, &met);
	get_count(&db->counters, &met);
	if (rc <= 0)
		return rc;
	rc = get_answer(db, k, ikey_pack(e.seq, e.kind), e.value, value);
	if (rc > 0 && value->pin_kind == GET_PIN_NONE)
		get_pin(value, GET_PIN_BLOCK, e.block);
	else
		cache_unref(e.block);
	return rc;
}

/* Takes the view's reference: the value may pin it. */
static int
get_find(struct lsm *db, struct view *v, const struct get_key *k,
    struct lsm_value *value)
{
	struct memtable_entry e;
	int rc = get_memory(v, k, &e);

	if (rc > 0) {
		rc =
		    get_answer(db, k, ikey_pack(e.seq, e.kind), e.value, value);
		if (rc > 0 && value->pin_kind == GET_PIN_NONE) {
			get_pin(value, GET_PIN_VIEW, v);
			return rc;
		}
	} else {
		rc = get_tables(db, v, k, value);
	}
	view_put(db, v);
	return rc;
}

/* k has its part of the value; room is for the target. */
static int
get_at(struct lsm *db, const struct lsm_snapshot *s, struct bytes key,
    uint8_t *room, struct get_key *k, struct lsm_value *value)
{
	/* In this order, see view.h. */
	struct view *v = view_get(db);
	uint64_t seq = s ? s->seq : lsm_seq(db);

	k->target = bytes_of(room, key.size + IKEY_TRAILER);
	k->hash = hash_64(key, 0);
	if (key.size > 0)
		memcpy(room, key.data, key.size);
	wire_put_le64(room + key.size, ikey_pack(seq, IKEY_KIND_SEEK));
	return get_find(db, v, k, value);
}

int
lsm_get_part(struct lsm *db, const struct lsm_snapshot *snapshot,
    struct bytes key, uint64_t offset, size_t length, struct lsm_value *value)
{
	struct get_key k = {.offset = offset, .length = length};
	uint8_t small[GET_KEY_INLINE + IKEY_TRAILER];
	uint64_t begin = latency_sample(LATENCY_GET);
	uint8_t *room = small;
	int rc;

	counter_add(&db->counters.gets, 1);
	if (key.size > LSM_KEY_MAX)
		return 0; /* no such key can be written */
	if (key.size > GET_KEY_INLINE) {
		room = malloc(key.size + IKEY_TRAILER);
		if (!room)
			return -ENOMEM;
	}
	rc = get_at(db, snapshot, key, room, &k, value);
	if (room != small)
		free(room);
	if (rc > 0)
		counter_add(&db->counters.get_hits, 1);
	latency_end(&db->latencies.get, begin);
	return rc;
}

int
lsm_get(struct lsm *db, const struct lsm_snapshot *snapshot, struct bytes key,
    struct lsm_value *value)
{
	return lsm_get_part(db, snapshot, key, 0, SIZE_MAX, value);
}

void
lsm_value_release(struct lsm_value *value)
{
	switch ((enum get_pin)value->pin_kind) {
	case GET_PIN_VIEW:
		view_unref(value->pin);
		break;
	case GET_PIN_BLOCK:
		cache_unref(value->pin);
		break;
	case GET_PIN_NONE:
		break;
	}
	*value = (struct lsm_value){0};
}
