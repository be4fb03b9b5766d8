#include "fs/vol/node.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "fs/record/key.h"
#include "fs/vol/node_trim.h"
#include "fs/vol/orphan.h"
#include "fs/vol/state.h"

/* The key of an O record fits in any node's key without new memory. */
#define NODE_KEY_ROOM 16

/* Smaller than a malloc size class that would be felt: nodes are many. */
_Static_assert(sizeof(struct node) < 300, "a node is small");

/* --- making and freeing ------------------------------------------ */

static uint8_t *
node_room(struct node *n)
{
	return (uint8_t *)(n + 1);
}

static void
node_set_attr(struct node *n, const struct entry *e)
{
	node_xattrs_keep(&n->xattrs, e->xattrs);
	/* Without memory for the copy it is read when it is needed. */
	n->has_tail = e->content.size > 0 || (e->xattrs.size > 0 && !n->xattrs);
	n->has_xattrs = e->xattrs.size > 0 || e->has_big_xattrs;
	n->attr = *e;
	n->attr.prefix = n->attr.content = n->attr.xattrs = bytes_of(NULL, 0);
}

int
node_new(const struct node_source *src, struct node **out)
{
	size_t prefix = src->entry->prefix.size;
	size_t room =
	    src->key.size > NODE_KEY_ROOM ? src->key.size : NODE_KEY_ROOM;
	struct node *n = calloc(1, sizeof(*n) + room + prefix);

	if (!n)
		return -ENOMEM;
	n->refs = 1;
	n->ino = src->entry->ino;
	n->type = src->entry->type;
	n->parent = src->parent;
	n->key = (struct buf){node_room(n), src->key.size, room};
	n->prefix = (struct buf){node_room(n) + room, prefix, prefix};
	memcpy(n->key.data, src->key.data, src->key.size);
	if (prefix)
		memcpy(n->prefix.data, src->entry->prefix.data, prefix);
	n->trim_from = NODE_NO_TRIM;
	node_set_attr(n, src->entry);
	n->policy = policy_of_list(src->entry->xattrs);
	*out = n;
	return 0;
}

void
node_set_key(struct node *n, struct buf *key)
{
	must(key->cap >= NODE_KEY_ROOM);
	if (n->key.data != node_room(n))
		buf_fini(&n->key);
	n->key = *key;
	*key = (struct buf){0};
}

void
node_discard(struct node *n)
{
	if (!n)
		return;
	if (n->key.data != node_room(n))
		buf_fini(&n->key);
	buf_fini(&n->kept);
	free(n->xattrs);
	free(n);
}

/* --- the table ---------------------------------------------------- */

static struct state_bucket *
node_bucket(struct vol *v, uint64_t ino)
{
	/* Numbers are given in order, so their low bits spread by themselves;
	 * the factor keeps apart those that are a power of two apart. */
	uint64_t h = ino * UINT64_C(0x9e3779b97f4a7c15);

	return &v->buckets[(h >> 32) & (v->bucket_count - 1)];
}

static struct node *
node_table_find(struct vol *v, uint64_t ino)
{
	struct node *n;

	lock_assert_held(&v->table);
	LIST_FOREACH (n, node_bucket(v, ino), hash)
		if (n->ino == ino)
			return n;
	return NULL;
}

/* Without memory the table stays as it is: slower, but right. */
static void
node_table_grow(struct vol *v)
{
	size_t old_count = v->bucket_count, count = old_count * 2;
	struct state_bucket *old = v->buckets;
	struct state_bucket *buckets = calloc(count, sizeof(*buckets));

	if (!buckets)
		return;
	v->buckets = buckets;
	v->bucket_count = count;
	for (size_t i = 0; i < old_count; i++) {
		struct node *n, *next;

		for (n = LIST_FIRST(&old[i]); n; n = next) {
			next = LIST_NEXT(n, hash);
			LIST_INSERT_HEAD(node_bucket(v, n->ino), n, hash);
		}
	}
	free(old);
}

static void
node_table_insert(struct vol *v, struct node *n, uint64_t lookups)
{
	lock_assert_held(&v->table);
	n->lookups += lookups;
	if (n->parent)
		n->parent->refs++;
	LIST_INSERT_HEAD(node_bucket(v, n->ino), n, hash);
	if (++v->node_count > v->bucket_count)
		node_table_grow(v);
}

uint64_t
node_era(const struct vol *v)
{
	/* Acquire: who sees the era that a dropped node began also sees the
	 * record that the node had written. */
	return atomic_load_explicit(&v->era, memory_order_acquire);
}

struct node *
node_find(struct vol *v, uint64_t ino)
{
	struct node *n;

	lock_acquire(&v->table);
	n = node_table_find(v, ino);
	if (n)
		n->refs++;
	lock_release(&v->table);
	return n;
}

int
node_get(struct vol *v, uint64_t ino, struct node **out)
{
	struct node *n = node_find(v, ino);

	if (!n)
		return v->store ? -ESTALE : -EIO;
	*out = n;
	return 0;
}

/*
 * A node in memory must be the one that the record speaks of; in an intact
 * store each ino has one name, and a linked node's key does not change while
 * the caller holds v->names.
 */
static int
node_adopt(struct vol *v, struct node *n, const struct node_source *src,
    uint64_t lookups)
{
	lock_assert_held(&v->table);
	if (n->state != NODE_LINKED || !bytes_eq(buf_bytes(&n->key), src->key))
		return ERR_DAMAGED;
	n->refs++;
	n->lookups += lookups;
	return 0;
}

static int
node_make_fresh(struct vol *v, const struct node_source *src, uint64_t lookups,
    struct node **out)
{
	int err;

	lock_assert_held(&v->table);
	err = node_new(src, out);
	if (err)
		return err;
	if (src->entry->type == ENTRY_FILE &&
	    atomic_load_explicit(&v->trims_left, memory_order_relaxed))
		(*out)->trim_from = NODE_MAYBE_TRIM;
	node_table_insert(v, *out, lookups);
	return 0;
}

int
node_make(struct vol *v, uint64_t era, const struct node_source *src,
    uint64_t lookups, struct node **out)
{
	struct node *n;
	int err = 0;

	lock_acquire(&v->table);
	n = node_table_find(v, src->entry->ino);
	if (n) {
		err = node_adopt(v, n, src, lookups);
	} else if (atomic_load_explicit(&v->era, memory_order_relaxed) != era) {
		err = -EAGAIN;
	} else {
		err = node_make_fresh(v, src, lookups, &n);
	}
	lock_release(&v->table);
	if (err == ERR_DAMAGED)
		return state_damaged(
		    v, src->key, "its inode has another name as well");
	if (err == 0)
		*out = n;
	return err;
}

void
node_attach(struct vol *v, struct node *n, uint64_t lookups)
{
	lock_acquire(&v->table);
	must(!node_table_find(v, n->ino));
	node_table_insert(v, n, lookups);
	lock_release(&v->table);
}

void
node_ref(struct vol *v, struct node *n)
{
	lock_acquire(&v->table);
	n->refs++;
	lock_release(&v->table);
}

bool
node_is_looked_up(struct vol *v, struct node *n)
{
	bool yes;

	lock_acquire(&v->table);
	yes = n->lookups > 0;
	lock_release(&v->table);
	return yes;
}

void
node_set_parent(struct vol *v, struct node *n, struct node *to)
{
	lock_acquire(&v->table);
	/* The caller's reference keeps the old one alive. */
	must(n->parent->refs > 1);
	n->parent->refs--;
	to->refs++;
	n->parent = to;
	lock_release(&v->table);
}

void
node_unlink(struct node *n, const struct entry *e, struct buf *kept)
{
	must(n->state == NODE_LINKED);
	n->state = NODE_ORPHAN_MEMORY;
	if (kept->size == 0) {
		must(key_orphan(&n->key, n->ino) == 0);
		n->state = NODE_ORPHAN_DISK;
	}
	node_set_attr(n, e);
	n->changed = true;
	n->kept = *kept;
	*kept = (struct buf){0};
}

/* What n leaves in the store.  No locks needed: nobody else knows n any more.
 * Of a linked one only if it cannot be looked up again meanwhile. */
static void
node_purge(struct vol *v, struct node *n)
{
	int err = n->state == NODE_ORPHAN_DISK ? orphan_purge(v, n->ino)
					       : node_trim_finish(v, n);

	if (err)
		err_log(&v->sink, ERR_LEVEL_WARNING,
		    "inode %llu could not be purged, next mount tries again: "
		    "%s",
		    (unsigned long long)n->ino, err_text(err));
}

/* Drops one reference and lookups; true: n left the table, free it. */
static bool
node_release(struct vol *v, struct node *n, uint64_t lookups)
{
	bool last;

	lock_acquire(&v->table);
	must(n->refs > 0);
	n->refs--;
	n->lookups -= lookups < n->lookups ? lookups : n->lookups;
	last = n->refs == 0 && n->lookups == 0;
	if (last) {
		LIST_REMOVE(n, hash);
		v->node_count--;
		/* Release: see node_era. */
		if (n->changed)
			atomic_fetch_add_explicit(
			    &v->era, 1, memory_order_release);
	}
	lock_release(&v->table);
	return last;
}

void
node_forget(struct vol *v, struct node *n, uint64_t lookups)
{
	/* The last child lets go of its parent, and so on upwards. */
	while (n && node_release(v, n, lookups)) {
		struct node *parent = n->parent;

		if (n->state != NODE_LINKED)
			node_purge(v, n);
		node_discard(n);
		n = parent;
		lookups = 0;
	}
}

void
node_put(struct vol *v, struct node *n)
{
	node_forget(v, n, 0);
}

void
node_free_all(struct vol *v, bool purge)
{
	for (size_t i = 0; i < v->bucket_count; i++)
		while (!LIST_EMPTY(&v->buckets[i])) {
			struct node *n = LIST_FIRST(&v->buckets[i]);

			LIST_REMOVE(n, hash);
			if (purge)
				node_purge(v, n);
			node_discard(n);
		}
	v->node_count = 0;
}

/* --- stripes ----------------------------------------------------- */

static size_t
node_stripe(const struct node *n)
{
	return n->ino % STATE_STRIPES;
}

void
node_lock(struct vol *v, struct node *n)
{
	lock_acquire(&v->stripes[node_stripe(n)]);
}

void
node_unlock(struct vol *v, struct node *n)
{
	lock_release(&v->stripes[node_stripe(n)]);
}

/* The stripes of the nodes, each once, growing; returns how many. */
static size_t
node_stripes(struct node *const *nodes, size_t count, size_t *stripes)
{
	size_t used = 0;

	must(count <= NODE_LOCK_MANY);
	for (size_t i = 0; i < count; i++) {
		size_t at = used, s;

		if (!nodes[i])
			continue;
		s = node_stripe(nodes[i]);
		while (at > 0 && stripes[at - 1] > s)
			at--;
		if (at > 0 && stripes[at - 1] == s)
			continue;
		memmove(stripes + at + 1, stripes + at,
		    (used - at) * sizeof(*stripes));
		stripes[at] = s;
		used++;
	}
	return used;
}

void
node_lock_many(struct vol *v, struct node *const *nodes, size_t count)
{
	size_t stripes[NODE_LOCK_MANY];
	size_t used = node_stripes(nodes, count, stripes);

	for (size_t i = 0; i < used; i++)
		if (i == 0)
			lock_acquire(&v->stripes[stripes[i]]);
		else
			lock_acquire_nested(&v->stripes[stripes[i]]);
}

void
node_unlock_many(struct vol *v, struct node *const *nodes, size_t count)
{
	size_t stripes[NODE_LOCK_MANY];
	size_t used = node_stripes(nodes, count, stripes);

	while (used-- > 0)
		lock_release(&v->stripes[stripes[used]]);
}

/* --- the record --------------------------------------------------- */

static int
node_decode(const struct node *n, struct bytes record, struct entry *out)
{
	struct super_orphan o;
	int err;

	if (n->state == NODE_ORPHAN_DISK) {
		err = super_orphan_decode(record, &o);
		if (err == 0 && o.is_trim)
			err = ERR_DAMAGED;
		if (err)
			return err;
		record = o.entry;
	}
	err = entry_decode(record, out);
	if (err == 0 && (out->ino != n->ino || out->type != n->type))
		err = ERR_DAMAGED;
	return err;
}

int
node_load(
    struct vol *v, struct node *n, struct store_value *value, struct entry *out)
{
	int r;

	*value = (struct store_value){0};
	if (!n->has_tail) {
		*out = n->attr;
		out->prefix = buf_bytes(&n->prefix);
		out->xattrs = node_xattrs_list(n->xattrs);
		return 0;
	}
	if (n->state == NODE_ORPHAN_MEMORY) {
		r = node_decode(n, buf_bytes(&n->kept), out);
		must(r == 0); /* our own bytes */
		return 0;
	}
	r = store_get(v->store, buf_bytes(&n->key), value);
	if (r < 0)
		return r;
	if (r == 0)
		return state_damaged(v, buf_bytes(&n->key), "it is missing");
	r = node_decode(n, value->bytes, out);
	if (r == 0)
		return 0;
	store_value_release(value);
	*value = (struct store_value){0};
	if (r == ERR_DAMAGED)
		state_damaged(
		    v, buf_bytes(&n->key), "it is not this inode's entry");
	return r;
}

/* Will the orphan in memory become one on disk, as e has it? */
static bool
node_outgrows_memory(const struct node *n, const struct entry *e)
{
	return n->state == NODE_ORPHAN_MEMORY &&
	       (e->has_big_xattrs || (e->type == ENTRY_FILE && !e->is_inline));
}

int
node_save(
    struct vol *v, struct store_batch *b, struct node *n, const struct entry *e)
{
	struct buf record = {0};
	int err;

	(void)v;
	if (n->state == NODE_ORPHAN_DISK || node_outgrows_memory(n, e))
		return orphan_put(b, e);
	if (n->state == NODE_ORPHAN_MEMORY)
		return 0;
	err = entry_encode(&record, e);
	if (err == 0)
		err =
		    store_batch_put(b, buf_bytes(&n->key), buf_bytes(&record));
	buf_fini(&record);
	return err;
}

int
node_commit(struct vol *v, struct node *n, const struct entry *e)
{
	struct buf kept = {0};
	int err;

	(void)v;
	if (node_outgrows_memory(n, e)) {
		/* Cannot fail: there is room for it (node_new, _set_key). */
		must(key_orphan(&n->key, n->ino) == 0);
		n->state = NODE_ORPHAN_DISK;
	} else if (n->state == NODE_ORPHAN_MEMORY) {
		err = entry_encode(&kept, e);
		if (err) {
			buf_fini(&kept);
			return err;
		}
	}
	node_set_attr(n, e);
	n->changed = true;
	/* Last: e may point into the old one. */
	buf_fini(&n->kept);
	n->kept = kept;
	return 0;
}

void
node_attr(const struct vol *v, const struct node *n, struct vol_attr *out)
{
	const struct entry *e = &n->attr;

	*out = (struct vol_attr){
	    .ino = n->ino,
	    .mode = entry_type_mode(e->type) | e->perm,
	    .nlink = e->nlink,
	    .uid = e->uid,
	    .gid = e->gid,
	    .rdev = e->rdev,
	    .size = e->size,
	    .blocks = e->size / 512 + (e->size % 512 != 0),
	    .block_bytes = v->super.block_bytes,
	    .atime = e->atime,
	    .mtime = e->mtime,
	    .ctime = e->ctime,
	    .btime = e->btime,
	};
}
