/*
 * RocksDB through its C API: LZ4, leveled compaction, values pinned where they
 * are; what no setting speaks of is RocksDB's default.
 */
#include <rocksdb/c.h>
#include <stdlib.h>

#include "tests/bench/engine/peer.h"

struct db {
	rocksdb_t *db;
	rocksdb_options_t *options;
	rocksdb_readoptions_t *read;
	rocksdb_writeoptions_t *write;
};

struct session {
	struct db *db;
	rocksdb_writebatch_t *batch;
	rocksdb_pinnableslice_t *value;
};

struct iter {
	rocksdb_iterator_t *it;
	rocksdb_readoptions_t *read;
};

static void
check(char *error, const char *what)
{
	if (error)
		peer_die("rocksdb", what, error);
}

static const char *
text(struct bytes b)
{
	return (const char *)b.data;
}

static void *
allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		peer_die("rocksdb", "open", "no memory");
	return p;
}

static rocksdb_options_t *
make_options(const struct peer_settings *s)
{
	rocksdb_options_t *o = rocksdb_options_create();
	rocksdb_block_based_table_options_t *t =
	    rocksdb_block_based_options_create();

	rocksdb_options_set_create_if_missing(o, 1);
	rocksdb_options_set_error_if_exists(o, 1);
	rocksdb_options_set_write_buffer_size(o, s->write_buffer_bytes);
	rocksdb_options_set_max_background_jobs(o, (int)s->jobs);
	rocksdb_options_set_compression(o, rocksdb_lz4_compression);
	rocksdb_block_based_options_set_block_cache(
	    t, rocksdb_cache_create_lru(s->cache_bytes));
	rocksdb_block_based_options_set_filter_policy(
	    t, rocksdb_filterpolicy_create_bloom_full(s->filter_bits));
	rocksdb_options_set_block_based_table_factory(o, t);
	rocksdb_block_based_options_destroy(t);
	return o;
}

static void *
db_open(const char *dir, const struct peer_settings *s)
{
	struct db *db = allocate(sizeof(*db));
	char *error = NULL;

	db->options = make_options(s);
	db->read = rocksdb_readoptions_create();
	db->write = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(db->write, s->sync);
	db->db = rocksdb_open(db->options, dir, &error);
	check(error, "open");
	return db;
}

static void
db_close(void *p)
{
	struct db *db = p;

	rocksdb_close(db->db);
	rocksdb_readoptions_destroy(db->read);
	rocksdb_writeoptions_destroy(db->write);
	rocksdb_options_destroy(db->options);
	free(db);
}

static void *
session_open(void *db)
{
	struct session *s = allocate(sizeof(*s));

	s->db = db;
	s->batch = rocksdb_writebatch_create();
	return s;
}

static void
session_close(void *session)
{
	struct session *s = session;

	rocksdb_writebatch_destroy(s->batch);
	free(s);
}

static void
write_one(struct db *db, const struct peer_write *w)
{
	char *error = NULL;

	if (w->value.data)
		rocksdb_put(db->db, db->write, text(w->key), w->key.size,
		    text(w->value), w->value.size, &error);
	else
		rocksdb_delete(
		    db->db, db->write, text(w->key), w->key.size, &error);
	check(error, "write");
}

static void
put_all(void *session, const struct peer_write *w, size_t n)
{
	struct session *s = session;
	char *error = NULL;

	if (n == 1) {
		write_one(s->db, w);
		return;
	}
	rocksdb_writebatch_clear(s->batch);
	for (size_t i = 0; i < n; i++) {
		if (w[i].value.data)
			rocksdb_writebatch_put(s->batch, text(w[i].key),
			    w[i].key.size, text(w[i].value), w[i].value.size);
		else
			rocksdb_writebatch_delete(
			    s->batch, text(w[i].key), w[i].key.size);
	}
	rocksdb_write(s->db->db, s->db->write, s->batch, &error);
	check(error, "write");
}

static bool
get(void *session, struct bytes key, struct bytes *value)
{
	struct session *s = session;
	char *error = NULL;

	s->value = rocksdb_get_pinned(
	    s->db->db, s->db->read, text(key), key.size, &error);
	check(error, "get");
	if (!s->value)
		return false;
	value->data = (const uint8_t *)rocksdb_pinnableslice_value(
	    s->value, &value->size);
	return true;
}

static void
release(void *session)
{
	struct session *s = session;

	rocksdb_pinnableslice_destroy(s->value);
}

static void *
iter_open(void *session, struct bytes end)
{
	struct session *s = session;
	struct iter *it = allocate(sizeof(*it));

	it->read = rocksdb_readoptions_create();
	if (end.data)
		rocksdb_readoptions_set_iterate_upper_bound(
		    it->read, text(end), end.size);
	it->it = rocksdb_create_iterator(s->db->db, it->read);
	return it;
}

static void
iter_close(void *p)
{
	struct iter *it = p;

	rocksdb_iter_destroy(it->it);
	rocksdb_readoptions_destroy(it->read);
	free(it);
}

static bool
at(struct iter *it, struct peer_entry *e)
{
	char *error = NULL;

	if (!rocksdb_iter_valid(it->it)) {
		rocksdb_iter_get_error(it->it, &error);
		check(error, "iterator");
		return false;
	}
	e->key.data = (const uint8_t *)rocksdb_iter_key(it->it, &e->key.size);
	e->value.data =
	    (const uint8_t *)rocksdb_iter_value(it->it, &e->value.size);
	return true;
}

static bool
first(void *it, struct peer_entry *e)
{
	rocksdb_iter_seek_to_first(((struct iter *)it)->it);
	return at(it, e);
}

static bool
last(void *it, struct peer_entry *e)
{
	rocksdb_iter_seek_to_last(((struct iter *)it)->it);
	return at(it, e);
}

static bool
seek(void *it, struct bytes key, struct peer_entry *e)
{
	rocksdb_iter_seek(((struct iter *)it)->it, text(key), key.size);
	return at(it, e);
}

static bool
next(void *it, struct peer_entry *e)
{
	rocksdb_iter_next(((struct iter *)it)->it);
	return at(it, e);
}

static void
flush(void *p)
{
	rocksdb_flushoptions_t *o = rocksdb_flushoptions_create();
	struct db *db = p;
	char *error = NULL;

	rocksdb_flushoptions_set_wait(o, 1);
	rocksdb_flush(db->db, o, &error);
	check(error, "flush");
	rocksdb_flushoptions_destroy(o);
}

static bool
busy(void *p)
{
	static const char *const properties[] = {
	    "rocksdb.mem-table-flush-pending",
	    "rocksdb.num-running-flushes",
	    "rocksdb.compaction-pending",
	    "rocksdb.num-running-compactions",
	};
	struct db *db = p;
	uint64_t n;

	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++)
		if (rocksdb_property_int(db->db, properties[i], &n) != 0 ||
		    n > 0)
			return true;
	return false;
}

extern const struct peer_ops peer_rocksdb;
const struct peer_ops peer_rocksdb = {
    .name = "rocksdb",
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
    .busy = busy,
};
