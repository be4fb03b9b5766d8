/* What a workload's store shows, against what it must show. */
#include <stdio.h>

#include "tests/support/workload.h"

#define LONG_KEY  300          /* beyond what fits on get's stack */
#define VALUE_MAX (300u << 10) /* more than a memtable asks for at once */

/* --- keys and values ------------------------------------------------------ */

struct bytes
workload_key(size_t i)
{
	static char text[LONG_KEY + 1];
	int n = snprintf(
	    text, sizeof(text), "%c/key%02u", (char)('a' + i / 8), (unsigned)i);

	if (i % 8 == 5) {
		memset(text + n, 'k', sizeof(text) - (size_t)n);
		n = LONG_KEY;
	}
	return bytes_of(text, (size_t)n);
}

struct bytes
workload_value(uint32_t version)
{
	static uint8_t value[VALUE_MAX];
	struct check_rand r = check_rand_of(version);
	size_t size = check_rand_below(&r, 120);

	if (check_rand_one_in(&r, 12))
		size = 700 + check_rand_below(&r, 1500);
	check_rand_fill(&r, value, size);
	/* So that there is something to compress. */
	if (version & WORKLOAD_HUGE)
		memset(value + size, 'v', VALUE_MAX - size);
	else if (size > 40)
		memset(value + 16, 'v', size / 2);
	if (version & WORKLOAD_HUGE)
		size = VALUE_MAX - size;
	return bytes_of(value, size);
}

bool
workload_shows(const struct workload *w, size_t state, size_t key)
{
	const struct workload_cell *c = &w->states[state].cells[key];

	return c->version > 0 &&
	       (c->expires_ms == 0 || c->expires_ms > w->clock_ms);
}

static void
check_value(const struct workload *w, size_t state, size_t key,
    struct bytes found, uint64_t expires_ms)
{
	const struct workload_cell *c = &w->states[state].cells[key];
	check_bytes_eq(found, workload_value(c->version));
	check_eq(expires_ms, c->expires_ms);
}

/* --- one by one ------------------------------------------------------------
 */

static int
get_one(
    struct workload *w, const struct lsm_snapshot *at, size_t state, size_t key)
{
	struct lsm_value none, value;
	int rc;

	memset(&none, 0x5a, sizeof(none));
	value = none;
	rc = lsm_get(w->db, at, workload_key(key), &value);
	if (rc < 0) {
		check_ok(memcmp(&value, &none, sizeof(none)));
		return rc;
	}
	check_eq(rc, workload_shows(w, state, key));
	if (rc > 0) {
		check_value(w, state, key, value.bytes, value.expires_ms);
		lsm_value_release(&value);
	}
	return 0;
}

/* A part of a value, from a place that may be behind its end. */
static int
get_part(
    struct workload *w, const struct lsm_snapshot *at, size_t state, size_t key)
{
	const struct workload_cell *c = &w->states[state].cells[key];
	uint64_t offset = key * 7;
	struct lsm_value value;
	struct bytes want;
	int rc = lsm_get_part(w->db, at, workload_key(key), offset, 50, &value);

	if (rc < 0)
		return rc;
	check_eq(rc, workload_shows(w, state, key));
	if (rc == 0)
		return 0;
	want = workload_value(c->version);
	if (offset > want.size)
		offset = want.size;
	want = bytes_of(want.data + offset,
	    want.size - offset < 50 ? want.size - offset : 50);
	check_bytes_eq(value.bytes, want);
	lsm_value_release(&value);
	return 0;
}

int
workload_get_all(
    struct workload *w, const struct lsm_snapshot *at, size_t state)
{
	int err = 0;

	for (size_t i = 0; i < WORKLOAD_KEYS && !err; i++) {
		err = get_one(w, at, state, i);
		if (!err)
			err = get_part(w, at, state, i);
	}
	return err;
}

/* --- in order ---------------------------------------------------------------
 */

/* The iterator stands at the key, or at the end if there is none. */
static int
check_at(const struct workload *w, const struct lsm_iter *it, int rc,
    size_t state, size_t key)
{
	if (rc < 0)
		return rc;
	check_eq(rc, key < WORKLOAD_KEYS);
	if (rc == 0)
		return 0;
	check_bytes_eq(lsm_iter_key(it), workload_key(key));
	if (w->step % 3 > 0)
		check_value(
		    w, state, key, lsm_iter_value(it), lsm_iter_expires(it));
	return 0;
}

static int
scan_up(const struct workload *w, struct lsm_iter *it, size_t state)
{
	int rc = lsm_iter_first(it), err = 0;

	for (size_t i = 0; i <= WORKLOAD_KEYS && !err; i++) {
		if (i < WORKLOAD_KEYS && !workload_shows(w, state, i))
			continue;
		err = check_at(w, it, rc, state, i);
		if (rc > 0)
			rc = lsm_iter_next(it);
	}
	return err;
}

static int
scan_down(const struct workload *w, struct lsm_iter *it, size_t state)
{
	int rc = lsm_iter_last(it), err = 0;

	for (size_t i = WORKLOAD_KEYS; i-- > 0 && !err;) {
		if (!workload_shows(w, state, i))
			continue;
		err = check_at(w, it, rc, state, i);
		if (rc > 0)
			rc = lsm_iter_prev(it);
	}
	return err ? err : check_at(w, it, rc, state, WORKLOAD_KEYS);
}

/* The first entry from a key on, and the one in front of it. */
static int
seek_both(const struct workload *w, struct lsm_iter *it, size_t state)
{
	size_t from = w->step % WORKLOAD_KEYS, i = from;
	int err;

	while (i < WORKLOAD_KEYS && !workload_shows(w, state, i))
		i++;
	err = check_at(w, it, lsm_iter_seek(it, workload_key(from)), state, i);
	if (err || i == WORKLOAD_KEYS)
		return err;
	while (i > 0 && !workload_shows(w, state, i - 1))
		i--;
	return check_at(
	    w, it, lsm_iter_prev(it), state, i > 0 ? i - 1 : WORKLOAD_KEYS);
}

int
workload_scan(struct workload *w, const struct lsm_snapshot *at, size_t state)
{
	const struct lsm_iter_options o = {.snapshot = at,
	    .no_fill = w->step % 2 > 0,
	    .keys_only = w->step % 3 == 0};
	struct lsm_iter *none = (struct lsm_iter *)(void *)w, *it = none;
	int err = lsm_iter_open(w->db, &o, &it), first = 0;

	if (err) {
		check_true(it == none);
		return err;
	}
	/* After an error an iterator can be positioned again. */
	for (int tries = 0; tries < 2; tries++) {
		err = scan_up(w, it, state);
		if (!err)
			err = scan_down(w, it, state);
		if (!err)
			err = seek_both(w, it, state);
		if (!err)
			break;
		if (tries > 0 && !w->relieve)
			check_ok(err); /* it would not end */
		first = err;
	}
	lsm_iter_close(it);
	return err ? err : first;
}

/* --- what is on the disk ----------------------------------------------------
 */

static void
finding(void *ctx, const char *text)
{
	workload_note(ctx, "finding: ", text);
}

int
workload_check_store(struct workload *w)
{
	const struct lsm_check_sink sink = {.finding = finding, .ctx = w};
	int rc = lsm_check(w->db, &sink);

	/* What cannot be read is a finding. */
	return rc > 0 ? -EIO : rc;
}

/* --- named snapshots -------------------------------------------------------
 */

void
workload_name(unsigned i, char name[8])
{
	(void)snprintf(name, 8, "snap%u", i);
}

/* 1 and a handle, 0 there is none of this name, <0. */
static int
find_name(struct workload *w, unsigned i, struct lsm_snapshot **at)
{
	struct lsm_snapshot *none = (struct lsm_snapshot *)(void *)w;
	char name[8];
	int err;

	*at = none;
	workload_name(i, name);
	err = lsm_snapshot_find(w->db, name, at);
	if (!err)
		return 1;
	check_true(*at == none);
	return err == -ENOENT ? 0 : err;
}

int
workload_settle_names(struct workload *w)
{
	for (unsigned i = 0; i < WORKLOAD_NAMES; i++) {
		struct workload_name *n = &w->names[i];
		struct lsm_snapshot *at;
		int rc;

		if (!n->maybe)
			continue;
		rc = find_name(w, i, &at);
		if (rc < 0)
			return rc;
		if (rc > 0)
			lsm_snapshot_close(w->db, at);
		if ((rc > 0) == n->maybe_there) {
			n->there = n->maybe_there;
			n->state = n->maybe_state;
		}
		n->maybe = false;
	}
	return 0;
}

static int
check_name(struct workload *w, unsigned i)
{
	const struct workload_name *n = &w->names[i];
	struct lsm_snapshot *at;
	int rc = find_name(w, i, &at), err;

	if (rc < 0)
		return rc;
	check_eq(rc, n->there);
	if (rc == 0)
		return 0;
	check_le(n->state, w->live);
	err = workload_get_all(w, at, n->state);
	if (!err)
		err = workload_scan(w, at, n->state);
	lsm_snapshot_close(w->db, at);
	return err;
}

int
workload_check_names(struct workload *w)
{
	int err = 0;

	for (unsigned i = 0; i < WORKLOAD_NAMES && !err; i++)
		err = check_name(w, i);
	return err;
}

int
workload_look(struct workload *w)
{
	int err = workload_get_all(w, NULL, w->live);

	if (!err)
		err = workload_scan(w, NULL, w->live);
	return err ? err : workload_check_names(w);
}

/* --- checkpoints -----------------------------------------------------------
 */

static int
look_at_copy(struct workload *w)
{
	int err;

	check_eq(lsm_seq(w->db), w->states[w->live].seq);
	err = workload_look(w);
	return err ? err : workload_check_store(w);
}

int
workload_check_copy(struct workload *w)
{
	struct workload_name names[WORKLOAD_NAMES];
	struct lsm *db, *real = w->db;
	size_t live = w->live;
	int err, close_err;

	if (w->copy.number == 0)
		return 0;
	err = lsm_open(workload_copy_path(w, w->copy.number), &w->options, &db);
	if (err)
		return err;
	memcpy(names, w->names, sizeof(names));
	w->db = db;
	w->live = WORKLOAD_COPY;
	memcpy(w->names, w->copy.names, sizeof(w->names));
	err = look_at_copy(w);
	w->db = real;
	w->live = live;
	memcpy(w->names, names, sizeof(w->names));
	close_err = lsm_close(db);
	return err ? err : close_err;
}
