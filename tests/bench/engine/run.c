#include "tests/bench/engine/run.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define WRITE_BUFFER_BYTES (64u << 20)
#define WRITE_BUFFER_MIN   (1u << 20)
#define CACHE_BYTES        (256u << 20)
#define CACHE_MIN          (8u << 20)
#define FILTER_BITS        10
#define JOBS               2
#define KEYS_MIN           2000
#define WARM_TIMES         2

static uint64_t
scaled(const struct run *r, uint64_t n, uint64_t least)
{
	return n / r->setup.scale > least ? n / r->setup.scale : least;
}

void
run_open(struct run *r, const struct peer_ops *ops, const struct shape *shape,
    const char *dir, bool sync)
{
	struct peer_settings s = {
	    .write_buffer_bytes =
		scaled(r, WRITE_BUFFER_BYTES, WRITE_BUFFER_MIN),
	    .cache_bytes = scaled(r, CACHE_BYTES, CACHE_MIN),
	    .filter_bits = FILTER_BITS,
	    .jobs = JOBS,
	    .sync = sync,
	};
	int n = snprintf(r->dir, sizeof(r->dir), "%s", dir);

	r->ops = ops;
	if (n < 0 || (size_t)n >= sizeof(r->dir))
		peer_die(ops->name, dir, "too long");
	if (shape_init(&r->shape, shape) != 0)
		peer_die(ops->name, "values", "no memory");
	r->keys = scaled(r, shape->keys, KEYS_MIN);
	if (mkdir(dir, 0755) != 0)
		peer_die(ops->name, dir, strerror(errno));
	r->data_bytes = r->keys * (SHAPE_KEY_MAX + shape->value_max);
	s.data_bytes = r->data_bytes;
	r->live_bytes = 0;
	r->db = ops->open(dir, &s);
}

void
run_close(struct run *r)
{
	r->ops->close(r->db);
	shape_fini(&r->shape);
}

double
run_settle(struct run *r)
{
	uint64_t begin = measure_ns();
	unsigned quiet_ms = r->setup.quiet_ms;

	if (r->setup.tidies && quiet_ms < r->ops->tidy_ms)
		quiet_ms = r->ops->tidy_ms;
	r->ops->flush(r->db);
	measure_settle(r->ops, r->db, quiet_ms);
	return (double)(measure_ns() - begin) / 1e9;
}

void
run_row_begin(struct run *r)
{
	measure_peak_reset();
	r->begin = measure_now();
}

void
run_write_row_begin(struct run *r)
{
	measure_warm_memory(WARM_TIMES * r->data_bytes);
	run_row_begin(r);
}

void
run_row_end(
    struct run *r, const char *name, const struct tally *t, struct row *out)
{
	struct measure end = measure_now();

	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	out->ops = t->ops;
	out->seconds = t->seconds;
	out->cpu_seconds = end.cpu_seconds - r->begin.cpu_seconds;
	out->written_bytes = end.written_bytes > r->begin.written_bytes
				 ? end.written_bytes - r->begin.written_bytes
				 : 0;
	out->given_bytes = t->given_bytes;
	out->p50_us = hist_us(&t->hist, 500);
	out->p99_us = hist_us(&t->hist, 990);
	out->p999_us = hist_us(&t->hist, 999);
	out->max_us = (double)t->hist.max_ns / 1e3;
	out->store_bytes = measure_store_bytes(r->dir);
	out->live_bytes = r->live_bytes;
	out->anon_peak = measure_peak_anon();
	out->resident_peak = measure_peak_resident();
}

void
run_row_end_settled(
    struct run *r, const char *name, const struct tally *t, struct row *out)
{
	out->settle_seconds = run_settle(r);
	run_row_end(r, name, t, out);
}
