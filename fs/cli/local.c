#include "fs/cli/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "engine/lsm_lab.h"
#include "fs/cli/command.h"
#include "fs/cli/mount_table.h"
#include "fs/cli/report.h"
#include "fs/store/store_lsm.h"

static void
engine_options(const char *path, const struct local_options *o,
    struct lsm_lab *lab, struct lsm_options *lo)
{
	lsm_options_init(lo);
	lo->create = o->create;
	if (o->cache_bytes)
		lo->cache_bytes = o->cache_bytes;
	if (durability_valid(&o->durability))
		lo->durability = o->durability;
	if (o->memtable_bytes)
		lo->memtable_bytes = o->memtable_bytes;
	lo->no_background = o->passive;
	lo->lab = lab;
	lo->message = report_message;
	lo->message_ctx = (void *)(uintptr_t)path;
}

static int
refuse(const char *path, const struct local_options *o, int err)
{
	if (err == -ENOTDIR)
		report(path, "is not a directory, so not a store");
	else if (err == -ENOENT)
		report(path,
		    "is not a store; keyfs mount or keyfs put creates one");
	else
		report_errno(path, "cannot open the store", err);
	return err == ERR_DAMAGED && o->damaged_status ? o->damaged_status
						       : COMMAND_UNUSABLE;
}

static int
open_lab(const char *path, const struct local_options *o, struct local *l)
{
	int err;

	if (!o->lab)
		return 0;
	err =
	    lsm_lab_new(path, report_message, (void *)(uintptr_t)path, &l->lab);
	if (err == 0)
		lsm_lab_set_sync_delay(l->lab, o->sync_delay_ms * 1000ul);
	return err;
}

int
local_open_store(
    const char *path, const struct local_options *o, struct local *l)
{
	struct lsm_options lo;
	int err;

	engine_options(path, o, l->lab, &lo);
	err = store_lsm_open(path, &lo, &l->store);
	if (err == 0)
		l->db = store_lsm_engine(l->store);
	return err;
}

/* *err: what came of opening the engine. */
static int
open_all(const char *path, const struct local_options *o, struct local *out,
    int *err)
{
	struct vol_options vo = o->vol;
	struct local l = {0};

	*err = open_lab(path, o, &l);
	if (*err == 0)
		*err = local_open_store(path, o, &l);
	vo.sink = report_sink(path);
	if (*err == 0 && !o->engine_only)
		*err = vol_open(l.store, &vo, &l.vol);
	if (*err != 0) {
		if (l.store)
			store_close(l.store);
		lsm_lab_free(l.lab);
		return refuse(path, o, *err);
	}
	*out = l;
	return COMMAND_DONE;
}

int
local_open(const char *path, const struct local_options *o, struct local *out)
{
	int err;

	return open_all(path, o, out, &err);
}

/* --- waiting -------------------------------------------------------------- */

#define WAIT_MS  10000
#define PAUSE_MS 5

/* Not if its daemon is dying, and has the store for a moment still. */
static bool
answers(const char *mountpoint)
{
	struct statvfs fs;

	return statvfs(mountpoint, &fs) == 0 || !mount_table_died(-errno);
}

/* Whether somebody has the store, and (*mounted) it is mounted. */
static bool
look(const char *path, struct local_holder *h, bool *mounted)
{
	char store[PATH_MAX];
	char source[PATH_MAX];

	*mounted = false;
	if (lsm_holder(path, &h->pid, h->mountpoint, sizeof(h->mountpoint)) !=
		0 ||
	    h->pid == 0)
		return false;
	*mounted = h->mountpoint[0] && realpath(path, store) &&
		   mount_table_find(h->mountpoint, source, sizeof(source)) &&
		   strcmp(source, store) == 0 && answers(h->mountpoint);
	return true;
}

/* Between looking and opening another command may be faster: then what was
 * said about it is dropped, and we look again. */
static bool
try_open(const char *path, const struct local_options *o, struct local *out,
    int *status)
{
	int err;

	report_hold();
	*status = open_all(path, o, out, &err);
	report_release(err != -EBUSY);
	return err != -EBUSY;
}

int
local_open_wait(const char *path, const struct local_options *o,
    struct local *out, struct local_holder *holder)
{
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	struct local_holder h = {0};
	bool mounted = false;
	int status;

	for (int i = 0; i < WAIT_MS / PAUSE_MS; i++) {
		if (!look(path, &h, &mounted) &&
		    try_open(path, o, out, &status))
			return status;
		if (mounted) {
			*out = (struct local){0};
			*holder = h;
			return COMMAND_DONE;
		}
		nanosleep(&pause, NULL);
	}
	report(path,
	    "is in use by process %d, and not mounted; try again when that "
	    "has ended",
	    (int)h.pid);
	return COMMAND_UNUSABLE;
}

int
local_close(struct local *l, const char *path)
{
	int err = l->vol ? vol_close(l->vol) : 0;
	int err2 = l->store ? store_close(l->store) : 0;

	if (l->store && l->lab && lsm_lab_is_cut(l->lab))
		err = err2 = lsm_lab_restart(l->lab, NULL);
	lsm_lab_free(l->lab);
	*l = (struct local){0};
	if (err == 0)
		err = err2;
	return err ? report_errno(path, "closing the store", err) : 0;
}
