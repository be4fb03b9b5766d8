#include "fs/fuse/session.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/base/must.h"
#include "fs/fuse/cut.h"
#include "fs/fuse/loop.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/unmount.h"
#include "fs/vol/vol_lab.h"

#define REQUEST_BYTES_MAX (1u << 20)
#define BACKGROUND_MAX    64

/* Kernels from this minor version of the protocol on know the notice for all
 * dentries (notice.c). */
#define MINOR_WITH_EPOCHS 44

struct session {
	struct served served;
	struct fuse_session *se;
	char *mountpoint;
	bool is_mounted;
	int wake_fd; /* eventfd: the session ended, or is to stop */
	void (*ready)(void *ctx);
	void *ready_ctx;
};

/* --- the kernel's first request ----------------------------------------- */

static void
op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct served *sd = userdata;

	/* A request is taken by read(2) into memory: batches copy from it.
	 * OPEN is not served, so O_TRUNC has to come as a SETATTR. */
	unsigned unwanted = FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_HANDLE_KILLPRIV |
			    FUSE_CAP_ATOMIC_O_TRUNC;
	unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_READDIRPLUS |
			  FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA |
			  FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS;

	sd->has_epochs &= conn->proto_minor >= MINOR_WITH_EPOCHS;
	conn->want &= ~unwanted;
	conn->want |= wanted & conn->capable;
	conn->max_write = REQUEST_BYTES_MAX;
	conn->max_readahead = REQUEST_BYTES_MAX;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX * 3 / 4;
	conn->time_gran = 1;
}

static void
fill_ops(struct fuse_lowlevel_ops *ops)
{
	ops->init = op_init;
	ops_name_fill(ops);
	ops_attr_fill(ops);
	ops_data_fill(ops);
	ops_dir_fill(ops);
}

/* --- mounting ------------------------------------------------------------ */

static int
add_option(char **opts, const char *name, const char *value)
{
	char *opt = NULL;
	int err;

	if (asprintf(&opt, "%s%s", name, value) < 0)
		return -ENOMEM;
	err = fuse_opt_add_opt_escaped(opts, opt) == 0 ? 0 : -ENOMEM;
	free(opt);
	return err;
}

static int
make_args(const struct session_options *o, struct fuse_args *args)
{
	char *opts = NULL;
	int err = add_option(&opts, "fsname=", o->source);

	if (err == 0 &&
	    (fuse_opt_add_opt(&opts, "subtype=keyfs") != 0 ||
		fuse_opt_add_opt(&opts, "default_permissions") != 0 ||
		(o->kernel && *o->kernel &&
		    fuse_opt_add_opt(&opts, o->kernel) != 0) ||
		fuse_opt_add_arg(args, "keyfs") != 0 ||
		fuse_opt_add_arg(args, "-o") != 0 ||
		fuse_opt_add_arg(args, opts) != 0 ||
		(o->debug && fuse_opt_add_arg(args, "-d") != 0)))
		err = -ENOMEM;
	free(opts);
	return err;
}

/* Signals wait until session_run looks at them. */
static void
stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

static int
mount_session(struct session *s, const struct session_options *o)
{
	struct fuse_lowlevel_ops ops = {0};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	sigset_t stop;
	int err = make_args(o, &args);

	if (err != 0)
		goto out;
	fill_ops(&ops);
	stop_signals(&stop);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	err = -EINVAL;
	s->se = fuse_session_new(&args, &ops, sizeof(ops), &s->served);
	if (!s->se)
		goto out;
	err = -EIO;
	if (fuse_session_mount(s->se, o->mountpoint) != 0)
		goto out;
	s->is_mounted = true;
	err = 0;
out:
	fuse_opt_free_args(&args);
	return err;
}

static void
on_restart_failed(void *ctx)
{
	session_stop(ctx);
}

/* Under these policies a change is synced after it was answered. */
static bool
syncs_in_background(struct vol *v)
{
	struct durability d;

	vol_get_durability(v, &d);
	return d.policy == DURABILITY_BATCH || d.policy == DURABILITY_ADAPTIVE;
}

static int
add_cut(struct session *s, const struct session_options *o)
{
	struct cut_events events = {
	    .restart = o->restart,
	    .restart_ctx = o->restart_ctx,
	    .failed = on_restart_failed,
	    .failed_ctx = s,
	};

	return o->restart ? cut_new(&s->served, &events, &s->served.cut) : 0;
}

int
session_open(
    struct vol *v, const struct session_options *o, struct session **out)
{
	struct session *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		return err;
	s->served.vol = v;
	s->served.fsync_ignored = o->fsync_ignored;
	s->served.has_epochs = !o->old_kernel;
	s->served.closes_tell = syncs_in_background(v);
	s->wake_fd = eventfd(0, EFD_CLOEXEC);
	s->mountpoint = strdup(o->mountpoint);
	if (s->wake_fd < 0)
		err = -errno;
	else if (s->mountpoint)
		err = add_cut(s, o);
	if (err == 0)
		err = mount_session(s, o);
	if (err != 0) {
		session_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void
session_close(struct session *s)
{
	if (s->is_mounted)
		fuse_session_unmount(s->se);
	/* Sends what nobody answered. */
	cut_free(s->served.cut);
	if (s->se)
		fuse_session_destroy(s->se);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s->mountpoint);
	free(s);
}

/* --- serving --------------------------------------------------------------*/

void
session_stop(struct session *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->wake_fd, &one, sizeof(one));

	(void)n; /* a full counter has been told before */
}

void
session_power_cut(struct session *s)
{
	must(s->served.cut);
	loop_order_cut();
	cut_order(s->served.cut);
}

static void
on_ended(void *ctx)
{
	session_stop(ctx);
}

static void
on_ready(void *ctx)
{
	struct session *s = ctx;

	if (s->ready)
		s->ready(s->ready_ctx);
}

/* Until the kernel unmounted (0) or a signal asks for it (1). */
static int
wait_for_end(struct session *s, int signal_fd)
{
	struct pollfd fds[] = {{s->wake_fd, POLLIN, 0}, {signal_fd, POLLIN, 0}};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return fds[0].revents ? 0 : 1;
}

/* A signal asks for the end: nobody may use the mount any more, and what was
 * acknowledged is made durable.  Who still has files open gets ENOTCONN. */
static int
leave(struct session *s)
{
	struct cut *cut = s->served.cut;
	struct vol *v = s->served.vol;
	int err;

	if (cut)
		gate_enter(cut_gate(cut));
	err = vol_sync(v, vol_seq(v));
	if (cut)
		gate_leave(cut_gate(cut));
	if (unmount_path(s->mountpoint, false) != 0)
		unmount_path(s->mountpoint, true);
	return err;
}

/* With the loop running, which power cuts need to the last. */
static int
serve(struct session *s, int signal_fd)
{
	struct cut *cut = s->served.cut;
	int err = cut ? cut_start(cut, s->se) : 0;
	int failed = 0;

	if (err == 0)
		err = wait_for_end(s, signal_fd);
	if (err == 1)
		err = leave(s);
	if (cut)
		failed = cut_stop(cut);
	return failed ? failed : err;
}

int
session_run(struct session *s, void (*ready)(void *ctx), void *ctx)
{
	struct loop_events events = {on_ready, on_ended, s};
	struct loop *loop;
	sigset_t stop;
	int signal_fd;
	int err;

	s->ready = ready;
	s->ready_ctx = ctx;
	stop_signals(&stop);
	signal_fd = signalfd(-1, &stop, SFD_CLOEXEC);
	if (signal_fd < 0)
		return -errno;
	err = loop_start(s->se, &s->served, &events, &loop);
	if (err == 0) {
		err = serve(s, signal_fd);
		loop_stop(loop);
	}
	close(signal_fd);
	return err;
}
