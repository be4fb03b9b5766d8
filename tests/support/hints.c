#include "tests/support/hints.h"

#include <stdio.h>

struct bytes
hints_key(char dir, unsigned i)
{
	static _Thread_local char text[16];

	snprintf(text, sizeof(text), "%c%07u", dir, i);
	return bytes_str(text);
}

unsigned
hints_list(struct lsm_store *s, char dir, bool back)
{
	const char from[] = {dir, '\0'}, to[] = {(char)(dir + 1), '\0'};
	const struct lsm_iter_options o = {
	    .lower = bytes_str(from), .upper = bytes_str(to)};
	struct lsm_iter *it;
	unsigned n = 0;
	int rc;

	check_ok(lsm_iter_open(s->db, &o, &it));
	for (rc = back ? lsm_iter_last(it) : lsm_iter_first(it); rc > 0;
	     rc = back ? lsm_iter_prev(it) : lsm_iter_next(it))
		n++;
	check_eq(rc, 0);
	lsm_iter_close(it);
	return n;
}
