#include "engine/table/merge.h"

#include <stdlib.h>

#include "tests/support/sorted.h"

#define CHILDREN_MAX 9

/* A model and its entries dealt out to children. */
struct deal {
	struct sorted all;
	struct sorted parts[CHILDREN_MAX];
	size_t count;
};

static void
deal_init(struct deal *d, struct check_rand *r, size_t entries, size_t count)
{
	struct ikey k;

	*d = (struct deal){.count = count};
	sorted_random(&d->all, r, entries);
	for (size_t i = 0; i < d->all.count && count > 0; i++) {
		size_t to = check_rand_below(r, count);

		/* The first part stays empty often. */
		if (to == 0 && check_rand_one_in(r, 2))
			to = count - 1;
		check_ok(ikey_decode(d->all.entries[i].key, &k));
		sorted_add(&d->parts[to], k.user, k.seq, k.kind,
		    d->all.entries[i].value);
	}
	if (count == 0)
		sorted_fini(&d->all);
}

static void
deal_fini(struct deal *d)
{
	for (size_t i = 0; i < d->count; i++)
		sorted_fini(&d->parts[i]);
	sorted_fini(&d->all);
}

static struct iter *
deal_merge(struct deal *d, uint64_t *fail_at)
{
	struct iter *children[CHILDREN_MAX], *it;

	for (size_t i = 0; i < d->count; i++)
		children[i] = sorted_iter(&d->parts[i], fail_at);
	check_ok(merge_open(children, d->count, &it));
	return it;
}

static void
merge__random_against_array(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (size_t round = 0; round < 300; round++) {
		struct deal d;
		struct iter *it;

		deal_init(&d, &r, check_rand_below(&r, 150),
		    round % (CHILDREN_MAX + 1));
		it = deal_merge(&d, NULL);
		sorted_walk(&d.all, it, &r, 400);
		iter_close(it);
		deal_fini(&d);
	}
}

static void
merge__none_is_empty_and_one_is_itself(void **state)
{
	struct sorted s = {0};
	struct iter *child = sorted_iter(&s, NULL), *it;

	(void)state;
	check_ok(merge_open(&child, 1, &it));
	check_true(it == child);
	iter_close(it);
	check_ok(merge_open(NULL, 0, &it));
	check_eq(iter_first(it), 0);
	check_eq(iter_last(it), 0);
	check_eq(iter_seek(it, bytes_str("12345678")), 0);
	iter_close(it);
}

/*
 * Equal ikeys: three children hold the same entry and one more each.  Values
 * name the child.  Walks back and forth over the order that the contract says.
 */
static void
merge__equal_keys_in_child_order(void **state)
{
	static const char *const order[] = {"a0", "k0", "k1", "k2", "z2"};
	struct sorted s[3] = {0};
	struct iter *children[3], *it;
	struct check_rand r = check_rand_of(check_seed());
	size_t at = 0;

	(void)state;
	sorted_add(&s[0], bytes_str("a"), 9, IKEY_KIND_PUT, bytes_str("a0"));
	sorted_add(&s[0], bytes_str("k"), 5, IKEY_KIND_PUT, bytes_str("k0"));
	sorted_add(&s[1], bytes_str("k"), 5, IKEY_KIND_PUT, bytes_str("k1"));
	sorted_add(&s[2], bytes_str("k"), 5, IKEY_KIND_PUT, bytes_str("k2"));
	sorted_add(&s[2], bytes_str("z"), 9, IKEY_KIND_PUT, bytes_str("z2"));
	for (size_t i = 0; i < 3; i++)
		children[i] = sorted_iter(&s[i], NULL);
	check_ok(merge_open(children, 3, &it));
	check_eq(iter_first(it), 1);
	for (int step = 0; step < 1000; step++) {
		bool forward = at == 0 || (at < 4 && check_rand_one_in(&r, 2));

		check_bytes_eq(it->value, bytes_str(order[at]));
		check_eq(forward ? iter_next(it) : iter_prev(it), 1);
		at = forward ? at + 1 : at - 1;
	}
	iter_close(it);
	for (size_t i = 0; i < 3; i++)
		sorted_fini(&s[i]);
}

/* The n-th move of any child fails, for every n: the walk ends with that
 * error, and another seek works. */
static void
merge__child_error_is_its_error(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct deal d;
	bool failed = true;

	(void)state;
	deal_init(&d, &r, 40, 4);
	for (uint64_t n = 1; failed; n++) {
		uint64_t fail_at = n;
		struct iter *it = deal_merge(&d, &fail_at);
		size_t seen = 0;
		int rc;

		for (rc = iter_first(it); rc == 1; rc = iter_next(it)) {
			check_bytes_eq(it->key, d.all.entries[seen].key);
			/* Turn around in the middle. */
			if (++seen == d.all.count / 2)
				rc = iter_prev(it) == 1 ? iter_next(it) : -EIO;
			if (rc != 1)
				break;
		}
		failed = rc != 0;
		if (failed)
			check_err(rc, -EIO);
		else
			check_eq(seen, d.all.count);
		fail_at = 0;
		sorted_walk(&d.all, it, &r, 50);
		iter_close(it);
	}
	deal_fini(&d);
}

/* A child that is not in order, as from a damaged file: no crash, and no
 * endless loop. */
static void
merge__disorder_is_survived(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct deal d;
		struct iter *it;
		size_t n = 0;
		int rc;

		deal_init(&d, &r, 30, 3);
		for (size_t i = 0; i + 1 < d.parts[1].count; i += 2) {
			struct sorted_entry e = d.parts[1].entries[i];

			d.parts[1].entries[i] = d.parts[1].entries[i + 1];
			d.parts[1].entries[i + 1] = e;
		}
		it = deal_merge(&d, NULL);
		rc = iter_first(it);
		while (rc == 1 && n++ < 1000)
			rc = check_rand_one_in(&r, 3) ? iter_prev(it)
						      : iter_next(it);
		check_true(rc >= 0 || rc == ERR_DAMAGED);
		iter_close(it);
		deal_fini(&d);
	}
}

/* A child that has its last entries only from the first seek on. */
struct growing {
	struct iter iter;
	const struct sorted *s;
	size_t at;
	size_t count; /* of the entries it has */
};

static struct growing *
growing_of(struct iter *it)
{
	return (struct growing *)(void *)it;
}

static int
growing_at(struct growing *g, size_t at)
{
	g->at = at;
	if (at >= g->count)
		return 0;
	g->iter.key = g->s->entries[at].key;
	g->iter.value = g->s->entries[at].value;
	return 1;
}

static int
growing_seek(struct iter *it, struct bytes ikey)
{
	struct growing *g = growing_of(it);
	int rc = growing_at(g, sorted_seek(g->s, ikey));

	g->count = g->s->count;
	return rc;
}

static int
growing_last(struct iter *it)
{
	return growing_at(growing_of(it), growing_of(it)->count - 1);
}

static int
growing_prev(struct iter *it)
{
	/* Before the first is beyond the last. */
	return growing_at(growing_of(it), growing_of(it)->at - 1);
}

static void
growing_close(struct iter *it)
{
	(void)it;
}

static const struct iter_ops growing_ops = {
    .seek = growing_seek,
    .last = growing_last,
    .prev = growing_prev,
    .close = growing_close,
};

static void
merge__turns_while_a_child_grows(void **state)
{
	struct sorted s = {0}, other = {0};
	struct growing g = {.iter.ops = &growing_ops, .s = &s};
	struct iter *children[2], *it;

	(void)state;
	sorted_add(&s, bytes_str("a"), 1, IKEY_KIND_PUT, bytes_str(""));
	sorted_add(&s, bytes_str("m"), 9, IKEY_KIND_PUT, bytes_str(""));
	sorted_add(&s, bytes_str("z"), 2, IKEY_KIND_PUT, bytes_str(""));
	sorted_add(&other, bytes_str("b"), 3, IKEY_KIND_PUT, bytes_str(""));
	sorted_add(&other, bytes_str("k"), 4, IKEY_KIND_PUT, bytes_str(""));
	children[0] = &g.iter;
	children[1] = sorted_iter(&other, NULL);
	check_ok(merge_open(children, 2, &it));
	g.count = 1;
	check_eq(iter_seek(it, other.entries[1].key), 1);
	check_bytes_eq(it->key, other.entries[1].key);
	/* Turning, "k" is sought and not there; then there is more behind. */
	g.count = 1;
	check_eq(iter_prev(it), 1);
	check_bytes_eq(it->key, other.entries[0].key);
	check_eq(iter_prev(it), 1);
	check_bytes_eq(it->key, s.entries[0].key);
	check_eq(iter_prev(it), 0);
	iter_close(it);
	sorted_fini(&s);
	sorted_fini(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(merge__random_against_array),
	    cmocka_unit_test(merge__none_is_empty_and_one_is_itself),
	    cmocka_unit_test(merge__equal_keys_in_child_order),
	    cmocka_unit_test(merge__child_error_is_its_error),
	    cmocka_unit_test(merge__disorder_is_survived),
	    cmocka_unit_test(merge__turns_while_a_child_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
