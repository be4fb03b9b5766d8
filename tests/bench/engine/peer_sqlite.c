/*
 * SQLite: a table of blobs WITHOUT ROWID, WAL, prepared statements, a
 * transaction for each call; synchronous NORMAL, FULL where each write has to
 * be durable.  The WAL is checkpointed when it is as large as the others' write
 * buffer.  All writers share a connection behind a lock (each with its own
 * would throw away its cache whenever another has written); each session reads
 * through one of its own.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/engine/peer.h"

#define PAGE_BYTES 4096
#define PATH_BYTES 4200

struct db {
	char path[PATH_BYTES];
	struct peer_settings settings;
	pthread_mutex_t mu; /* protects everything below */
	sqlite3 *c;
	sqlite3_stmt *put, *erase, *begin, *commit;
};

struct session {
	struct db *db;
	sqlite3 *c;
	sqlite3_stmt *get, *list, *last;
};

static void
check(sqlite3 *c, int rc, const char *what)
{
	if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
		peer_die(
		    "sqlite", what, c ? sqlite3_errmsg(c) : sqlite3_errstr(rc));
}

static void *
allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		peer_die("sqlite", "open", "no memory");
	return p;
}

static void
run(sqlite3 *c, const char *sql)
{
	check(c, sqlite3_exec(c, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *
prepare(sqlite3 *c, const char *sql)
{
	sqlite3_stmt *st;

	check(c,
	    sqlite3_prepare_v3(
		c, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL),
	    sql);
	return st;
}

static sqlite3 *
connect(const char *path, const struct peer_settings *s)
{
	char pragmas[256];
	sqlite3 *c;

	check(NULL,
	    sqlite3_open_v2(path, &c,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX,
		NULL),
	    "open");
	check(c, sqlite3_busy_timeout(c, 10000), "timeout");
	(void)snprintf(pragmas, sizeof(pragmas),
	    "PRAGMA page_size=%d; PRAGMA journal_mode=WAL;"
	    " PRAGMA synchronous=%s; PRAGMA cache_size=-%zu;"
	    " PRAGMA wal_autocheckpoint=%zu",
	    PAGE_BYTES, s->sync ? "FULL" : "NORMAL", s->cache_bytes / 1024,
	    s->write_buffer_bytes / PAGE_BYTES);
	run(c, pragmas);
	return c;
}

static void *
db_open(const char *dir, const struct peer_settings *s)
{
	struct db *db = allocate(sizeof(*db));
	int n = snprintf(db->path, sizeof(db->path), "%s/db", dir);

	if (n < 0 || (size_t)n >= sizeof(db->path))
		peer_die("sqlite", dir, "too long");
	db->settings = *s;
	if (pthread_mutex_init(&db->mu, NULL) != 0)
		peer_die("sqlite", "open", "no lock");
	db->c = connect(db->path, s);
	run(db->c, "CREATE TABLE t (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
	db->put = prepare(db->c, "INSERT OR REPLACE INTO t VALUES (?1, ?2)");
	db->erase = prepare(db->c, "DELETE FROM t WHERE k = ?1");
	db->begin = prepare(db->c, "BEGIN IMMEDIATE");
	db->commit = prepare(db->c, "COMMIT");
	return db;
}

static void
db_close(void *p)
{
	struct db *db = p;

	sqlite3_finalize(db->put);
	sqlite3_finalize(db->erase);
	sqlite3_finalize(db->begin);
	sqlite3_finalize(db->commit);
	check(db->c, sqlite3_close(db->c), "close");
	pthread_mutex_destroy(&db->mu);
	free(db);
}

static void *
session_open(void *p)
{
	struct session *s = allocate(sizeof(*s));
	struct db *db = p;

	s->db = db;
	s->c = connect(db->path, &db->settings);
	s->get = prepare(s->c, "SELECT v FROM t WHERE k = ?1");
	s->list = prepare(s->c, "SELECT k, v FROM t WHERE k >= ?1 ORDER BY k");
	s->last = prepare(s->c, "SELECT k, v FROM t ORDER BY k DESC LIMIT 1");
	return s;
}

static void
session_close(void *session)
{
	struct session *s = session;

	sqlite3_finalize(s->get);
	sqlite3_finalize(s->list);
	sqlite3_finalize(s->last);
	check(s->c, sqlite3_close(s->c), "close");
	free(s);
}

/* --- writing ------------------------------------------------------------- */

static void
bind(sqlite3_stmt *st, int at, struct bytes b)
{
	check(NULL,
	    sqlite3_bind_blob(st, at, b.data ? (const void *)b.data : "",
		(int)b.size, SQLITE_STATIC),
	    "bind");
}

static void
step(sqlite3 *c, sqlite3_stmt *st, const char *what)
{
	check(c, sqlite3_step(st), what);
	check(c, sqlite3_reset(st), what);
}

static void
write_one(struct db *db, const struct peer_write *w)
{
	sqlite3_stmt *st = w->value.data ? db->put : db->erase;

	bind(st, 1, w->key);
	if (w->value.data)
		bind(st, 2, w->value);
	step(db->c, st, "write");
}

static void
put_all(void *session, const struct peer_write *w, size_t n)
{
	struct db *db = ((struct session *)session)->db;

	pthread_mutex_lock(&db->mu);
	if (n > 1)
		step(db->c, db->begin, "begin");
	for (size_t i = 0; i < n; i++)
		write_one(db, &w[i]);
	if (n > 1)
		step(db->c, db->commit, "commit");
	pthread_mutex_unlock(&db->mu);
}

static void
flush(void *p)
{
	struct db *db = p;

	pthread_mutex_lock(&db->mu);
	check(db->c,
	    sqlite3_wal_checkpoint_v2(
		db->c, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
	    "checkpoint");
	pthread_mutex_unlock(&db->mu);
}

/* --- reading ------------------------------------------------------------- */

static struct bytes
column(sqlite3_stmt *st, int at)
{
	return bytes_of(
	    sqlite3_column_blob(st, at), (size_t)sqlite3_column_bytes(st, at));
}

static bool
get(void *session, struct bytes key, struct bytes *value)
{
	struct session *s = session;
	int rc;

	bind(s->get, 1, key);
	rc = sqlite3_step(s->get);
	check(s->c, rc, "get");
	if (rc == SQLITE_ROW)
		*value = column(s->get, 0);
	else
		sqlite3_reset(s->get);
	return rc == SQLITE_ROW;
}

static void
release(void *session)
{
	struct session *s = session;

	sqlite3_reset(s->get);
}

static void *
iter_open(void *session, struct bytes end)
{
	(void)end;
	return session;
}

static void
iter_close(void *it)
{
	struct session *s = it;

	sqlite3_reset(s->list);
	sqlite3_reset(s->last);
}

static bool
row(struct session *s, sqlite3_stmt *st, struct peer_entry *e)
{
	int rc = sqlite3_step(st);

	check(s->c, rc, "list");
	if (rc == SQLITE_ROW) {
		e->key = column(st, 0);
		e->value = column(st, 1);
	}
	return rc == SQLITE_ROW;
}

static bool
seek(void *it, struct bytes key, struct peer_entry *e)
{
	struct session *s = it;

	sqlite3_reset(s->list);
	bind(s->list, 1, key);
	return row(s, s->list, e);
}

static bool
first(void *it, struct peer_entry *e)
{
	return seek(it, bytes_of(NULL, 0), e);
}

static bool
last(void *it, struct peer_entry *e)
{
	struct session *s = it;

	sqlite3_reset(s->last);
	return row(s, s->last, e);
}

static bool
next(void *it, struct peer_entry *e)
{
	struct session *s = it;

	return row(s, s->list, e);
}

extern const struct peer_ops peer_sqlite;
const struct peer_ops peer_sqlite = {
    .name = "sqlite",
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
