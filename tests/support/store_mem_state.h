/*
 * store_mem_state: what a store in memory is made of; for store_mem*.c.
 */
#ifndef TESTS_SUPPORT_STORE_MEM_STATE_H
#define TESTS_SUPPORT_STORE_MEM_STATE_H

#include <pthread.h>
#include <sys/tree.h>

#include "engine/base/must.h"
#include "tests/support/store_mem.h"

struct store_mem_node {
	RB_ENTRY(store_mem_node) link;
	struct bytes key;
	struct bytes value;
	bool is_delete; /* in a batch */
	uint8_t data[]; /* key, then value */
};

RB_HEAD(store_mem_tree, store_mem_node);

struct store_mem {
	struct store store;
	pthread_mutex_t mu; /* protects everything below */
	struct store_mem_tree tree;
	uint64_t seq;
	uint64_t durable_seq;
	struct durability durability;
	struct durability written_under;
	struct {
		uint64_t calls;
		uint64_t fail_at; /* 0: never */
		int err;
		bool failed;
	} call[STORE_MEM_CALLS];
};

int store_mem_cmp(struct store_mem_node *a, struct store_mem_node *b);
RB_PROTOTYPE(store_mem_tree, store_mem_node, link, store_mem_cmp)

static inline struct store_mem *
store_mem_of(struct store *s)
{
	return (struct store_mem *)s;
}

static inline void
store_mem_lock(struct store_mem *m)
{
	must(pthread_mutex_lock(&m->mu) == 0);
}

static inline void
store_mem_unlock(struct store_mem *m)
{
	must(pthread_mutex_unlock(&m->mu) == 0);
}

#endif
