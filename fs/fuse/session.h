/*
 * session: a volume mounted through libfuse's low-level API.
 *
 * Use: session_open mounts, session_run serves until the file system is
 * unmounted or session_stop is called, session_close unmounts what is still
 * mounted and frees.  The volume stays the caller's.
 * Threads: session_stop from any thread or, through the descriptor of
 * session_stop_fd, from a signal handler; the others from one thread.
 * Errors: 0 or -errno; a failing mount has told why on standard error.
 */
#ifndef FS_FUSE_SESSION_H
#define FS_FUSE_SESSION_H

/* The other parts of this door. */
#include "fs/fuse/option.h"
#include "fs/fuse/unmount.h"
#include "fs/vol/vol.h"

struct session;

struct session_options {
	const char *mountpoint; /* absolute */
	const char *source;     /* shown by mount(8) */
	const char *kernel;     /* options for the kernel, "a,b=c"; or NULL */
	bool debug;             /* libfuse prints every request */
	bool fsync_ignored;     /* fsync=ignore: answered, not done */
	/*
	 * Mount option lab: called after a power cut, in a thread of the
	 * session, when no request is in work; brings the store and the volume
	 * back (vol_restart).  NULL: there are no power cuts.  On an error the
	 * session ends.
	 */
	int (*restart)(void *ctx);
	void *restart_ctx;
	bool old_kernel; /* do as before Linux 6.16: to test that */
};

int session_open(
    struct vol *v, const struct session_options *o, struct session **out);

/* Calls ready once, from another thread, when the kernel's first request was
 * answered: from then on the mount is usable. */
int session_run(struct session *s, void (*ready)(void *ctx), void *ctx);
void session_stop(struct session *s);

/*
 * The power was cut: nothing that the volume does now has an effect.  Returns
 * at once.  Soon, when no request is in work, `restart` is called, requests are
 * served again, and the kernel is told to forget what it knew.  Open files of
 * before get EIO from then on.  From any thread, also a request's: the answer
 * to a write that ordered the cut (to a control file) waits for the end.
 * Orders that come before the restart has ended are all one.  Not after
 * session_close.
 */
void session_power_cut(struct session *s);
void session_close(struct session *s);

#endif
