#include "tests/bench/engine/reads.h"

#include "tests/bench/engine/random.h"

#define TIMED_STEPS 16

static _Noreturn void
wrong(const struct run *r, const char *what)
{
	peer_die(r->ops->name, "wrong", what);
}

static uint64_t
late_after(double seconds)
{
	return measure_ns() + (uint64_t)(seconds * 1e9);
}

static void
begin(struct tally *t, uint64_t *now)
{
	memset(t, 0, sizeof(*t));
	*now = measure_ns();
}

static void
count(struct tally *t, uint64_t *now)
{
	uint64_t then = *now;

	*now = measure_ns();
	hist_add(&t->hist, *now - then);
	t->ops++;
}

static void
end(struct tally *t, uint64_t begun, uint64_t now)
{
	t->seconds = (double)(now - begun) / 1e9;
}

/* --- points -------------------------------------------------------------- */

/* Of the first so many keys. */
static void
hit_below(struct run *r, uint64_t keys, double seconds, uint64_t seed,
    struct tally *t)
{
	void *session = r->ops->session_open(r->db);
	uint64_t late = late_after(seconds), begun, now;
	struct random random = {random_mix(seed)};

	begin(t, &begun);
	for (now = begun; now < late; count(t, &now)) {
		uint64_t i = random_below(&random, keys);
		uint8_t key[SHAPE_KEY_MAX];
		struct bytes value;

		if (!r->ops->get(session, shape_key(&r->shape, i, key), &value))
			wrong(r, "a key is lost");
		if (!shape_value_right(&r->shape, i, value))
			wrong(r, "another value");
		r->ops->release(session);
	}
	end(t, begun, now);
	r->ops->session_close(session);
}

void
reads_hit(struct run *r, double seconds, uint64_t seed, struct tally *t)
{
	hit_below(r, r->keys, seconds, seed, t);
}

void
reads_cached(struct run *r, double seconds, uint64_t seed, struct tally *t)
{
	hit_below(r, r->keys / READS_CACHED_PART, seconds, seed, t);
}

void
reads_miss(struct run *r, double seconds, uint64_t seed, struct tally *t)
{
	void *session = r->ops->session_open(r->db);
	uint64_t late = late_after(seconds), begun, now;
	struct random random = {random_mix(seed)};

	begin(t, &begun);
	for (now = begun; now < late; count(t, &now)) {
		uint64_t i = random_below(&random, r->keys);
		uint8_t key[SHAPE_KEY_MAX];
		struct bytes value;

		if (r->ops->get(
			session, shape_key_missing(&r->shape, i, key), &value))
			wrong(r, "a key that was never written");
	}
	end(t, begun, now);
	r->ops->session_close(session);
}

/* --- in order ------------------------------------------------------------ */

/* Is the entry the i-th key's? */
static void
check_mark(const struct run *r, const struct peer_entry *e, uint64_t i)
{
	if (!shape_value_mark(&r->shape, i, e->value))
		wrong(r, "a listing has another value");
}

static void
check_all(const struct run *r, const struct peer_entry *e, uint64_t i)
{
	uint8_t key[SHAPE_KEY_MAX];

	if (!bytes_eq(e->key, shape_key(&r->shape, i, key)))
		wrong(r, "a listing has another key");
	if (!shape_value_right(&r->shape, i, e->value))
		wrong(r, "a listing has another value");
}

/* The ten entries behind the i-th key, as far as there are so many. */
static void
seek_one(struct run *r, void *session, uint64_t i)
{
	void *it = r->ops->iter_open(session, bytes_of(NULL, 0));
	uint8_t key[SHAPE_KEY_MAX];
	struct peer_entry e;

	if (!r->ops->seek(it, shape_key(&r->shape, i, key), &e))
		wrong(r, "a key is lost");
	check_all(r, &e, i);
	for (unsigned n = 0; n < READS_NEXTS && ++i < r->keys; n++) {
		if (!r->ops->next(it, &e))
			wrong(r, "a listing ends early");
		check_mark(r, &e, i);
	}
	r->ops->iter_close(it);
}

void
reads_seek(struct run *r, double seconds, uint64_t seed, struct tally *t)
{
	void *session = r->ops->session_open(r->db);
	uint64_t late = late_after(seconds), begun, now;
	struct random random = {random_mix(seed)};

	begin(t, &begun);
	for (now = begun; now < late; count(t, &now))
		seek_one(r, session, random_below(&random, r->keys));
	end(t, begun, now);
	r->ops->session_close(session);
}

/* Once from the first key on; the time when it ended. */
static uint64_t
walk(struct run *r, void *it, uint64_t late, struct tally *t)
{
	uint64_t now = measure_ns(), then;
	struct peer_entry e;
	bool more = r->ops->first(it, &e);
	uint64_t i;

	for (i = 0; more && now < late; i++) {
		t->ops++;
		if (i % TIMED_STEPS) {
			check_mark(r, &e, i);
			more = r->ops->next(it, &e);
			continue;
		}
		check_all(r, &e, i);
		then = measure_ns();
		more = r->ops->next(it, &e);
		now = measure_ns();
		hist_add(&t->hist, now - then);
	}
	if (!more && i != r->keys)
		wrong(r, "a listing ends early");
	return measure_ns();
}

void
reads_all(struct run *r, double seconds, uint64_t seed, struct tally *t)
{
	void *session = r->ops->session_open(r->db);
	uint64_t late = late_after(seconds), begun, now;

	(void)seed;
	begin(t, &begun);
	for (now = begun; now < late;) {
		void *it = r->ops->iter_open(session, bytes_of(NULL, 0));

		now = walk(r, it, late, t);
		r->ops->iter_close(it);
	}
	end(t, begun, now);
	r->ops->session_close(session);
}

/* --- a range ------------------------------------------------------------- */

static void
list(struct run *r, void *session, const struct reads_range *range)
{
	uint8_t from[SHAPE_KEY_MAX], to[SHAPE_KEY_MAX];
	struct bytes end = shape_key(&r->shape, range->to, to);
	void *it = r->ops->iter_open(session, end);
	uint64_t i = range->first;
	struct peer_entry e;
	bool more =
	    r->ops->seek(it, shape_key(&r->shape, range->from, from), &e);

	while (more && bytes_cmp(e.key, end) < 0) {
		check_all(r, &e, i);
		i += range->step;
		more = r->ops->next(it, &e);
	}
	if (i < range->to)
		wrong(r, "a listing ends early");
	r->ops->iter_close(it);
}

void
reads_range(struct run *r, double seconds, const struct reads_range *range,
    struct tally *t)
{
	void *session = r->ops->session_open(r->db);
	uint64_t late = late_after(seconds), begun, now;

	begin(t, &begun);
	for (now = begun; now < late; count(t, &now))
		list(r, session, range);
	end(t, begun, now);
	r->ops->session_close(session);
}
