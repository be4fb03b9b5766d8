#include "engine/db/vset.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/file_name.h"
#include "engine/db/manifest.h"

#define MANIFEST_BYTES_MAX (4u << 20)

/* Far more than are given between two edits. */
#define NUMBER_GAP_MAX (UINT64_C(1) << 40)

/* --- numbers and the current version ----------------------------------- */

uint64_t
vset_new_number(struct vset *s)
{
	/* Relaxed: what counts is that no number is given twice.  One that is
	 * lost with a crash before it was recorded is on no file, or on one
	 * that recovery finds and marks. */
	uint64_t n =
	    atomic_fetch_add_explicit(&s->next_number, 1, memory_order_relaxed);

	/* What is read from disk ends far below (manifest_read.c). */
	must(n <= FILE_NAME_NUMBER_MAX);
	return n;
}

void
vset_mark_number(struct vset *s, uint64_t number)
{
	uint64_t next =
	    atomic_load_explicit(&s->next_number, memory_order_relaxed);

	while (next <= number &&
	       !atomic_compare_exchange_weak_explicit(&s->next_number, &next,
		   number + 1, memory_order_relaxed, memory_order_relaxed))
		;
}

struct version *
vset_current(struct vset *s)
{
	struct version *v;

	/* Under the lock, so that the version cannot go between finding it and
	 * counting ourselves. */
	lock_acquire(&s->current_lock);
	v = s->current;
	version_ref(v);
	lock_release(&s->current_lock);
	return v;
}

/* --- turns --------------------------------------------------------------- */

void
vset_turn_begin(struct vset *s)
{
	lock_acquire(&s->manifest_lock);
	while (s->applying)
		lock_cond_wait(&s->applied, &s->manifest_lock);
	s->applying = true;
	lock_release(&s->manifest_lock);
}

void
vset_turn_end(struct vset *s)
{
	lock_acquire(&s->manifest_lock);
	s->applying = false;
	lock_cond_signal(&s->applied);
	lock_release(&s->manifest_lock);
}

/* --- beginning and end ------------------------------------------------- */

struct marking {
	struct vset *set;
	uint64_t next_number; /* before */
};

/* 1, with a message: one that is so high would leave none to go on with. */
static int
mark_name(void *ctx, const char *name)
{
	const struct marking *m = ctx;
	struct vset *s = m->set;
	uint64_t number;

	file_name_parse(name, &number);
	if (number <= m->next_number + NUMBER_GAP_MAX) {
		vset_mark_number(s, number);
		return 0;
	}
	err_log(s->sink, ERR_LEVEL_ERROR,
	    "%s/%s: its number is far beyond those of this store, of which the"
	    " next is %" PRIu64 "; move the file out of the directory",
	    s->place.dir, name, m->next_number);
	return 1;
}

/* Every number in the directory is used, also of what a crash left behind. */
static int
mark_directory(struct vset *s)
{
	struct marking m = {
	    s, atomic_load_explicit(&s->next_number, memory_order_relaxed)};
	int rc = env_list(s->place.env, s->place.dir, mark_name, &m);

	return rc > 0 ? ERR_DAMAGED : rc;
}

static int
init(struct vset *s, const struct version_place *p, const struct err_sink *sink)
{
	const struct edit nothing = {0};

	*s = (struct vset){
	    .place = *p,
	    .sink = sink,
	    .manifest_bytes_max = MANIFEST_BYTES_MAX,
	};
	atomic_init(&s->next_number, 1);
	lock_init(&s->manifest_lock, LOCK_RANK_DB_MANIFEST);
	lock_cond_init(&s->applied);
	lock_init(&s->current_lock, LOCK_RANK_TABLES);
	return version_build(NULL, &nothing, sink, &s->current);
}

void
vset_fini(struct vset *s)
{
	must(!s->applying);
	wal_close(s->manifest);
	/* Not obsolete: the next open finds out what is named. */
	edit_fini(&s->doubtful);
	named_fini(&s->named);
	version_unref(s->current);
	lock_fini(&s->current_lock);
	lock_cond_fini(&s->applied);
	lock_fini(&s->manifest_lock);
}

/* 0 stands for one that is not known. */
static uint64_t
new_salt(void)
{
	uint64_t salt;

	do {
		arc4random_buf(&salt, sizeof(salt));
	} while (salt == 0);
	return salt;
}

int
vset_create(
    struct vset *s, const struct version_place *p, const struct err_sink *sink)
{
	struct edit nothing = {0};
	int err = init(s, p, sink);

	if (!err) {
		s->salt = new_salt();
		err = mark_directory(s);
	}
	/* There is no manifest, so that this begins one. */
	if (!err)
		err = vset_apply(s, &nothing);
	if (err)
		vset_fini(s);
	return err;
}

static int
take_state(struct vset *s, struct manifest_state *state)
{
	struct edit *e = &state->whole;
	struct version *v;
	int err = version_build(NULL, e, s->sink, &v);

	if (err)
		return err;
	version_unref(s->current);
	s->current = v;
	named_take(&s->named, &e->snapshots);
	s->manifest_number = state->number;
	s->salt = state->salt;
	atomic_init(&s->log_number, e->log_number);
	atomic_init(&s->last_seq, e->last_seq);
	vset_mark_number(s, e->next_number - 1);
	return 0;
}

static int
find_orphan(void *ctx, const char *name)
{
	char *found = ctx;
	uint64_t number;
	enum file_name_kind kind = file_name_parse(name, &number);

	if (kind != FILE_NAME_LOG && kind != FILE_NAME_TABLE &&
	    kind != FILE_NAME_VALUES)
		return 0;
	file_name_format(found, kind, number);
	return 1;
}

/* CURRENT is written before any log or table: where one of those is, there was
 * a store, which must not be taken for none. */
static int
without_current(struct vset *s)
{
	char found[FILE_NAME_SIZE];
	int rc = env_list(s->place.env, s->place.dir, find_orphan, found);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	err_log(s->sink, ERR_LEVEL_ERROR,
	    "%s/CURRENT: missing, but %s is there; restore it from a backup",
	    s->place.dir, found);
	return ERR_DAMAGED;
}

int
vset_recover(
    struct vset *s, const struct version_place *p, const struct err_sink *sink)
{
	struct manifest_state state = {0};
	int err = init(s, p, sink);

	if (!err)
		err = manifest_read_settle(p, sink);
	if (!err)
		err = manifest_read(p, sink, &state);
	if (err == -ENOENT)
		err = without_current(s);
	if (!err)
		err = take_state(s, &state);
	if (!err)
		err = mark_directory(s);
	edit_fini(&state.whole);
	if (err)
		vset_fini(s);
	return err;
}
