#include "engine/base/must.h"
#include "tests/support/store_mem_state.h"

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
	struct store_mem *ma = (struct store_mem *)a;
	struct store_mem *mb = (struct store_mem *)b;
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
