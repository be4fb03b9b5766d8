#include "fs/vol/lookup.h"

#include "fs/record/key.h"
#include "fs/vol/control.h"
#include "fs/vol/node_trim.h"
#include "fs/vol/vol_lab.h"

int
lookup_check_dir(const struct node *n)
{
	if (n->type != ENTRY_DIR)
		return -ENOTDIR;
	return n->state == NODE_LINKED ? 0 : -ENOENT;
}

int
lookup_decode(
    struct vol *v, struct bytes key, struct bytes record, struct entry *out)
{
	int err = entry_decode(record, out);

	if (err == ERR_FORMAT) {
		state_damaged(v, key, "it is of a newer format");
		return err;
	}
	if (err)
		return state_damaged(v, key, "it is no entry");
	if (out->ino == 0 || out->ino >= VOL_INO_MAX)
		return state_damaged(v, key, "its inode number is impossible");
	return 0;
}

/* The node must be this entry's: an ino has one name. */
static int
lookup_check_node(struct vol *v, const struct lookup *found)
{
	const struct node *n = found->node;

	if (n->state == NODE_LINKED &&
	    bytes_eq(buf_bytes(&n->key), buf_bytes(&found->key)))
		return 0;
	return state_damaged(
	    v, buf_bytes(&found->key), "its inode has another name as well");
}

int
lookup_begin(struct vol *v, const struct node *parent, struct bytes name,
    struct lookup *found)
{
	int r = key_entry(&found->key, buf_bytes(&parent->prefix), name);

	if (r)
		return r;
	found->seq = store_seq(v->store);
	r = store_get(v->store, buf_bytes(&found->key), &found->value);
	if (r <= 0)
		return r;
	r = lookup_decode(
	    v, buf_bytes(&found->key), found->value.bytes, &found->entry);
	if (r) {
		store_value_release(&found->value);
		return r;
	}
	found->exists = true;
	found->node = node_find(v, found->entry.ino);
	return found->node ? lookup_check_node(v, found) : 0;
}

int
lookup_refresh(struct vol *v, struct lookup *found)
{
	struct store_value value;
	struct entry entry;
	int err;

	/* Without a node nobody can have changed it while names stand still;
	 * and nobody has if nothing was written at all. */
	if (!found->node || store_seq(v->store) == found->seq)
		return 0;
	err = node_load(v, found->node, &value, &entry);
	if (err)
		return err;
	store_value_release(&found->value);
	found->value = value;
	found->entry = entry;
	return 0;
}

void
lookup_end(struct vol *v, struct lookup *found)
{
	store_value_release(&found->value);
	buf_fini(&found->key);
	node_put(v, found->node);
	*found = (struct lookup){0};
}

int
lookup_make(
    struct vol *v, struct node *parent, struct bytes key, struct node **out)
{
	struct node_source src = {.key = key};
	struct store_value value;
	struct entry e;
	int r;

	do {
		uint64_t era = node_era(v);

		r = store_get(v->store, key, &value);
		if (r <= 0)
			return r;
		r = lookup_decode(v, key, value.bytes, &e);
		src.entry = &e;
		src.parent = e.type == ENTRY_DIR ? parent : NULL;
		if (r == 0)
			r = node_make(v, era, &src, 1, out);
		store_value_release(&value);
	} while (r == -EAGAIN);
	return r ? r : 1;
}

static int
lookup_in(
    struct vol *v, struct node *parent, struct bytes name, struct vol_attr *out)
{
	struct buf key = {0};
	struct node *n = NULL;
	int r;

	rwlock_read(&v->names);
	r = lookup_check_dir(parent);
	if (r == 0)
		r = key_entry(&key, buf_bytes(&parent->prefix), name);
	if (r == 0)
		r = lookup_make(v, parent, buf_bytes(&key), &n);
	rwlock_release(&v->names);
	buf_fini(&key);
	if (r <= 0)
		return r ? r : -ENOENT;
	node_lock(v, n);
	node_attr(v, n, out);
	node_unlock(v, n);
	node_put(v, n);
	return 0;
}

int
vol_lookup(
    struct vol *v, uint64_t parent, const char *name, struct vol_attr *out)
{
	struct bytes b = bytes_str(name);
	struct node *n;
	int err;

	if (control_is(parent) || control_is_name(parent, b))
		return control_lookup(v, parent, b, out);
	err = key_check_name(b);
	if (err == 0)
		err = node_get(v, parent, &n);
	if (err)
		return err;
	err = lookup_in(v, n, b, out);
	node_put(v, n);
	return err;
}

/* The name of n's entry if that stands in the root; out: with its NUL. */
static bool
lookup_root_name(struct node *n, char *out)
{
	struct key_parts parts;

	if (n->state != NODE_LINKED ||
	    key_decode(buf_bytes(&n->key), &parts) != 0 ||
	    parts.prefix.size != 0 || parts.name.size == 0)
		return false;
	memcpy(out, parts.name.data, parts.name.size);
	out[parts.name.size] = '\0';
	return true;
}

void
vol_each_known(struct vol *v,
    void (*each)(void *ctx, uint64_t ino, const char *name), void *ctx)
{
	char name[KEY_NAME_MAX + 1];

	for (size_t i = 0; i < v->bucket_count; i++) {
		struct node *n;

		LIST_FOREACH (n, &v->buckets[i], hash)
			if (n->lookups > 0)
				each(ctx, n->ino,
				    lookup_root_name(n, name) ? name : NULL);
	}
}

void
vol_forget(struct vol *v, uint64_t ino, uint64_t count)
{
	struct node *n = control_is(ino) ? NULL : node_find(v, ino);

	if (!n)
		return;
	node_trim_retry(v, n);
	node_forget(v, n, count);
}
