#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/array.h"
#include "engine/base/must.h"
#include "fs/record/key.h"
#include "fs/vol/control.h"
#include "fs/vol/dir.h"
#include "fs/vol/lookup.h"

/* Cookies of "." and ".."; an entry's is its index in the snapshot and 3. */
#define DIR_COOKIE_DOT    1
#define DIR_COOKIE_DOTDOT 2
#define DIR_COOKIE_FIRST  3

/* The name of every so-many-th entry is kept, to find the way back. */
#define DIR_MARK_EVERY 128

struct vol_dir {
	LIST_ENTRY(vol_dir) link; /* under v->table */

	/* constant */
	struct vol *v;
	/* With a reference; NULL: the control directory, or v was stopped. */
	struct node *n;
	bool stopped; /* v was stopped since: nothing but -EIO */

	struct lock mu;  /* rank VOL_DIR; protects everything below */
	bool started;    /* the listing was begun */
	bool gone;       /* when it began the directory was removed */
	uint64_t parent; /* for ".." */
	int failed;      /* the iterator: nothing but a new start helps */

	struct store_iter *it;
	int at;         /* 1: the iterator is at entry `pos`; 0: at the end */
	uint64_t pos;   /* the index of the entry */
	uint64_t era;   /* node_era before the snapshot */
	uint64_t names; /* v->names_changes likewise */

	struct buf marks; /* names with their NULs: of entry 0, 128, 256 ... */
	size_t *mark_offsets;
	size_t mark_count;
	size_t mark_cap;
	char name[KEY_NAME_MAX + 1]; /* of the entry that is handed out */
};

/* --- the snapshot ---------------------------------------------------- */

static int
dir_name(struct vol_dir *d, struct bytes *out)
{
	struct key_parts parts;

	if (key_decode(d->it->key, &parts)) {
		state_damaged(d->v, d->it->key, "it is no entry's key");
		return ERR_DAMAGED;
	}
	*out = parts.name;
	return 0;
}

/* Keeps the name of the present entry if it is one to be kept. */
static int
dir_mark(struct vol_dir *d)
{
	struct bytes name;
	size_t offset = d->marks.size;
	int err;

	if (d->at != 1 || d->pos != (uint64_t)d->mark_count * DIR_MARK_EVERY)
		return 0;
	err = array_reserve(&d->mark_offsets, sizeof(*d->mark_offsets),
	    d->mark_count + 1, &d->mark_cap);
	if (err == 0)
		err = dir_name(d, &name);
	if (err == 0)
		err = buf_reserve(&d->marks, name.size + 1);
	if (err)
		return err;
	must(buf_append_bytes(&d->marks, name) == 0);
	must(buf_append_u8(&d->marks, 0) == 0);
	d->mark_offsets[d->mark_count++] = offset;
	return 0;
}

/* Takes the result of moving the iterator to entry `pos`. */
static int
dir_moved(struct vol_dir *d, int r, uint64_t pos)
{
	d->pos = pos;
	d->at = r > 0;
	d->failed = r < 0 ? r : dir_mark(d);
	return d->failed;
}

static int
dir_next(struct vol_dir *d)
{
	return dir_moved(d, store_iter_next(d->it), d->pos + 1);
}

/* Begins at the first entry; the root's own has no name and stands before. */
static int
dir_first(struct vol_dir *d, struct bytes lower)
{
	struct bytes name;
	int r = store_iter_seek(d->it, lower);

	if (r > 0) {
		int err = dir_name(d, &name);

		if (err)
			return dir_moved(d, err, 0);
		if (name.size == 0)
			r = store_iter_next(d->it);
	}
	return dir_moved(d, r, 0);
}

static int
dir_open_iter(struct vol_dir *d)
{
	struct buf lower = {0}, upper = {0};
	int err = key_entry_range(&lower, &upper, buf_bytes(&d->n->prefix));

	if (err == 0)
		err = store_iter_open(
		    d->v->store, buf_bytes(&lower), buf_bytes(&upper), &d->it);
	if (err == 0)
		err = dir_first(d, buf_bytes(&lower));
	buf_fini(&upper);
	buf_fini(&lower);
	return err;
}

/* A new snapshot. */
static int
dir_start(struct vol_dir *d)
{
	int err = 0;

	store_iter_close(d->it);
	d->it = NULL;
	buf_clear(&d->marks);
	d->mark_count = 0;
	d->failed = 0;
	d->parent = VOL_INO_ROOT;
	d->started = true;
	if (!d->n)
		return 0;
	rwlock_read(&d->v->names);
	d->gone = d->n->state != NODE_LINKED;
	if (d->n->parent)
		d->parent = d->n->parent->ino;
	d->era = node_era(d->v);
	d->names = d->v->names_changes;
	if (!d->gone)
		err = dir_open_iter(d);
	rwlock_release(&d->v->names);
	d->failed = err;
	return err;
}

/* To entry `index`, or to the end if there are fewer. */
static int
dir_goto(struct vol_dir *d, uint64_t index)
{
	int err = d->failed;

	if (err == 0 && index < d->pos) {
		size_t mark = (size_t)(index / DIR_MARK_EVERY);
		struct buf key = {0};
		const char *name;

		/* The walk to pos has passed it. */
		must(mark < d->mark_count);
		name = (const char *)d->marks.data + d->mark_offsets[mark];
		err =
		    key_entry(&key, buf_bytes(&d->n->prefix), bytes_str(name));
		if (err == 0)
			err = dir_moved(d,
			    store_iter_seek(d->it, buf_bytes(&key)),
			    (uint64_t)mark * DIR_MARK_EVERY);
		buf_fini(&key);
	}
	while (err == 0 && d->at == 1 && d->pos < index)
		err = dir_next(d);
	return err;
}

/* --- entries --------------------------------------------------------- */

/* The node of the present entry with a lookup: 1; 0 if it has gone or is
 * another now.  With v->names held. */
static int
dir_entry_node(struct vol_dir *d, const struct entry *e, struct node **out)
{
	struct node_source src = {.key = d->it->key, .entry = e};
	int r = -EAGAIN;

	if (d->n->state != NODE_LINKED)
		return 0;
	src.parent = e->type == ENTRY_DIR ? d->n : NULL;
	/* As long as no name has changed and no changed node has left memory
	 * since, the snapshot is as good as a new look. */
	if (d->v->names_changes == d->names)
		r = node_make(d->v, d->era, &src, 1, out);
	if (r != -EAGAIN)
		return r ? r : 1;
	r = lookup_make(d->v, d->n, d->it->key, out);
	if (r == 1 && (*out)->ino != e->ino) {
		node_forget(d->v, *out, 1);
		return 0;
	}
	return r;
}

static int
dir_entry_attr(struct vol_dir *d, const struct entry *e, struct vol_attr *out)
{
	struct vol *v = d->v;
	struct node *n = NULL;
	int r;

	rwlock_read(&v->names);
	r = dir_entry_node(d, e, &n);
	rwlock_release(&v->names);
	if (r <= 0)
		return r;
	node_lock(v, n);
	node_attr(v, n, out);
	node_unlock(v, n);
	node_put(v, n);
	return 0;
}

/* Where entries go. */
struct dir_out {
	bool plus;
	int (*each)(void *ctx, const struct vol_dirent *e);
	void *ctx;
};

/* 0 taken, 1 not taken, <0. */
static int
dir_give_entry(struct vol_dir *d, const struct dir_out *out)
{
	struct vol_dirent ent = {.name = d->name};
	struct bytes name;
	struct entry e;
	int err = dir_name(d, &name);

	if (err == 0)
		err = lookup_decode(d->v, d->it->key, d->it->value, &e);
	if (err)
		return err;
	memcpy(d->name, name.data, name.size);
	d->name[name.size] = '\0';
	ent.ino = e.ino;
	ent.type = entry_type_mode(e.type);
	ent.cookie = d->pos + DIR_COOKIE_FIRST;
	if (out->plus)
		err = dir_entry_attr(d, &e, &ent.attr);
	if (err)
		return err;
	if (out->each(out->ctx, &ent) == 0)
		return 0;
	if (ent.attr.ino)
		vol_forget(d->v, ent.attr.ino, 1);
	return 1;
}

static int
dir_give_entries(struct vol_dir *d, uint64_t index, const struct dir_out *out)
{
	int err = dir_goto(d, index);

	while (err == 0 && d->at == 1) {
		int r = dir_give_entry(d, out);

		if (r)
			return r < 0 ? r : 0;
		err = dir_next(d);
	}
	return err;
}

static int
dir_give_control(struct vol_dir *d, uint64_t index, const struct dir_out *out)
{
	struct vol_dirent ent;

	for (; control_entry((size_t)index, &ent); index++) {
		int err = 0;

		ent.cookie = index + DIR_COOKIE_FIRST;
		if (out->plus)
			err = control_getattr(d->v, ent.ino, &ent.attr);
		if (err)
			return err;
		if (out->each(out->ctx, &ent))
			break;
	}
	return 0;
}

/* "." and ".." as far as they come after *cookie; false: not taken. */
static bool
dir_give_dots(struct vol_dir *d, uint64_t *cookie, const struct dir_out *out)
{
	struct vol_dirent dots[2] = {
	    {.name = ".", .cookie = DIR_COOKIE_DOT},
	    {.name = "..", .cookie = DIR_COOKIE_DOTDOT},
	};

	dots[0].ino = d->n ? d->n->ino : VOL_INO_CONTROL;
	dots[1].ino = d->parent;
	for (size_t i = 0; i < 2; i++) {
		if (dots[i].cookie <= *cookie)
			continue;
		dots[i].type = S_IFDIR;
		if (out->each(out->ctx, &dots[i]))
			return false;
		*cookie = dots[i].cookie;
	}
	return true;
}

/* --- the door -------------------------------------------------------- */

int
vol_opendir(struct vol *v, uint64_t ino, struct vol_dir **out)
{
	struct vol_dir *d = calloc(1, sizeof(*d));
	int err = 0;

	if (!d)
		return -ENOMEM;
	if (!control_is(ino))
		err = node_get(v, ino, &d->n);
	else if (ino != VOL_INO_CONTROL)
		err = -ENOTDIR;
	else if (!v->store)
		err = -EIO;
	if (err == 0 && d->n && d->n->type != ENTRY_DIR) {
		node_put(v, d->n);
		err = -ENOTDIR;
	}
	if (err) {
		free(d);
		return err;
	}
	d->v = v;
	lock_init(&d->mu, LOCK_RANK_VOL_DIR);
	lock_acquire(&v->table);
	LIST_INSERT_HEAD(&v->listings, d, link);
	lock_release(&v->table);
	*out = d;
	return 0;
}

static void
dir_free(struct vol_dir *d)
{
	store_iter_close(d->it);
	buf_fini(&d->marks);
	free(d->mark_offsets);
	lock_fini(&d->mu);
	free(d);
}

void
vol_releasedir(struct vol_dir *d)
{
	lock_acquire(&d->v->table);
	LIST_REMOVE(d, link);
	lock_release(&d->v->table);
	node_put(d->v, d->n);
	dir_free(d);
}

void
dir_stop_all(struct vol *v)
{
	struct vol_dir *d;

	LIST_FOREACH (d, &v->listings, link) {
		store_iter_close(d->it);
		d->it = NULL;
		d->n = NULL; /* it goes with all the others */
		d->stopped = true;
	}
}

void
dir_free_all(struct vol *v)
{
	while (!LIST_EMPTY(&v->listings)) {
		struct vol_dir *d = LIST_FIRST(&v->listings);

		LIST_REMOVE(d, link);
		dir_free(d);
	}
}

int
vol_readdir(struct vol_dir *d, uint64_t cookie, bool plus,
    int (*each)(void *ctx, const struct vol_dirent *e), void *ctx)
{
	const struct dir_out out = {plus, each, ctx};
	int err = 0;

	lock_acquire(&d->mu);
	if (d->stopped)
		err = -EIO;
	else if (cookie == 0 || !d->started)
		err = dir_start(d);
	if (err == 0 && !d->gone && dir_give_dots(d, &cookie, &out)) {
		uint64_t index = cookie - DIR_COOKIE_DOTDOT;

		err = d->n ? dir_give_entries(d, index, &out)
			   : dir_give_control(d, index, &out);
	}
	lock_release(&d->mu);
	return err;
}
