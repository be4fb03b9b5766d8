/*
 * power: files in memory that lose at a power cut what was not synced.
 *
 * Use: power_init, open a store on &p->env with any directory (only the last
 * part of a path counts; the lock file is a real one), write, and at any
 * moment power_cut: the files as they could be found afterwards, in a second
 * env, while the first goes on and can be closed in peace.
 * What survives: of each file what was synced, and each sector as it was at
 * any moment since, independently of the others and of the file's size; of the
 * changes of names since the last sync of the directory any prefix, as a
 * journal keeps them.
 * power_kill stands for kill -9: what the process does from then on changes
 * nothing, but nothing is lost either; power_revive before the next opens it.
 * Threads: any; power_cut may be called while others write.
 */
#ifndef TESTS_SUPPORT_POWER_H
#define TESTS_SUPPORT_POWER_H

#include "engine/base/lock.h"
#include "engine/os/env.h"
#include "tests/check.h"

struct power_name {
	char name[64];
	struct power_node *node;
};

struct power_names {
	struct power_name *all;
	size_t count;
};

/* A change of names: node NULL removes. */
struct power_change {
	char name[64];
	struct power_node *node;
	bool and_next; /* the next one is part of it (rename) */
};

struct power {
	struct env env; /* pass &p->env to the engine */
	struct env clock;
	struct lock lock; /* protects everything below */
	struct power_names now;
	struct power_names durable;
	struct power_change *changes; /* since the last sync of the names */
	size_t change_count;
	struct power_node **nodes; /* all there ever were */
	size_t node_count;
	bool dead; /* changes fail with -EIO: as if the process were killed */
};

void power_init(struct power *p, struct err_sink sink);
void power_fini(struct power *p);

/* Fills *after (not initialized) with what a cut now leaves of p. */
void power_cut(struct power *p, struct check_rand *r, struct power *after);

void power_kill(struct power *p);
void power_revive(struct power *p);

#endif
