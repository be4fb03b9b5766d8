#include "tests/bench/engine/peer.h"

#include <stdio.h>
#include <unistd.h>

/* Weak: NULL if the engine's file was not linked. */
#define PEERS(X) X(keyfs) X(rocksdb) X(leveldb) X(lmdb) X(sqlite)
#define DECLARE(name) \
	extern const struct peer_ops peer_##name __attribute__((weak));
#define LIST(name) {#name, &peer_##name},

PEERS(DECLARE)

static const struct {
	const char *name;
	const struct peer_ops *ops;
} peers[] = {PEERS(LIST)};

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
