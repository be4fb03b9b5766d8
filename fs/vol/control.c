#include "fs/vol/control.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/vol/control_check.h"
#include "fs/vol/control_cut.h"

/* The files; ino is VOL_INO_CONTROL + 1 + index. */
enum control_kind {
	CONTROL_STATS,
	CONTROL_DURABILITY,
	CONTROL_COMPACT,
	CONTROL_SYNC,
	CONTROL_CHECK,
	CONTROL_POWER_CUT,
	CONTROL_KINDS,
};

static const struct control_file {
	const char *name;
	mode_t perm;
} control_files[CONTROL_KINDS] = {
    [CONTROL_STATS] = {"stats", 0444},
    [CONTROL_DURABILITY] = {"durability", 0644},
    [CONTROL_COMPACT] = {"compact", 0200},
    [CONTROL_SYNC] = {"sync", 0200},
    [CONTROL_CHECK] = {"check", 0600},
    [CONTROL_POWER_CUT] = {"power-cut", 0600},
};

/* More than anybody needs to name a policy. */
#define CONTROL_TEXT_MAX 1024

#define CONTROL_NO_LAB "power cuts need a mount with -o lab"

/* Why a write was refused. */
#define CONTROL_WHY_MAX DURABILITY_ERROR_MAX
_Static_assert(CONTROL_CUT_ERROR_MAX <= CONTROL_WHY_MAX, "every reason fits");

struct control {
	struct lock mu;                    /* protects: */
	struct buf content[CONTROL_KINDS]; /* as it was made last */
	/* Empty: the last write was not. */
	char refused[CONTROL_KINDS][CONTROL_WHY_MAX];
};

int
control_open(struct vol *v)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	lock_init(&c->mu, LOCK_RANK_LEAF);
	v->control = c;
	return 0;
}

void
control_clear(struct vol *v)
{
	for (size_t i = 0; i < CONTROL_KINDS; i++)
		buf_fini(&v->control->content[i]);
	memset(v->control->refused, 0, sizeof(v->control->refused));
}

void
control_close(struct vol *v)
{
	struct control *c = v->control;

	if (!c)
		return;
	control_clear(v);
	lock_fini(&c->mu);
	free(c);
	v->control = NULL;
}

bool
control_is_name(uint64_t parent, struct bytes name)
{
	return parent == VOL_INO_ROOT &&
	       bytes_eq(name, bytes_str(CONTROL_NAME));
}

/* --- content --------------------------------------------------------- */

static int
control_make_stats(struct vol *v, struct buf *b)
{
	char durability[DURABILITY_TEXT_MAX];
	uint64_t inos, changes;
	struct durability d;
	size_t nodes;
	int err;

	vol_get_durability(v, &d);
	durability_format(&d, durability);

	rwlock_read(&v->names);
	inos = v->ino_next;
	changes = v->names_changes;
	rwlock_release(&v->names);
	lock_acquire(&v->table);
	nodes = v->node_count;
	lock_release(&v->table);
	err = buf_printf(b,
	    "durability %s\n"
	    "block_bytes %" PRIu32 "\n"
	    "inline_bytes %" PRIu32 "\n"
	    "inodes_in_memory %zu\n"
	    "inode_next %" PRIu64 "\n"
	    "name_changes %" PRIu64 "\n"
	    "ignored_fsyncs %" PRIu64 "\n",
	    durability, v->super.block_bytes, v->super.inline_bytes, nodes,
	    inos, changes,
	    atomic_load_explicit(&v->fsyncs_ignored, memory_order_relaxed));
	if (err == 0 && v->lab.stats)
		err = buf_append_bytes(b, bytes_str(v->lab.stats));
	return err ? err : store_stats(v->store, b);
}

/* Who writes with echo learns no more than EINVAL: here is why. */
static int
control_make_refused(struct control *c, enum control_kind kind, struct buf *b)
{
	char why[CONTROL_WHY_MAX];

	lock_acquire(&c->mu);
	memcpy(why, c->refused[kind], sizeof(why));
	lock_release(&c->mu);
	return *why ? buf_printf(b, "refused: %s\n", why) : 0;
}

/* The first line is what would be written to have it so. */
static int
control_make_durability(struct vol *v, struct buf *b)
{
	char text[DURABILITY_TEXT_MAX];
	struct store_sync_figures f;
	struct durability d;
	int err;

	vol_get_durability(v, &d);
	durability_format(&d, text);
	store_sync_figures(v->store, &f);
	err = buf_printf(b,
	    "%s\n"
	    "batch_ops %" PRIu32 "\n"
	    "batch_ms %" PRIu32 "\n"
	    "adaptive_ms %" PRIu32 "\n"
	    "operations %" PRIu64 "\n"
	    "syncs %" PRIu64 "\n"
	    "operations_per_sync %.1f\n"
	    "sync_cost_us %" PRIu64 "\n"
	    "unsynced_operations %" PRIu64 "\n"
	    "oldest_unsynced_ms %.3f\n"
	    "allowed: %s\n",
	    text, d.batch_ops, d.batch_ms, d.adaptive_ms, f.batches, f.syncs,
	    f.syncs ? (double)f.batches / (double)f.syncs : 0.0, f.cost_us,
	    f.unsynced_batches, (double)f.unsynced_us / 1000,
	    durability_allowed());
	return err ? err
		   : control_make_refused(v->control, CONTROL_DURABILITY, b);
}

static int
control_make_power_cut(struct vol *v, struct buf *b)
{
	int err;

	if (!v->lab.cut)
		return buf_printf(b, CONTROL_NO_LAB "\n");
	err = v->lab.report(v->lab.ctx, b);
	if (err == 0)
		err = buf_printf(b, "allowed: %s\n", control_cut_allowed());
	return err ? err
		   : control_make_refused(v->control, CONTROL_POWER_CUT, b);
}

static int
control_make(struct vol *v, enum control_kind kind, struct buf *b)
{
	if (kind == CONTROL_STATS)
		return control_make_stats(v, b);
	if (kind == CONTROL_DURABILITY)
		return control_make_durability(v, b);
	if (kind == CONTROL_POWER_CUT)
		return control_make_power_cut(v, b);
	return 0;
}

/* b becomes the content, and what that was is freed. */
static void
control_replace(struct control *c, enum control_kind kind, struct buf *b)
{
	struct buf old;

	lock_acquire(&c->mu);
	old = c->content[kind];
	c->content[kind] = *b;
	lock_release(&c->mu);
	buf_fini(&old);
	*b = (struct buf){0};
}

static uint64_t
control_size(struct control *c, enum control_kind kind)
{
	uint64_t size;

	lock_acquire(&c->mu);
	size = c->content[kind].size;
	lock_release(&c->mu);
	return size;
}

/* Makes the content anew, if reading is to do that, and tells its size. */
static int
control_refresh(struct vol *v, enum control_kind kind, uint64_t *size)
{
	struct buf b = {0};
	int err;

	if (kind == CONTROL_CHECK) {
		*size = control_size(v->control, kind);
		return 0;
	}
	err = control_make(v, kind, &b);
	if (err) {
		buf_fini(&b);
		return err;
	}
	*size = b.size;
	control_replace(v->control, kind, &b);
	return 0;
}

/* --- attributes ------------------------------------------------------ */

/* The file with this ino; false: the directory, or none. */
static bool
control_kind_of(uint64_t ino, enum control_kind *kind)
{
	if (ino <= VOL_INO_CONTROL || ino - VOL_INO_CONTROL > CONTROL_KINDS)
		return false;
	*kind = (enum control_kind)(ino - VOL_INO_CONTROL - 1);
	return true;
}

int
control_getattr(struct vol *v, uint64_t ino, struct vol_attr *out)
{
	struct vol_attr a, root;
	enum control_kind kind = CONTROL_STATS;
	bool is_file = control_kind_of(ino, &kind);
	uint64_t size = 0;
	int err;

	if (!is_file && ino != VOL_INO_CONTROL)
		return -ESTALE;
	err = vol_getattr(v, VOL_INO_ROOT, &root);
	if (err == 0 && is_file)
		err = control_refresh(v, kind, &size);
	if (err)
		return err;
	a = (struct vol_attr){
	    .ino = ino,
	    .mode =
		is_file ? S_IFREG | control_files[kind].perm : S_IFDIR | 0555,
	    .nlink = is_file ? 1 : 2,
	    .uid = root.uid,
	    .gid = root.gid,
	    .size = size,
	    .block_bytes = v->super.block_bytes,
	    .volatile_content = true,
	};
	a.blocks = (a.size + 511) / 512;
	a.atime = a.mtime = a.ctime = a.btime = state_now();
	*out = a;
	return 0;
}

int
control_lookup(
    struct vol *v, uint64_t parent, struct bytes name, struct vol_attr *out)
{
	if (control_is_name(parent, name))
		return control_getattr(v, VOL_INO_CONTROL, out);
	if (parent != VOL_INO_CONTROL)
		return -ENOTDIR;
	for (uint64_t i = 0; i < CONTROL_KINDS; i++)
		if (bytes_eq(name, bytes_str(control_files[i].name)))
			return control_getattr(v, VOL_INO_CONTROL + 1 + i, out);
	return name.size > 255 ? -ENAMETOOLONG : -ENOENT;
}

int
control_setattr(struct vol *v, uint64_t ino, const struct vol_set *set,
    struct vol_attr *out)
{
	if (set->mask & (VOL_SET_MODE | VOL_SET_UID | VOL_SET_GID))
		return -EPERM;
	return control_getattr(v, ino, out);
}

int
control_entry(size_t index, struct vol_dirent *out)
{
	if (index >= CONTROL_KINDS)
		return 0;
	*out = (struct vol_dirent){
	    .name = control_files[index].name,
	    .ino = VOL_INO_CONTROL + 1 + index,
	    .type = S_IFREG,
	};
	return 1;
}

/* --- reading and writing --------------------------------------------- */

static int
control_check_file(
    const struct vol *v, uint64_t ino, mode_t access, enum control_kind *kind)
{
	if (!v->store)
		return -EIO;
	if (!control_kind_of(ino, kind))
		return ino == VOL_INO_CONTROL ? -EISDIR : -ESTALE;
	return control_files[*kind].perm & access ? 0 : -EACCES;
}

int
control_read(struct vol *v, uint64_t ino, uint64_t offset, void *data,
    size_t size, size_t *got)
{
	struct control *c = v->control;
	enum control_kind kind;
	const struct buf *b;
	size_t n = 0;
	int err = control_check_file(v, ino, 0444, &kind);

	if (err)
		return err;
	lock_acquire(&c->mu);
	b = &c->content[kind];
	if (offset < b->size) {
		n = b->size - (size_t)offset;
		n = n < size ? n : size;
		memcpy(data, b->data + offset, n);
	}
	lock_release(&c->mu);
	*got = n;
	return 0;
}

static int
control_set_durability(struct vol *v, struct bytes text, char *why)
{
	struct durability d;
	int err = text.size > CONTROL_TEXT_MAX ? -EINVAL : 0;

	if (err) {
		(void)snprintf(why, DURABILITY_ERROR_MAX,
		    "more than %d bytes; allowed: %s", CONTROL_TEXT_MAX,
		    durability_allowed());
		return err;
	}
	vol_get_durability(v, &d);
	err = durability_parse(text, &d, why);
	if (err)
		return err;
	err = vol_set_durability(v, &d);
	if (err)
		(void)snprintf(why, DURABILITY_ERROR_MAX, "%s", err_text(err));
	return err;
}

static int
control_order_cut(struct vol *v, struct bytes text, char *why)
{
	struct vol_cut how = {.seed = arc4random(), .keep = VOL_CUT_RANDOM};
	int err;

	if (!v->lab.cut) {
		(void)snprintf(why, CONTROL_WHY_MAX, CONTROL_NO_LAB);
		return -EPERM;
	}
	err = control_cut_parse(text, &how, why);
	if (err)
		return err;
	err = v->lab.cut(v->lab.ctx, &how);
	if (err)
		(void)snprintf(why, CONTROL_WHY_MAX, "%s",
		    err == -EBUSY ? "a power cut is being carried out"
				  : err_text(err));
	return err;
}

/* Carries out what was written by a function that tells why it refused. */
static int
control_write_text(struct vol *v, enum control_kind kind, struct bytes text,
    int (*write)(struct vol *v, struct bytes text, char *why))
{
	struct control *c = v->control;
	char why[CONTROL_WHY_MAX] = "";
	int err = write(v, text, why);

	if (err)
		err_log(&v->sink, ERR_LEVEL_WARNING, CONTROL_NAME "/%s: %s",
		    control_files[kind].name, why);
	lock_acquire(&c->mu);
	memcpy(c->refused[kind], why, sizeof(why));
	lock_release(&c->mu);
	return err;
}

static int
control_write_check(struct vol *v)
{
	struct buf b = {0};
	int err = control_check(v->store, &b);

	if (err == 0)
		control_replace(v->control, CONTROL_CHECK, &b);
	buf_fini(&b);
	return err;
}

int
control_write(struct vol *v, uint64_t ino, struct bytes data)
{
	enum control_kind kind;
	int err = control_check_file(v, ino, 0222, &kind);

	if (err)
		return err;
	switch (kind) {
	case CONTROL_DURABILITY:
		return control_write_text(
		    v, kind, data, control_set_durability);
	case CONTROL_COMPACT:
		return store_compact(v->store);
	case CONTROL_SYNC:
		return store_sync(v->store, store_seq(v->store));
	case CONTROL_CHECK:
		return control_write_check(v);
	case CONTROL_POWER_CUT:
		return control_write_text(v, kind, data, control_order_cut);
	case CONTROL_STATS:
	case CONTROL_KINDS:
		break;
	}
	return -EACCES;
}
