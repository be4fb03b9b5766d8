/*
 * env_forget: an env over another one that can forget what was not synced, as
 * a machine does when its power fails.
 *
 * Use: env_forget_new over a base env, open the engine on env_forget_env(f).
 * env_forget_cut, or env_forget_arm for a later moment, is the power cut: from
 * then on every change and every sync fails with -EIO, so nothing is promised
 * any more.  When the engine is closed, env_forget_restart turns the files of
 * the base into what such a cut could have left, and the engine can be opened
 * again, as after a reboot.
 *
 * Everything goes through to the base at once, so the death of the process
 * loses nothing; kept in memory is what it takes to go back: of each file the
 * bytes and sizes since its last sync, of each directory its names since its
 * last sync.  What was removed or renamed over waits beside, under a name that
 * env_forget_list hides (ENV_FORGET_PREFIX), until the directory is synced.
 * env_forget_new removes what an earlier process left of those.
 *
 * What survives is chosen per 512-byte sector of a file, per file size and per
 * change of names: everything synced, and of the rest
 *	none    nothing
 *	prefix  what was done before one moment, over all files and names
 *	random  of each sector and size its state at some moment since the sync;
 *		of the changes of names any subset in which a change of a name
 *		never overtakes an earlier one of the same name; a rename is one
 *		change
 * The same seed and history give the same choice.  A file whose name was not
 * synced can be lost although its bytes were.
 *
 * Operations that change something (create, pwrite, sync, truncate, map_write,
 * rename, unlink, link, mkdir, rmdir, sync_dir) are numbered from 1; what is
 * copied into a mapping is a write like others.  Reading goes on after a cut,
 * on files that are open and on new ones.
 * A rename between two directories is synced by a sync of either.
 * env_forget_fail_sync makes a sync fail as the kernel does it: what it should
 * have covered can be read, and later syncs of the file succeed, but nothing of
 * the file becomes durable before env_settle has let go of what is in memory.
 * Limits: a directory that mkdir makes, or rmdir removes, is synced at once; it
 * can be removed if it was synced after its last unlink; directories are not
 * renamed; two names that a file had before env_forget_new are taken for
 * two files.  The base must have hard links.
 * Threads: any.  Sync runs beside other calls: what is written during a sync is
 * not covered by it; a sync in flight at the cut fails, and what it covers is
 * unsynced.
 * Errors: those of the base; -ENOMEM from a change that could not be noted
 * (which is then not made); -EIO after the cut.
 */
#ifndef ENGINE_OS_ENV_FORGET_H
#define ENGINE_OS_ENV_FORGET_H

#include "engine/os/env.h"

#define ENV_FORGET_PREFIX ".forgotten-"
#define ENV_FORGET_SECTOR 512

struct env_forget;

struct env_forget_options {
	/* Directory whose leftovers env_forget_new removes; NULL: none. */
	const char *dir;
	/* A sync of the base is left out: for tests, which play the cuts
	 * themselves and need no disk to obey. */
	bool no_device_sync;
};

int env_forget_new(struct env *base, const struct env_forget_options *o,
    struct env_forget **out);

/* All its files are closed.  Nothing is lost: the base has everything. */
void env_forget_free(struct env_forget *f);
struct env *env_forget_env(struct env_forget *f);

/* Every sync takes so much longer, as on a slow disk.  Any time. */
void env_forget_set_sync_delay(struct env_forget *f, uint64_t us);

/* The next sync of a file whose path has part in it (which stays the caller's)
 * fails; NULL takes an earlier order back. */
void env_forget_fail_sync(struct env_forget *f, const char *part);

enum env_forget_keep {
	ENV_FORGET_KEEP_NONE,
	ENV_FORGET_KEEP_PREFIX,
	ENV_FORGET_KEEP_RANDOM,
};

struct env_forget_how {
	enum env_forget_keep keep;
	uint64_t seed;
};

/* Now.  After the first cut until the restart it does nothing. */
void env_forget_cut(struct env_forget *f, const struct env_forget_how *how);

/*
 * At the n-th changing operation from now on (n >= 1), which fails and does
 * nothing; 0 takes an earlier order back.  cut (may be NULL) is called once
 * when it happens, by the thread whose operation it was, without locks of this
 * module; it must not wait.
 */
void env_forget_arm(struct env_forget *f, uint64_t n,
    const struct env_forget_how *how, void (*cut)(void *ctx), void *ctx);
bool env_forget_is_cut(struct env_forget *f);

/* What a restart threw away. */
struct env_forget_report {
	uint64_t ops;         /* changing operations since env_forget_new */
	uint64_t writes;      /* that were not synced, */
	uint64_t writes_lost; /* wholly or in part */
	uint64_t bytes_lost;
	uint64_t names; /* changes of names that were not synced, */
	uint64_t names_lost;
};

/*
 * After a cut (must): the base becomes what the cut left, and changes work
 * again.  -EBUSY: files are still open.  After another error the base is
 * somewhere between; out (may be NULL) is set on success.
 */
int env_forget_restart(struct env_forget *f, struct env_forget_report *out);

/* Operations so far, for the use of arm. */
uint64_t env_forget_ops(struct env_forget *f);

#endif
