/*
 * open: opening and closing a store.
 */
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"
#include "engine/db/flush.h"
#include "engine/db/holder.h"
#include "engine/db/lab.h"
#include "engine/db/recover.h"
#include "engine/table/cache.h"

/* A value that would take more than this part of the cache is not cached. */
#define OPEN_VALUE_PART 32

void
lsm_options_init(struct lsm_options *o)
{
	*o = (struct lsm_options){
	    .memtable_bytes = 16u << 20,
	    .memtables_max = 2,
	    .cache_bytes = 64u << 20,
	    .block_bytes = 4096,
	    .table_bytes = 16u << 20,
	    .level_base_bytes = 64u << 20,
	    .level0_tables = 4,
	    .compaction_threads = 2,
	    .filter_bits = 10,
	    .value_log_bytes = 1024,
	    .compression = LSM_COMPRESSION_LZ4,
	    .bottom_compression = LSM_COMPRESSION_SAME,
	    .durability = durability_of(DURABILITY_NONE),
	};
}

static bool
open_options_valid(const struct lsm_options *o)
{
	return o->memtable_bytes > 0 && o->memtables_max >= 2 &&
	       o->block_bytes > 0 && o->block_bytes <= LSM_VALUE_MAX &&
	       o->table_bytes > 0 && o->level_base_bytes > 0 &&
	       o->level0_tables > 0 && o->compaction_threads > 0 &&
	       o->compaction_threads <= WORK_THREADS_MAX &&
	       o->compaction_style <= LSM_COMPACTION_LAZY &&
	       o->filter_bits <= 64 && o->value_log_bytes <= LSM_VALUE_MAX &&
	       o->compression <= LSM_COMPRESSION_ZSTD &&
	       o->bottom_compression <= LSM_COMPRESSION_SAME &&
	       !(o->env && o->lab) && durability_valid(&o->durability);
}

static void
open_message(void *ctx, enum err_level level, const char *text)
{
	const struct lsm *db = ctx;

	if (db->options.message)
		db->options.message(db->options.message_ctx, (int)level, text);
}

/* --- the directory -------------------------------------------------------- */

/* What a directory has before it is opened. */
struct open_scan {
	bool store;
	bool others; /* files that are not ours */
};

static int
open_scan_name(void *ctx, const char *name)
{
	struct open_scan *scan = ctx;
	uint64_t number;

	switch (file_name_parse(name, &number)) {
	case FILE_NAME_CURRENT:
	case FILE_NAME_LOG:
	case FILE_NAME_TABLE:
	case FILE_NAME_VALUES:
		scan->store = true;
		break;
	case FILE_NAME_OTHER:
		/* What mkfs puts into an empty file system. */
		if (strcmp(name, "lost+found") != 0)
			scan->others = true;
		break;
	default:
		break;
	}
	return 0;
}

static int
open_mkdir(struct lsm *db, bool *made)
{
	int err = env_mkdir(db->env, db->dir);

	*made = err == 0;
	return err == -EEXIST ? 0 : err;
}

/* Before a store is begun in the directory; also in one that was there, for
 * who made it may have died before its name was durable. */
static int
open_sync_name(struct lsm *db, bool made)
{
	int err = env_sync_parent(db->env, db->dir);

	/* Above is what we may not read: who made this one cares for it. */
	return err == -EACCES && !made ? 0 : err;
}

static int
open_refuse(struct lsm *db, int err, const char *why)
{
	env_log(db->env, ERR_LEVEL_ERROR, "%s: %s", db->dir, why);
	return err;
}

/* Before anything is written there: is it a store, or may it become one? */
static int
open_look(struct lsm *db, bool *store)
{
	struct open_scan scan = {0};
	int err = env_list(db->env, db->dir, open_scan_name, &scan);

	if (err)
		return err;
	*store = scan.store;
	if (scan.store)
		return db->options.must_create
			   ? open_refuse(db, -EEXIST, "there is a store here")
			   : 0;
	if (!db->options.create)
		return open_refuse(db, -ENOENT, "no store here");
	if (scan.others)
		return open_refuse(db, -ENOTEMPTY,
		    "no store here, but other files; choose an empty or new"
		    " directory");
	return 0;
}

static int
open_dir(struct lsm *db)
{
	bool made = false, store;
	int err = db->options.create ? open_mkdir(db, &made) : 0;

	if (!err)
		err = open_look(db, &store);
	if (!err && !store)
		err = open_sync_name(db, made);
	if (err)
		return err;
	if (db->options.lab)
		db->filelock = lab_take_lock(db->options.lab);
	if (db->filelock)
		return 0;
	return holder_acquire(db->env, db->dir, &db->filelock);
}

/* --- the parts ------------------------------------------------------------ */

static int
open_vset(struct lsm *db)
{
	const struct version_place place = {
	    db->env, db->dir, db->cache, &db->values, &db->reaper};
	int err = vset_recover(&db->vset, &place, &db->env->sink);

	if (!err && db->options.must_create) {
		/* By somebody else since open_look. */
		vset_fini(&db->vset);
		return open_refuse(db, -EEXIST, "there is a store here");
	}
	if (err == -ENOENT && db->options.create)
		err = vset_create(&db->vset, &place, &db->env->sink);
	if (!err)
		db->has_vset = true;
	return err;
}

static int
open_threads(struct lsm *db)
{
	int err;

	compaction_feed(db);
	lock_acquire(&db->state_lock);
	work_want(&db->flush);
	work_want(&db->compaction);
	lock_release(&db->state_lock);
	if (db->options.no_background)
		return 0;
	err = reaper_start(&db->reaper);
	if (!err)
		err = work_start(&db->flush, 1);
	if (!err)
		err =
		    work_start(&db->compaction, db->options.compaction_threads);
	if (!err)
		err = work_start(&db->spare, 1);
	return err ? err : pace_start(db);
}

static void
open_stop_threads(struct lsm *db)
{
	pace_stop(db);
	atomic_store(&db->stop, true);
	work_stop(db);
}

static int
open_parts(struct lsm *db)
{
	int err;

	db->cache = cache_new(db->options.cache_bytes);
	if (!db->cache)
		return -ENOMEM;
	values_init(&db->values, db->env, db->dir, db->cache);
	db->values.reaper = &db->reaper;
	db->reaper.env = db->env;
	db->reaper.cache = db->cache;
	db->values.cached_max = db->options.cache_bytes / OPEN_VALUE_PART;
	err = open_dir(db);
	if (!err)
		err = open_vset(db);
	if (!err) {
		reserve_open(db);
		err = recover_run(db);
	}
	return err ? err : open_threads(db);
}

static struct lsm *
open_new(const char *path, const struct lsm_options *o)
{
	struct lsm *db = db_new();

	if (!db)
		return NULL;
	db->options = *o;
	chunk_pool_keep(&db->chunks, o->memtable_bytes);
	db->env = o->lab ? lab_env(o->lab) : o->env;
	if (!db->env) {
		env_posix_init(&db->posix, (struct err_sink){open_message, db});
		db->env = &db->posix;
	}
	work_init(&db->flush, db, "flush", flush_step);
	work_init(&db->compaction, db, "compaction", compaction_step);
	work_init(&db->spare, db, "log preparation", spare_step);
	/* The log does without. */
	db->spare.level = ERR_LEVEL_WARNING;
	pace_init(&db->pace, &o->durability);
	throttle_init(&db->throttle, db->env, o);
	db->dir = strdup(path);
	if (db->dir)
		return db;
	db_free(db);
	return NULL;
}

int
lsm_open(const char *path, const struct lsm_options *o, struct lsm **out)
{
	struct lsm_options defaults;
	struct lsm *db;
	int err;

	if (!o) {
		lsm_options_init(&defaults);
		o = &defaults;
	}
	if (!open_options_valid(o))
		return -EINVAL;
	db = open_new(path, o);
	if (!db)
		return -ENOMEM;
	err = open_parts(db);
	if (err) {
		/* Threads that run may be in the middle of something. */
		open_stop_threads(db);
		db_free(db);
		return err;
	}
	*out = db;
	return 0;
}

int
lsm_close(struct lsm *db)
{
	int err;

	if (!db)
		return 0;
	err = lsm_sync(db, IKEY_SEQ_MAX);
	open_stop_threads(db);
	spare_remove_all(db);
	reserve_close(db);
	if (!db_failed(db))
		segment_cut_all(db);
	db_free(db);
	return err;
}
