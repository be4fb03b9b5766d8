#include "fs/cli/local.h"

#include "fs/cli/command.h"
#include "fs/cli/report.h"
#include "fs/store/store_lsm.h"

static void
engine_options(
    const char *path, const struct local_options *o, struct lsm_options *lo)
{
	lsm_options_init(lo);
	lo->create = o->create;
	if (o->cache_bytes)
		lo->cache_bytes = o->cache_bytes;
	if (o->memtable_bytes)
		lo->memtable_bytes = o->memtable_bytes;
	lo->message = report_message;
	lo->message_ctx = (void *)(uintptr_t)path;
}

static int
refuse(const char *path, int err)
{
	if (err == -ENOENT || err == -ENOTDIR)
		report(path,
		    "is not a store; keyfs mount or keyfs put creates one");
	else
		report_errno(path, "cannot open the store", err);
	return COMMAND_UNUSABLE;
}

int
local_open(const char *path, const struct local_options *o, struct local *out)
{
	struct vol_options vo = o->vol;
	struct lsm_options lo;
	struct local l = {0};
	int err;

	engine_options(path, o, &lo);
	err = store_lsm_open(path, &lo, &l.store);
	if (err != 0)
		return refuse(path, err);
	l.db = store_lsm_engine(l.store);
	vo.sink = report_sink(path);
	err = vol_open(l.store, &vo, &l.vol);
	if (err != 0) {
		store_close(l.store);
		return refuse(path, err);
	}
	*out = l;
	return 0;
}

int
local_close(struct local *l, const char *path)
{
	int err = vol_close(l->vol);
	int err2 = store_close(l->store);

	*l = (struct local){0};
	if (err == 0)
		err = err2;
	return err ? report_errno(path, "closing the store", err) : 0;
}
