/*
 * LevelDB through its C API: snappy; what no setting speaks of is LevelDB's
 * default.  It has one background thread, whatever the settings say.
 */
#include <leveldb/c.h>
#include <stdlib.h>

#include "tests/bench/engine/peer.h"

struct db {
	leveldb_t *db;
	leveldb_options_t *options;
	leveldb_readoptions_t *read;
	leveldb_writeoptions_t *write;
	leveldb_cache_t *cache;
	leveldb_filterpolicy_t *filter;
};

struct session {
	struct db *db;
	leveldb_writebatch_t *batch;
	char *value;
};

static void
check(char *error, const char *what)
{
	if (error)
		peer_die("leveldb", what, error);
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
		peer_die("leveldb", "open", "no memory");
	return p;
}

static void *
db_open(const char *dir, const struct peer_settings *s)
{
	struct db *db = allocate(sizeof(*db));
	leveldb_options_t *o = leveldb_options_create();
	char *error = NULL;

	db->options = o;
	db->cache = leveldb_cache_create_lru(s->cache_bytes);
	db->filter = leveldb_filterpolicy_create_bloom((int)s->filter_bits);
	leveldb_options_set_create_if_missing(o, 1);
	leveldb_options_set_error_if_exists(o, 1);
	leveldb_options_set_write_buffer_size(o, s->write_buffer_bytes);
	leveldb_options_set_compression(o, leveldb_snappy_compression);
	leveldb_options_set_cache(o, db->cache);
	leveldb_options_set_filter_policy(o, db->filter);
	db->read = leveldb_readoptions_create();
	db->write = leveldb_writeoptions_create();
	leveldb_writeoptions_set_sync(db->write, s->sync);
	db->db = leveldb_open(o, dir, &error);
	check(error, "open");
	return db;
}

static void
db_close(void *p)
{
	struct db *db = p;

	leveldb_close(db->db);
	leveldb_readoptions_destroy(db->read);
	leveldb_writeoptions_destroy(db->write);
	leveldb_options_destroy(db->options);
	leveldb_cache_destroy(db->cache);
	leveldb_filterpolicy_destroy(db->filter);
	free(db);
}

static void *
session_open(void *db)
{
	struct session *s = allocate(sizeof(*s));

	s->db = db;
	s->batch = leveldb_writebatch_create();
	return s;
}

static void
session_close(void *session)
{
	struct session *s = session;

	leveldb_writebatch_destroy(s->batch);
	free(s);
}

static void
write_one(struct db *db, const struct peer_write *w)
{
	char *error = NULL;

	if (w->value.data)
		leveldb_put(db->db, db->write, text(w->key), w->key.size,
		    text(w->value), w->value.size, &error);
	else
		leveldb_delete(
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
	leveldb_writebatch_clear(s->batch);
	for (size_t i = 0; i < n; i++) {
		if (w[i].value.data)
			leveldb_writebatch_put(s->batch, text(w[i].key),
			    w[i].key.size, text(w[i].value), w[i].value.size);
		else
			leveldb_writebatch_delete(
			    s->batch, text(w[i].key), w[i].key.size);
	}
	leveldb_write(s->db->db, s->db->write, s->batch, &error);
	check(error, "write");
}

static bool
get(void *session, struct bytes key, struct bytes *value)
{
	struct session *s = session;
	char *error = NULL;

	s->value = leveldb_get(
	    s->db->db, s->db->read, text(key), key.size, &value->size, &error);
	check(error, "get");
	value->data = (const uint8_t *)s->value;
	return s->value;
}

static void
release(void *session)
{
	struct session *s = session;

	leveldb_free(s->value);
}

static void *
iter_open(void *session, struct bytes end)
{
	struct session *s = session;

	(void)end;
	return leveldb_create_iterator(s->db->db, s->db->read);
}

static void
iter_close(void *it)
{
	leveldb_iter_destroy(it);
}

static bool
at(leveldb_iterator_t *it, struct peer_entry *e)
{
	char *error = NULL;

	if (!leveldb_iter_valid(it)) {
		leveldb_iter_get_error(it, &error);
		check(error, "iterator");
		return false;
	}
	e->key.data = (const uint8_t *)leveldb_iter_key(it, &e->key.size);
	e->value.data = (const uint8_t *)leveldb_iter_value(it, &e->value.size);
	return true;
}

static bool
first(void *it, struct peer_entry *e)
{
	leveldb_iter_seek_to_first(it);
	return at(it, e);
}

static bool
last(void *it, struct peer_entry *e)
{
	leveldb_iter_seek_to_last(it);
	return at(it, e);
}

static bool
seek(void *it, struct bytes key, struct peer_entry *e)
{
	leveldb_iter_seek(it, text(key), key.size);
	return at(it, e);
}

static bool
next(void *it, struct peer_entry *e)
{
	leveldb_iter_next(it);
	return at(it, e);
}

/* There is no call for it, but compacting a range flushes the memtable first;
 * this range is behind every key. */
static void
flush(void *p)
{
	struct db *db = p;

	leveldb_compact_range(db->db, "\xff\xff", 2, "\xff\xff\xff", 3);
}

extern const struct peer_ops peer_leveldb;
const struct peer_ops peer_leveldb = {
    .name = "leveldb",
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
};
