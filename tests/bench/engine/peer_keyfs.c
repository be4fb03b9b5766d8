/*
 * The engine of this project, through its public header.  LZ4; durability none,
 * or sync where each write has to be durable: the store's own policy is what a
 * user would set.  What no setting speaks of is as lsm_options_init has it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm.h"
#include "tests/bench/engine/peer.h"

struct session {
	struct lsm *db;
	struct lsm_batch *batch;
	struct lsm_value value;
};

static void
check(int rc, const char *what)
{
	if (rc < 0)
		peer_die("keyfs", what, strerror(-rc));
}

static void
message(void *ctx, int level, const char *text)
{
	(void)ctx;
	if (level > 0)
		fprintf(stderr, "bench_engine: keyfs: %s\n", text);
}

static void *
db_open(const char *dir, const struct peer_settings *s)
{
	struct lsm_options o;
	struct lsm *db;

	lsm_options_init(&o);
	o.create = o.must_create = true;
	o.memtable_bytes = s->write_buffer_bytes;
	o.cache_bytes = s->cache_bytes;
	o.filter_bits = s->filter_bits;
	o.compression = LSM_COMPRESSION_LZ4;
	o.durability =
	    durability_of(s->sync ? DURABILITY_SYNC : DURABILITY_NONE);
	o.message = message;
	check(lsm_open(dir, &o, &db), "open");
	return db;
}

static void
db_close(void *db)
{
	check(lsm_close(db), "close");
}

static void *
session_open(void *db)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s || !(s->batch = lsm_batch_new()))
		check(-ENOMEM, "session");
	s->db = db;
	return s;
}

static void
session_close(void *session)
{
	struct session *s = session;

	lsm_batch_free(s->batch);
	free(s);
}

static void
put_all(void *session, const struct peer_write *w, size_t n)
{
	struct session *s = session;

	lsm_batch_clear(s->batch);
	for (size_t i = 0; i < n; i++)
		check(w[i].value.data
			  ? lsm_batch_put(s->batch, w[i].key, w[i].value)
			  : lsm_batch_delete(s->batch, w[i].key),
		    "batch");
	check(lsm_write(s->db, s->batch, NULL), "write");
}

static bool
get(void *session, struct bytes key, struct bytes *value)
{
	struct session *s = session;
	int rc = lsm_get(s->db, NULL, key, &s->value);

	check(rc, "get");
	if (rc > 0)
		*value = s->value.bytes;
	return rc > 0;
}

static void
release(void *session)
{
	struct session *s = session;

	lsm_value_release(&s->value);
}

static void *
iter_open(void *session, struct bytes end)
{
	struct lsm_iter_options o = {.upper = end};
	struct session *s = session;
	struct lsm_iter *it;

	check(lsm_iter_open(s->db, &o, &it), "iterator");
	return it;
}

static void
iter_close(void *it)
{
	lsm_iter_close(it);
}

static bool
moved(int rc, const struct lsm_iter *it, struct peer_entry *e)
{
	check(rc, "iterator");
	if (rc > 0) {
		e->key = lsm_iter_key(it);
		e->value = lsm_iter_value(it);
	}
	return rc > 0;
}

static bool
first(void *it, struct peer_entry *e)
{
	return moved(lsm_iter_first(it), it, e);
}

static bool
last(void *it, struct peer_entry *e)
{
	return moved(lsm_iter_last(it), it, e);
}

static bool
seek(void *it, struct bytes key, struct peer_entry *e)
{
	return moved(lsm_iter_seek(it, key), it, e);
}

static bool
next(void *it, struct peer_entry *e)
{
	return moved(lsm_iter_next(it), it, e);
}

static void
flush(void *db)
{
	check(lsm_flush(db), "flush");
}

extern const struct peer_ops peer_keyfs;
const struct peer_ops peer_keyfs = {
    .name = "keyfs",
    .open = db_open,
    .close = db_close,
    .session_open = session_open,
    .session_close = session_close,
    .write = put_all,
    .get = get,
    .release = release,
    .iter_open = iter_open,
    .iter_close = iter_close,
    .first = first,
    .last = last,
    .seek = seek,
    .next = next,
    .flush = flush,
    .tidy_ms = 2500,
};
