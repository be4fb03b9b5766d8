#include "engine/os/env_forget.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/os/env_forget_restore.h"
#include "engine/os/env_forget_state.h"

static int
env_forget_leftover(void *ctx, const char *name)
{
	return env_forget_calls_hides(name)
		   ? env_forget_paths_add(ctx, bytes_str(name))
		   : 0;
}

/* Of an earlier process: the names that they stood for are gone. */
static int
env_forget_remove_leftovers(struct env *base, const char *dir)
{
	struct env_forget_paths names = {0};
	int err = base->ops->list(base, dir, env_forget_leftover, &names);

	/* The store is yet to be created. */
	if (err == -ENOENT)
		err = 0;
	for (size_t i = 0; !err && i < names.count; i++) {
		char *path;

		if (asprintf(&path, "%s/%s", dir, names.all[i]) < 0) {
			err = -ENOMEM;
			break;
		}
		err = env_unlink(base, path);
		free(path);
	}
	env_forget_paths_fini(&names);
	return err;
}

int
env_forget_new(struct env *base, const struct env_forget_options *o,
    struct env_forget **out)
{
	struct env_forget *f = calloc(1, sizeof(*f));
	int err = 0;

	if (!f)
		return -ENOMEM;
	if (o->dir)
		err = env_forget_remove_leftovers(base, o->dir);
	if (err) {
		free(f);
		return err;
	}
	f->env = (struct env){.ops = &env_forget_calls, .sink = base->sink};
	f->base = base;
	f->no_device_sync = o->no_device_sync;
	lock_init(&f->lock, LOCK_RANK_ENV_FORGET);
	env_forget_names_init(&f->names, base);
	*out = f;
	return 0;
}

void
env_forget_free(struct env_forget *f)
{
	if (!f)
		return;
	must(f->open_files == 0);
	env_forget_names_fini(&f->names);
	lock_fini(&f->lock);
	free(f);
}

struct env *
env_forget_env(struct env_forget *f)
{
	return &f->env;
}

void
env_forget_set_sync_delay(struct env_forget *f, uint64_t us)
{
	lock_acquire(&f->lock);
	f->sync_delay_us = us;
	lock_release(&f->lock);
}

void
env_forget_fail_sync(struct env_forget *f, const char *part)
{
	lock_acquire(&f->lock);
	f->fails = part;
	lock_release(&f->lock);
}

uint64_t
env_forget_ops(struct env_forget *f)
{
	uint64_t ops;

	lock_acquire(&f->lock);
	ops = f->ops;
	lock_release(&f->lock);
	return ops;
}

/* --- cuts ----------------------------------------------------------------- */

void
env_forget_cut_now(struct env_forget *f, const struct env_forget_how *how)
{
	lock_assert_held(&f->lock);
	f->how = *how;
	f->is_cut = true;
	f->cuts++;
	f->armed_at = 0;
}

void
env_forget_cut(struct env_forget *f, const struct env_forget_how *how)
{
	lock_acquire(&f->lock);
	if (!f->is_cut)
		env_forget_cut_now(f, how);
	lock_release(&f->lock);
}

void
env_forget_arm(struct env_forget *f, uint64_t n,
    const struct env_forget_how *how, void (*cut)(void *ctx), void *ctx)
{
	lock_acquire(&f->lock);
	f->armed_at = n ? f->ops + n : 0;
	if (n)
		f->armed = (struct env_forget_order){*how, cut, ctx};
	lock_release(&f->lock);
}

bool
env_forget_is_cut(struct env_forget *f)
{
	bool is_cut;

	lock_acquire(&f->lock);
	is_cut = f->is_cut;
	lock_release(&f->lock);
	return is_cut;
}

/* Caller holds f->lock. */
static int
env_forget_restore_now(struct env_forget *f, struct env_forget_restore *r,
    struct env_forget_report *report)
{
	uint64_t oldest = env_forget_restore_oldest(&f->names, f->ops + 1);
	struct env_forget_pick pick =
	    env_forget_pick_of(&f->how, oldest, f->ops);

	must(f->is_cut);
	if (f->open_files > 0)
		return -EBUSY;
	report->ops = f->ops;
	return env_forget_restore_make(r, &f->names, &pick, report);
}

int
env_forget_restart(struct env_forget *f, struct env_forget_report *out)
{
	struct env_forget_restore restore = {.files.count = 0};
	struct env_forget_report report = {.ops = 0};
	int err;

	lock_acquire(&f->lock);
	err = env_forget_restore_now(f, &restore, &report);
	lock_release(&f->lock);
	/* No change comes between: it is still after the cut. */
	if (!err && !f->no_device_sync)
		err = env_forget_restore_sync(&restore, f->base);
	env_forget_restore_fini(&restore);
	if (err)
		return err;
	lock_acquire(&f->lock);
	f->is_cut = false;
	lock_release(&f->lock);
	if (out)
		*out = report;
	return 0;
}
