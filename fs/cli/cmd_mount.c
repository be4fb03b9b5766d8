#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/cli/commands.h"
#include "fs/cli/daemon.h"
#include "fs/cli/lab_store.h"
#include "fs/cli/mount_table.h"
#include "fs/cli/report.h"
#include "fs/fuse/session.h"

struct mount_args {
	const char *store;
	const char *mountpoint;
	bool foreground;
	bool debug;
	struct option option;
	struct local_options local;
	char store_path[PATH_MAX]; /* absolute */
	char mount_path[PATH_MAX];
};

/* --- arguments ----------------------------------------------------------- */

/* text NULL: that was all. */
static int
take_option_text(struct mount_args *a, const char *text)
{
	struct buf why = {0};
	int err = text ? option_parse(&a->option, text, &why)
		       : option_check(&a->option, &why);

	if (err == -EINVAL)
		report(a->store, "%.*s", (int)why.size, (char *)why.data);
	buf_fini(&why);
	return err == 0 ? COMMAND_DONE : COMMAND_USAGE;
}

static int
parse(int argc, char **argv, struct mount_args *a)
{
	int status = COMMAND_DONE;
	int c;

	optind = 1;
	/* s, n, v and t come from mount(8); they change nothing here. */
	while (status == COMMAND_DONE &&
	       (c = getopt(argc, argv, "fdo:snvt:")) != -1) {
		if (c == 'f')
			a->foreground = true;
		else if (c == 'd')
			a->debug = a->foreground = true;
		else if (c == 'o')
			status = take_option_text(a, optarg);
		else if (c == '?')
			status = command_usage(&cmd_mount);
	}
	if (status == COMMAND_DONE && argc - optind != 2)
		status = command_usage(&cmd_mount);
	if (status == COMMAND_DONE)
		status = take_option_text(a, NULL);
	if (status == COMMAND_DONE) {
		a->store = argv[optind];
		a->mountpoint = argv[optind + 1];
	}
	return status;
}

/* --- the mount point ------------------------------------------------------ */

/* A daemon was killed and its mount is still there: every access fails with
 * ENOTCONN.  Nothing is lost by taking it away. */
static int
clear_dead_mount(const struct mount_args *a)
{
	int err = unmount_path(a->mountpoint, true);

	if (err != 0) {
		report(a->mountpoint,
		    "a file system is mounted here whose process has died, "
		    "and it cannot be unmounted (%s); try: fusermount3 -u %s",
		    err_text(err), a->mountpoint);
		return COMMAND_UNUSABLE;
	}
	report(a->mountpoint,
	    "unmounted the file system of a process that had died");
	return COMMAND_DONE;
}

static bool
is_mount_root(const char *path, const struct stat *st)
{
	char parent[PATH_MAX + 4];
	struct stat up;

	snprintf(parent, sizeof(parent), "%s/..", path);
	return stat(parent, &up) == 0 && up.st_dev != st->st_dev;
}

static int
check_mountpoint(struct mount_args *a)
{
	struct statvfs fs;
	struct stat st;
	int status;

	/* Attributes of a dead mount are still cached; its statfs is not. */
	if (statvfs(a->mountpoint, &fs) != 0 && mount_table_died(-errno)) {
		status = clear_dead_mount(a);
		if (status != COMMAND_DONE)
			return status;
	}
	if (!realpath(a->mountpoint, a->mount_path) ||
	    stat(a->mount_path, &st) != 0) {
		report(a->mountpoint, "mount point: %s; create it with mkdir",
		    err_text(-errno));
		return COMMAND_UNUSABLE;
	}
	if (!S_ISDIR(st.st_mode)) {
		report(a->mountpoint, "mount point is not a directory");
		return COMMAND_UNUSABLE;
	}
	if (is_mount_root(a->mount_path, &st)) {
		report(a->mountpoint,
		    "busy: something is mounted here; unmount it first");
		return COMMAND_UNUSABLE;
	}
	return COMMAND_DONE;
}

/* The store's absolute path, also when it does not exist yet. */
static int
find_store(struct mount_args *a)
{
	if (realpath(a->store, a->store_path))
		return COMMAND_DONE;
	if (errno == ENOENT && mkdir(a->store, 0777) == 0 &&
	    realpath(a->store, a->store_path))
		return COMMAND_DONE;
	report(a->store, "cannot create the store directory: %s",
	    err_text(-errno));
	return COMMAND_UNUSABLE;
}

/* --- serving -------------------------------------------------------------- */

static int
open_store(struct mount_args *a, struct local *l)
{
	struct local_holder holder;
	int status;
	int err;

	a->local = (struct local_options){
	    .create = true,
	    .cache_bytes = a->option.cache_bytes,
	    .memtable_bytes = a->option.memtable_bytes,
	    .durability = a->option.durability,
	    .lab = a->option.lab,
	    .sync_delay_ms = a->option.sync_delay_ms,
	    .vol =
		{
		    .root_uid = getuid(),
		    .root_gid = getgid(),
		    .block_bytes = a->option.block_bytes,
		    .inline_bytes = a->option.inline_bytes,
		    .read_only = a->option.read_only,
		},
	};
	status = local_open_wait(a->store_path, &a->local, l, &holder);
	if (status != COMMAND_DONE)
		return status;
	if (!l->store) {
		report(a->store_path,
		    "is mounted already on %s, by process %d; see keyfs "
		    "umount --help",
		    holder.mountpoint, (int)holder.pid);
		return COMMAND_UNUSABLE;
	}
	err = lsm_set_note(l->db, a->mount_path);
	if (err == 0)
		return COMMAND_DONE;
	local_close(l, a->store_path);
	return report_errno(a->store_path, "writing the lock file", err);
}

static void
on_ready(void *foreground)
{
	if (*(bool *)foreground)
		return;
	report_to_syslog();
	daemon_ready();
}

static int
serve(struct mount_args *a, struct local *l, struct lab_store *lab)
{
	struct session_options o = {
	    .mountpoint = a->mount_path,
	    .source = a->store_path,
	    .kernel = (const char *)a->option.kernel.data,
	    .debug = a->debug,
	    .fsync_ignored = a->option.fsync_ignored,
	};
	struct session *s;
	int err;

	lab_store_fill(lab, &o);
	err = session_open(l->vol, &o, &s);
	if (err != 0) {
		report(a->mountpoint, "cannot mount; see the message above");
		return COMMAND_UNUSABLE;
	}
	lab_store_begin(lab, s);
	err = session_run(s, on_ready, &a->foreground);
	lab_store_end(lab);
	session_close(s);
	if (err != 0)
		return report_errno(a->store_path, "serving the mount", err);
	return COMMAND_DONE;
}

/* *lab stays NULL if there is to be none. */
static int
open_lab(struct mount_args *a, struct local *l, struct lab_store **lab)
{
	const struct lab_store_options o = {
	    .path = a->store_path,
	    .local = &a->local,
	    .fsync_ignored = a->option.fsync_ignored,
	};

	if (!a->option.lab)
		return COMMAND_DONE;
	*lab = lab_store_new(&o, l);
	if (!*lab)
		return report_errno(a->store_path, "power cuts", -ENOMEM);
	if (o.fsync_ignored)
		report(a->store_path,
		    "fsync=ignore: fsync does nothing; for experiments only");
	return COMMAND_DONE;
}

static int
open_and_serve(struct mount_args *a)
{
	struct lab_store *lab = NULL;
	struct local l;
	int status = open_store(a, &l);
	int closed;

	if (status != COMMAND_DONE)
		return status;
	status = open_lab(a, &l, &lab);
	if (status == COMMAND_DONE)
		status = serve(a, &l, lab);
	closed = local_close(&l, a->store_path);
	lab_store_free(lab);
	return status == COMMAND_DONE ? closed : status;
}

static int
run(int argc, char **argv)
{
	struct mount_args a = {0};
	int status = parse(argc, argv, &a);
	int err = 0;

	if (status == COMMAND_DONE)
		status = check_mountpoint(&a);
	if (status == COMMAND_DONE)
		status = find_store(&a);
	if (status == COMMAND_DONE && !a.foreground)
		err = daemon_fork();
	if (err != 0)
		status = report_errno(a.store, "cannot start a process", err);
	if (status == COMMAND_DONE)
		status = open_and_serve(&a);
	option_fini(&a.option);
	return status;
}

const struct command cmd_mount = {
    .name = "mount",
    .args = "STORE MOUNTPOINT [-f] [-o OPTION,...]",
    .summary = "Mounts a store, creating it if it is missing",
    .help = "Returns when the mount is usable.\n\n"
	    "  -f  stay in the foreground\n"
	    "  -d  show every request of the kernel (implies -f)\n"
	    "  -o  options:\n\n",
    .run = run,
    .more = option_help,
};
