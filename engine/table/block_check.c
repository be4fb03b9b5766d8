#include "engine/table/block_format.h"

/* The walk's place: the entry before, and the restarts met so far. */
struct block_walk {
	struct block_iter it;
	struct buf last_key;
	uint32_t restarts;
};

/* What is wrong with the present entry, whose size shared is as stored. */
static const char *
block_entry_fault(const struct block_walk *w, uint64_t shared, bool restart)
{
	struct bytes key = w->it.iter.key, last = buf_bytes(&w->last_key);

	if (restart && shared != 0)
		return "an entry at a restart shares bytes";
	if (last.size == 0)
		return restart ? NULL : "the first entry is no restart";
	if (ikey_cmp(last, key) >= 0)
		return "keys out of order";
	if (!restart && shared != bytes_common(ikey_user(last), ikey_user(key)))
		return "an entry shares less than it could";
	return NULL;
}

/* Looks at the present entry: 0, ERR_DAMAGED or -ENOMEM. */
static int
block_check_entry(struct block_walk *w, const char **why)
{
	const struct block_view *v = &w->it.view;
	struct block_raw e;
	const char *fault;
	bool restart;

	if (block_decode(v->entries.data + w->it.pos,
		v->entries.data + v->entries.size, &e)) {
		*why = "malformed entry";
		return ERR_DAMAGED;
	}
	restart = w->restarts < v->restart_count &&
		  block_restart(v, w->restarts) == w->it.pos;
	w->restarts += restart;
	fault = block_entry_fault(w, e.shared, restart);
	if (fault) {
		*why = fault;
		return ERR_DAMAGED;
	}
	return buf_assign(&w->last_key, w->it.iter.key);
}

int
block_check(struct bytes block, const char **why)
{
	struct block_walk w = {0};
	int rc;

	*why = "restart array does not fit";
	rc = block_iter_set(&w.it, block);
	if (rc)
		return rc;
	for (rc = block_iter_first(&w.it); rc == 1;
	     rc = block_iter_next(&w.it)) {
		rc = block_check_entry(&w, why);
		if (rc)
			goto out;
	}
	if (rc == ERR_DAMAGED) {
		*why = "malformed entry";
	} else if (rc == 0 && w.restarts != w.it.view.restart_count) {
		*why = "a restart is not at an entry";
		rc = ERR_DAMAGED;
	}
out:
	block_iter_fini(&w.it);
	buf_fini(&w.last_key);
	return rc;
}
