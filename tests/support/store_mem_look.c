/* Failures that tests order, and what they ask of the store. */
#include "tests/support/store_mem_state.h"

void
store_mem_fail(struct store *s, enum store_mem_call call, uint64_t n, int err)
{
	struct store_mem *m = store_mem_of(s);

	store_mem_lock(m);
	m->call[call].fail_at = n ? m->call[call].calls + n : 0;
	m->call[call].err = err;
	m->call[call].failed = false;
	store_mem_unlock(m);
}

bool
store_mem_failed(struct store *s, enum store_mem_call call)
{
	struct store_mem *m = store_mem_of(s);
	bool failed;

	store_mem_lock(m);
	failed = m->call[call].failed;
	store_mem_unlock(m);
	return failed;
}

uint64_t
store_mem_calls(struct store *s, enum store_mem_call call)
{
	struct store_mem *m = store_mem_of(s);
	uint64_t calls;

	store_mem_lock(m);
	calls = m->call[call].calls;
	store_mem_unlock(m);
	return calls;
}

struct durability
store_mem_written_under(struct store *s)
{
	struct store_mem *m = store_mem_of(s);
	struct durability d;

	store_mem_lock(m);
	d = m->written_under;
	store_mem_unlock(m);
	return d;
}

size_t
store_mem_count_tag(struct store *s, uint8_t tag)
{
	uint8_t end = (uint8_t)(tag + 1);

	must(end != 0);
	return store_mem_count(s, bytes_of(&tag, 1), bytes_of(&end, 1));
}

bool
store_mem_same(struct store *a, struct store *b)
{
	struct store_mem *ma = store_mem_of(a);
	struct store_mem *mb = store_mem_of(b);
	struct store_mem_node *na, *nb;

	/* Two locks of one kind: the tests that compare run alone. */
	na = RB_MIN(store_mem_tree, &ma->tree);
	nb = RB_MIN(store_mem_tree, &mb->tree);
	while (na && nb && bytes_eq(na->key, nb->key) &&
	       bytes_eq(na->value, nb->value)) {
		na = RB_NEXT(store_mem_tree, &ma->tree, na);
		nb = RB_NEXT(store_mem_tree, &mb->tree, nb);
	}
	return !na && !nb;
}
