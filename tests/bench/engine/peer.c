#include "tests/bench/engine/peer.h"

#include <stdio.h>
#include <unistd.h>

extern const struct peer_ops peer_keyfs;
#ifdef HAVE_rocksdb
extern const struct peer_ops peer_rocksdb;
#endif
#ifdef HAVE_leveldb
extern const struct peer_ops peer_leveldb;
#endif
#ifdef HAVE_lmdb
extern const struct peer_ops peer_lmdb;
#endif
#ifdef HAVE_sqlite
extern const struct peer_ops peer_sqlite;
#endif

static const struct {
	const char *name;
	const struct peer_ops *ops;
} peers[] = {
    {"keyfs", &peer_keyfs},
#ifdef HAVE_rocksdb
    {"rocksdb", &peer_rocksdb},
#else
    {"rocksdb", NULL},
#endif
#ifdef HAVE_leveldb
    {"leveldb", &peer_leveldb},
#else
    {"leveldb", NULL},
#endif
#ifdef HAVE_lmdb
    {"lmdb", &peer_lmdb},
#else
    {"lmdb", NULL},
#endif
#ifdef HAVE_sqlite
    {"sqlite", &peer_sqlite},
#else
    {"sqlite", NULL},
#endif
};

const char *
peer_at(unsigned i, const struct peer_ops **ops)
{
	if (i >= sizeof(peers) / sizeof(peers[0]))
		return NULL;
	*ops = peers[i].ops;
	return peers[i].name;
}

void
peer_die(const char *name, const char *what, const char *why)
{
	fprintf(stderr, "bench_engine: %s: %s: %s\n", name, what, why);
	/* Threads of the engine may be running: no exit handlers. */
	_exit(1);
}
