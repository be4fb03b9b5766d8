/*
 * LMDB: a transaction for each call; MDB_NOSYNC unless each write has to be
 * durable.  A tree that is mapped has no write buffer, cache, filter or
 * background work of its own: those settings mean nothing to it.
 */
#include <lmdb.h>
#include <stdlib.h>

#include "tests/bench/engine/peer.h"

/* Pages that are half full, copied by every put before they are free again. */
#define MAP_FACTOR 8
#define MAP_LEAST  (1ull << 30)

struct db {
	MDB_env *env;
	MDB_dbi dbi;
};

struct session {
	struct db *db;
	MDB_txn *reads; /* renewed for each read */
	MDB_txn *lists;
	MDB_cursor *cursor;
};

static void
check(int rc, const char *what)
{
	if (rc != 0)
		peer_die("lmdb", what, mdb_strerror(rc));
}

static void *
allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		peer_die("lmdb", "open", "no memory");
	return p;
}

static MDB_val
val(struct bytes b)
{
	return (MDB_val){b.size, (void *)(uintptr_t)b.data};
}

static struct bytes
bytes(MDB_val v)
{
	return bytes_of(v.mv_data, v.mv_size);
}

static void *
db_open(const char *dir, const struct peer_settings *s)
{
	struct db *db = allocate(sizeof(*db));
	MDB_txn *txn;

	check(mdb_env_create(&db->env), "open");
	check(mdb_env_set_mapsize(
		  db->env, s->data_bytes * MAP_FACTOR + MAP_LEAST),
	    "map");
	check(mdb_env_open(
		  db->env, dir, MDB_NOTLS | (s->sync ? 0u : MDB_NOSYNC), 0644),
	    "open");
	check(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
	check(mdb_dbi_open(txn, NULL, 0, &db->dbi), "open");
	check(mdb_txn_commit(txn), "commit");
	return db;
}

static void
db_close(void *p)
{
	struct db *db = p;

	mdb_env_close(db->env);
	free(db);
}

/* A reader that sees nothing until it is renewed. */
static MDB_txn *
reader(struct db *db)
{
	MDB_txn *txn;

	check(mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn), "begin");
	return txn;
}

static void *
session_open(void *db)
{
	struct session *s = allocate(sizeof(*s));

	s->db = db;
	s->reads = reader(db);
	s->lists = reader(db);
	check(mdb_cursor_open(s->lists, s->db->dbi, &s->cursor), "cursor");
	mdb_txn_reset(s->reads);
	mdb_txn_reset(s->lists);
	return s;
}

static void
session_close(void *session)
{
	struct session *s = session;

	mdb_cursor_close(s->cursor);
	mdb_txn_abort(s->lists);
	mdb_txn_abort(s->reads);
	free(s);
}

static void
write_one(struct db *db, MDB_txn *txn, const struct peer_write *w)
{
	MDB_val key = val(w->key), value = val(w->value);
	int rc;

	if (w->value.data) {
		check(mdb_put(txn, db->dbi, &key, &value, 0), "put");
		return;
	}
	rc = mdb_del(txn, db->dbi, &key, NULL);
	check(rc == MDB_NOTFOUND ? 0 : rc, "delete");
}

static void
put_all(void *session, const struct peer_write *w, size_t n)
{
	struct session *s = session;
	MDB_txn *txn;

	check(mdb_txn_begin(s->db->env, NULL, 0, &txn), "begin");
	for (size_t i = 0; i < n; i++)
		write_one(s->db, txn, &w[i]);
	check(mdb_txn_commit(txn), "commit");
}

static bool
get(void *session, struct bytes key, struct bytes *value)
{
	struct session *s = session;
	MDB_val k = val(key), v;
	int rc;

	check(mdb_txn_renew(s->reads), "renew");
	rc = mdb_get(s->reads, s->db->dbi, &k, &v);
	if (rc == MDB_NOTFOUND) {
		mdb_txn_reset(s->reads);
		return false;
	}
	check(rc, "get");
	*value = bytes(v);
	return true;
}

static void
release(void *session)
{
	struct session *s = session;

	mdb_txn_reset(s->reads);
}

static void *
iter_open(void *session, struct bytes end)
{
	struct session *s = session;

	(void)end;
	check(mdb_txn_renew(s->lists), "renew");
	check(mdb_cursor_renew(s->lists, s->cursor), "cursor");
	return s;
}

static void
iter_close(void *it)
{
	struct session *s = it;

	mdb_txn_reset(s->lists);
}

static bool
move(struct session *s, MDB_val key, MDB_cursor_op op, struct peer_entry *e)
{
	MDB_val value;
	int rc = mdb_cursor_get(s->cursor, &key, &value, op);

	if (rc == MDB_NOTFOUND)
		return false;
	check(rc, "cursor");
	e->key = bytes(key);
	e->value = bytes(value);
	return true;
}

static bool
first(void *it, struct peer_entry *e)
{
	return move(it, (MDB_val){0, NULL}, MDB_FIRST, e);
}

static bool
last(void *it, struct peer_entry *e)
{
	return move(it, (MDB_val){0, NULL}, MDB_LAST, e);
}

static bool
seek(void *it, struct bytes key, struct peer_entry *e)
{
	return move(it, val(key), MDB_SET_RANGE, e);
}

static bool
next(void *it, struct peer_entry *e)
{
	return move(it, (MDB_val){0, NULL}, MDB_NEXT, e);
}

static void
flush(void *p)
{
	struct db *db = p;

	check(mdb_env_sync(db->env, 1), "sync");
}

extern const struct peer_ops peer_lmdb;
const struct peer_ops peer_lmdb = {
    .name = "lmdb",
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
