#include "engine/db/lab.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/lock.h"
#include "engine/db/file_name.h"
#include "engine/db/holder.h"
#include "engine/os/env_forget.h"

struct lab_order {
	void (*call)(void *ctx);
	void *ctx;
};

struct lsm_lab {
	/* constant after lsm_lab_new */
	struct env posix;
	struct env_forget *forget;
	void (*message)(void *ctx, int level, const char *text);
	void *message_ctx;

	struct filelock *filelock; /* while the store is closed */
	atomic_bool is_cut;        /* what fails now fails by order */
	struct lock lock;          /* rank LEAF; protects: */
	struct lab_order order;    /* of the cut that is armed */
};

/* That a store on a dead disk complains is no news. */
static void
lab_message(void *ctx, enum err_level level, const char *text)
{
	struct lsm_lab *lab = ctx;

	if (atomic_load(&lab->is_cut))
		level = ERR_LEVEL_INFO;
	if (lab->message)
		lab->message(lab->message_ctx, (int)level, text);
}

/* --- opening and closing -------------------------------------------------- */

struct env *
lab_env(struct lsm_lab *lab)
{
	return env_forget_env(lab->forget);
}

struct filelock *
lab_take_lock(struct lsm_lab *lab)
{
	struct filelock *lock = lab->filelock;

	lab->filelock = NULL;
	return lock;
}

void
lab_keep_lock(struct lsm_lab *lab, struct filelock *lock)
{
	lab->filelock = lock;
}

/* A store that is there is locked first: what is left over may belong to a
 * lab that is at work.  *found: it is there. */
static int
lab_lock(struct lsm_lab *lab, const char *dir, bool *found)
{
	char *path = file_name_path(dir, FILE_NAME_LOCK, 0);
	struct env_file *file;
	int err;

	if (!path)
		return -ENOMEM;
	err = env_open(&lab->posix, path, ENV_OPEN_READ, &file);
	free(path);
	*found = err == 0;
	if (err)
		return err == -ENOENT ? 0 : err;
	env_close(file);
	return holder_acquire(&lab->posix, dir, &lab->filelock);
}

int
lsm_lab_new(const char *dir,
    void (*message)(void *ctx, int level, const char *text), void *ctx,
    struct lsm_lab **out)
{
	struct lsm_lab *lab = calloc(1, sizeof(*lab));
	struct env_forget_options o = {.dir = NULL};
	bool found = false;
	int err;

	if (!lab)
		return -ENOMEM;
	lab->message = message;
	lab->message_ctx = ctx;
	lock_init(&lab->lock, LOCK_RANK_LEAF);
	env_posix_init(&lab->posix, (struct err_sink){lab_message, lab});
	err = lab_lock(lab, dir, &found);
	if (found)
		o.dir = dir;
	if (!err)
		err = env_forget_new(&lab->posix, &o, &lab->forget);
	if (err) {
		lsm_lab_free(lab);
		return err;
	}
	*out = lab;
	return 0;
}

void
lsm_lab_free(struct lsm_lab *lab)
{
	if (!lab)
		return;
	env_forget_free(lab->forget);
	filelock_release(lab->filelock);
	lock_fini(&lab->lock);
	free(lab);
}

/* --- cuts ----------------------------------------------------------------- */

static struct env_forget_how
lab_how(const struct lsm_lab_how *how)
{
	static const enum env_forget_keep keep[] = {
	    [LSM_LAB_KEEP_NONE] = ENV_FORGET_KEEP_NONE,
	    [LSM_LAB_KEEP_PREFIX] = ENV_FORGET_KEEP_PREFIX,
	    [LSM_LAB_KEEP_RANDOM] = ENV_FORGET_KEEP_RANDOM,
	};

	return (struct env_forget_how){keep[how->keep], how->seed};
}

void
lsm_lab_cut(struct lsm_lab *lab, const struct lsm_lab_how *how)
{
	struct env_forget_how h = lab_how(how);

	atomic_store(&lab->is_cut, true);
	env_forget_cut(lab->forget, &h);
}

static void
lab_on_cut(void *ctx)
{
	struct lsm_lab *lab = ctx;
	struct lab_order order;

	atomic_store(&lab->is_cut, true);
	lock_acquire(&lab->lock);
	order = lab->order;
	lock_release(&lab->lock);
	if (order.call)
		order.call(order.ctx);
}

void
lsm_lab_arm(struct lsm_lab *lab, uint64_t n, const struct lsm_lab_how *how,
    void (*cut)(void *ctx), void *ctx)
{
	struct env_forget_how h = {.seed = 0};

	if (n > 0)
		h = lab_how(how);
	lock_acquire(&lab->lock);
	lab->order = (struct lab_order){cut, ctx};
	lock_release(&lab->lock);
	env_forget_arm(lab->forget, n, &h, lab_on_cut, lab);
}

bool
lsm_lab_is_cut(struct lsm_lab *lab)
{
	return env_forget_is_cut(lab->forget);
}

int
lsm_lab_restart(struct lsm_lab *lab, struct lsm_lab_report *out)
{
	struct env_forget_report r;
	int err;

	atomic_store(&lab->is_cut, false);
	err = env_forget_restart(lab->forget, &r);
	if (err) {
		env_log(&lab->posix, ERR_LEVEL_ERROR,
		    "the power cut could not be carried out: %s",
		    err_text(err));
		return err;
	}
	if (out)
		*out = (struct lsm_lab_report){
		    .changes = r.ops,
		    .writes = r.writes,
		    .writes_lost = r.writes_lost,
		    .bytes_lost = r.bytes_lost,
		    .names = r.names,
		    .names_lost = r.names_lost,
		};
	return 0;
}

/* --- the disk ------------------------------------------------------------- */

void
lsm_lab_set_sync_delay(struct lsm_lab *lab, uint64_t us)
{
	env_forget_set_sync_delay(lab->forget, us);
}

uint64_t
lsm_lab_changes(struct lsm_lab *lab)
{
	return env_forget_ops(lab->forget);
}
