#include "tests/bench/engine/writes.h"

#include <pthread.h>
#include <stdlib.h>

#define CHECKED 1000

struct writer {
	struct run *run;
	const struct writes *w;
	void *session;
	struct random random;
	struct random_order shuffled;
	struct peer_write writes[WRITES_BATCH_MAX];
	uint8_t keys[WRITES_BATCH_MAX][SHAPE_KEY_MAX];
	uint8_t (*values)[SHAPE_VALUE_MAX];
};

/* --- one writer ---------------------------------------------------------- */

static struct writer *
writer_new(struct run *r, const struct writes *w, unsigned thread)
{
	struct writer *x = malloc(sizeof(*x));

	if (!x || !(x->values = malloc(w->batch * sizeof(*x->values))))
		peer_die(r->ops->name, "writer", "no memory");
	x->run = r;
	x->w = w;
	x->random.state = random_mix(w->seed ^ thread);
	x->shuffled = random_order_of(w->keys, w->seed);
	x->session = r->ops->session_open(r->db);
	return x;
}

static void
writer_free(struct writer *x)
{
	x->run->ops->session_close(x->session);
	free(x->values);
	free(x);
}

static uint64_t
key_number(struct writer *x, uint64_t n)
{
	switch (x->w->order) {
	case WRITES_IN_ORDER:
		return n;
	case WRITES_SHUFFLED:
		return random_order_at(&x->shuffled, n);
	case WRITES_ANYHOW:
		break;
	}
	return random_below(&x->random, x->w->keys);
}

/* Fills the i-th place of the batch with the n-th operation; its bytes. */
static uint64_t
fill(struct writer *x, unsigned i, uint64_t n)
{
	const struct shape *shape = &x->run->shape;
	struct peer_write *to = &x->writes[i];
	uint64_t number = key_number(x, n);

	to->key = shape_key(shape, number, x->keys[i]);
	to->value = bytes_of(NULL, 0);
	if (!x->w->erases)
		to->value = shape_value(
		    shape, number, x->w->seed << 32 ^ n, x->values[i]);
	return to->key.size + to->value.size;
}

static unsigned
fill_batch(struct writer *x, uint64_t n, uint64_t *given)
{
	const struct writes *w = x->w;
	unsigned filled = 0;

	for (; filled < w->batch && n + filled < w->count; filled++)
		*given += fill(x, filled, n + filled);
	return filled;
}

/* What another does by turns with the writer; when it is the writer's turn. */
static uint64_t
take_turns(const struct writes *w, uint64_t then)
{
	uint64_t now;

	w->between(w->ctx);
	now = measure_ns();
	hist_add(&w->turns->hist, now - then);
	w->turns->ops++;
	w->turns->seconds += (double)(now - then) / 1e9;
	return now;
}

void
writes_loop(
    struct run *r, const struct writes *w, unsigned thread, struct tally *t)
{
	struct writer *x = writer_new(r, w, thread);
	uint64_t begin = measure_ns(), now = begin;
	uint64_t late = begin + (uint64_t)(w->seconds * 1e9);
	uint64_t n = thread;

	memset(t, 0, sizeof(*t));
	while (n < w->count && now < late) {
		unsigned filled = fill_batch(x, n, &t->given_bytes);
		/* By turns, only what is compared counts. */
		uint64_t then = w->between ? measure_ns() : now;

		r->ops->write(x->session, x->writes, filled);
		now = measure_ns();
		hist_add(&t->hist, now - then);
		t->ops += filled;
		n += w->threads > 1 ? w->threads : filled;
		if (w->between)
			now = take_turns(w, now);
	}
	t->seconds = (double)(now - begin) / 1e9;
	t->thread_ops[thread] = t->ops;
	writer_free(x);
}

/* --- several ------------------------------------------------------------- */

struct part {
	struct run *run;
	const struct writes *w;
	unsigned number;
	pthread_t thread;
	struct tally tally;
};

static void *
run_part(void *arg)
{
	struct part *p = arg;

	writes_loop(p->run, p->w, p->number, &p->tally);
	return NULL;
}

static void
add(struct tally *to, const struct tally *from)
{
	hist_merge(&to->hist, &from->hist);
	to->ops += from->ops;
	to->given_bytes += from->given_bytes;
	for (unsigned i = 0; i < RUN_THREADS_MAX; i++)
		to->thread_ops[i] += from->thread_ops[i];
}

void
writes_run(struct run *r, const struct writes *w, struct tally *t)
{
	struct part *parts = calloc(w->threads, sizeof(*parts));
	uint64_t begin = measure_ns();

	if (!parts)
		peer_die(r->ops->name, "writers", "no memory");
	for (unsigned i = 0; i < w->threads; i++) {
		parts[i].run = r;
		parts[i].w = w;
		parts[i].number = i;
		if (pthread_create(
			&parts[i].thread, NULL, run_part, &parts[i]) != 0)
			peer_die(r->ops->name, "writers", "no thread");
	}
	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < w->threads; i++) {
		pthread_join(parts[i].thread, NULL);
		add(t, &parts[i].tally);
	}
	t->seconds = (double)(measure_ns() - begin) / 1e9;
	free(parts);
}

/* --- what is left -------------------------------------------------------- */

static bool *
written(const struct writes *w, const struct tally *t)
{
	struct random_order shuffled = random_order_of(w->keys, w->seed);
	bool *done = calloc(w->keys, sizeof(*done));

	for (uint64_t n = 0; done && n < t->ops; n++)
		done[w->order == WRITES_SHUFFLED ? random_order_at(&shuffled, n)
						 : n] = true;
	return done;
}

void
writes_rest(struct run *r, const struct writes *w, const struct tally *t)
{
	struct writes all = *w;
	bool *done = written(w, t);
	struct writer *x;
	uint64_t i = 0;

	all.order = WRITES_IN_ORDER;
	all.batch = WRITES_BATCH_MAX;
	x = writer_new(r, &all, 0);
	if (!done)
		peer_die(r->ops->name, "rest", "no memory");
	while (i < w->keys) {
		unsigned filled = 0;

		for (; i < w->keys && filled < all.batch; i++)
			if (!done[i])
				r->live_bytes += fill(x, filled++, i);
		if (filled)
			r->ops->write(x->session, x->writes, filled);
	}
	writer_free(x);
	free(done);
}

static void
check_key(struct writer *x, uint64_t number, bool there)
{
	const struct shape *shape = &x->run->shape;
	const struct peer_ops *ops = x->run->ops;
	struct bytes key = shape_key(shape, number, x->keys[0]), value;
	bool found = ops->get(x->session, key, &value);

	if (found != there)
		peer_die(ops->name, "wrong",
		    there ? "a key is lost" : "a deleted key is there");
	if (found && !shape_value_right(shape, number, value))
		peer_die(ops->name, "wrong", "another value");
	if (found)
		ops->release(x->session);
}

void
writes_check(struct run *r, const struct writes *w, const struct tally *t)
{
	struct writer *x = writer_new(r, w, 0);

	for (unsigned i = 0; i < CHECKED; i++) {
		uint64_t n = random_below(&x->random, w->count);
		bool done = n / w->threads < t->thread_ops[n % w->threads];

		check_key(x, key_number(x, n), done != w->erases);
	}
	writer_free(x);
}
