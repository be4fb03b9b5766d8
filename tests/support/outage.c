#include "tests/support/outage.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/must.h"
#include "fs/fuse/session.h"
#include "fs/store/store.h"
#include "fs/vol/vol_lab.h"
#include "tests/support/file.h"
#include "tests/support/store_mem.h"

extern char **environ;

enum outage_how {
	OUTAGE_OLD_KERNEL = 1,
	OUTAGE_SLOW = 2,
	OUTAGE_FAILS = 4,
	OUTAGE_IGNORES = 8,
	OUTAGE_BATCH = 16,
	OUTAGE_LATE = 32,
	OUTAGE_BUSY = 64,
	OUTAGE_DAMAGED = 128,
};

#define READY_FD        3
#define STATUS_FAILED   3
#define SLOW_RESTART_US 50000

/* --- the server ----------------------------------------------------------- */

static struct {
	struct session *session;
	struct vol *vol;
	unsigned how;
	struct store_ops ops; /* those of a store in memory, and ours */
	int (*mem_write)(struct store *, struct store_batch *,
	    const struct durability *, struct store_written *);
	int (*mem_sync)(struct store *, uint64_t);
	int (*mem_space)(struct store *, uint64_t *, uint64_t *);
	int (*mem_next)(struct store_iter *);

	/* Changed while nothing is in work. */
	struct store *store;
	atomic_bool is_dead;
	atomic_bool has_failed;

	pthread_mutex_t mu; /* protects: */
	struct store *kept;
} server = {.mu = PTHREAD_MUTEX_INITIALIZER};

static void
server_keep(struct store *s)
{
	must(pthread_mutex_lock(&server.mu) == 0);
	if (server.kept)
		store_close(server.kept);
	server.kept = store_mem_clone(s);
	must(pthread_mutex_unlock(&server.mu) == 0);
}

static int
server_write(struct store *s, struct store_batch *b, const struct durability *d,
    struct store_written *out)
{
	return atomic_load(&server.is_dead) ? -EIO
					    : server.mem_write(s, b, d, out);
}

static int
server_sync(struct store *s, uint64_t seq)
{
	int err = atomic_load(&server.is_dead) ? -EIO : server.mem_sync(s, seq);

	if (err == 0)
		server_keep(s);
	return err;
}

/* What .keyfs/compact is written for here. */
static int
server_compact(struct store *s)
{
	(void)s;
	atomic_store(&server.is_dead, true);
	session_power_cut(server.session);
	return 0;
}

/* What .keyfs/check is written for. */
static int
server_check(
    struct store *s, void (*finding)(void *ctx, const char *text), void *ctx)
{
	(void)s;
	(void)finding;
	(void)ctx;
	atomic_store(&server.has_failed, true);
	return 0;
}

static int
server_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes)
{
	if (server.how & OUTAGE_BUSY)
		usleep(OUTAGE_BUSY_US);
	return server.mem_space(s, free_bytes, total_bytes);
}

static int
server_failure(struct store *s)
{
	(void)s;
	return atomic_load(&server.has_failed) ? -EIO : 0;
}

static int
server_next(struct store_iter *it)
{
	const struct bytes name = bytes_str(OUTAGE_DAMAGED_NAME);
	int r = server.mem_next(it);

	if (r != 1 || !(server.how & OUTAGE_DAMAGED) ||
	    it->key.size < name.size)
		return r;
	return memcmp(it->key.data + it->key.size - name.size, name.data,
		   name.size) == 0
		   ? ERR_DAMAGED
		   : r;
}

static void
server_use(struct store *s)
{
	if (!server.mem_write) {
		server.mem_write = s->ops->write;
		server.mem_sync = s->ops->sync;
		server.mem_space = s->ops->space;
		server.mem_next = s->ops->iter_next;
		server.ops = *s->ops;
		server.ops.write = server_write;
		server.ops.sync = server_sync;
		server.ops.compact = server_compact;
		server.ops.check = server_check;
		server.ops.failure = server_failure;
		server.ops.space = server_space;
		server.ops.iter_next = server_next;
	}
	s->ops = &server.ops;
	server.store = s;
}

static int
server_restart(void *ctx)
{
	struct store *left;

	(void)ctx;
	if (server.how & OUTAGE_SLOW)
		usleep(SLOW_RESTART_US);
	if (server.how & OUTAGE_FAILS)
		return -EIO;
	vol_stop(server.vol);
	/* A thread of the store that the cut has surprised. */
	if (server.how & OUTAGE_LATE)
		session_power_cut(server.session);
	must(store_close(server.store) == 0);
	left = store_mem_clone(server.kept);
	server_use(left);
	atomic_store(&server.is_dead, false);
	return vol_restart(server.vol, left);
}

static void
server_ready(void *ctx)
{
	ssize_t n = write(READY_FD, "r", 1);

	(void)ctx;
	must(n == 1);
}

static void
server_message(void *ctx, enum err_level level, const char *text)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "%s\n", text);
}

static int
serve(char **argv)
{
	struct vol_options vo = {.sink.write = server_message};
	struct session_options so = {
	    .mountpoint = argv[1],
	    .source = "outage",
	    .restart = server_restart,
	};
	const struct durability batch = durability_of(DURABILITY_BATCH);
	int err;

	server.how = (unsigned)atoi(argv[2]);
	so.old_kernel = server.how & OUTAGE_OLD_KERNEL;
	so.fsync_ignored = server.how & OUTAGE_IGNORES;
	server_use(store_mem_new());
	err = vol_open(server.store, &vo, &server.vol);
	must(err == 0);
	server_keep(server.store);
	if (server.how & OUTAGE_BATCH) {
		err = vol_set_durability(server.vol, &batch);
		must(err == 0);
	}
	err = session_open(server.vol, &so, &server.session);
	must(err == 0);
	err = session_run(server.session, server_ready, NULL);
	session_close(server.session);
	vol_close(server.vol);
	store_close(server.store);
	store_close(server.kept);
	return err ? STATUS_FAILED : 0;
}

/* --- the mount, seen from outside ----------------------------------------- */

static char mount_path[512];
static pid_t server_pid;
static pid_t own_pid;
static unsigned how_now;

const char *
outage_root(void)
{
	return mount_path;
}

pid_t
outage_server(void)
{
	return server_pid;
}

/* Whatever happened, no mount is left. */
static void
detach(void)
{
	if (getpid() == own_pid && server_pid != 0 && chdir("/") == 0)
		umount2(mount_path, MNT_DETACH);
}

static void
start_server(unsigned how, int ready)
{
	char text[16];
	char *argv[] = {"outage-server", mount_path, text, NULL};
	posix_spawn_file_actions_t files;

	snprintf(text, sizeof(text), "%u", how);
	check_ok(posix_spawn_file_actions_init(&files));
	check_ok(posix_spawn_file_actions_adddup2(&files, ready, READY_FD));
	check_ok(posix_spawn(
	    &server_pid, "/proc/self/exe", &files, NULL, argv, environ));
	check_ok(posix_spawn_file_actions_destroy(&files));
}

static void
begin(unsigned how)
{
	int ends[2];
	char c;

	if (own_pid == 0)
		atexit(detach);
	own_pid = getpid();
	snprintf(mount_path, sizeof(mount_path), "%s/mnt", check_tmpdir());
	check_ok(mkdir(mount_path, 0755));
	check_ok(pipe2(ends, O_CLOEXEC));
	start_server(how, ends[1]);
	close(ends[1]);
	check_eq(read(ends[0], &c, 1), 1);
	close(ends[0]);
	check_ok(chdir(mount_path));
}

int
outage_server_ended(void)
{
	pid_t pid = server_pid;
	int status;

	server_pid = 0;
	check_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
outage_setup(void **state)
{
	(void)state;
	begin(how_now);
	return 0;
}

int
outage_setup_slow(void **state)
{
	(void)state;
	begin(how_now | OUTAGE_SLOW);
	return 0;
}

int
outage_setup_failing(void **state)
{
	(void)state;
	begin(how_now | OUTAGE_FAILS);
	return 0;
}

int
outage_setup_ignoring(void **state)
{
	(void)state;
	begin(how_now | OUTAGE_IGNORES);
	return 0;
}

int
outage_setup_late(void **state)
{
	(void)state;
	begin(how_now | OUTAGE_LATE);
	return 0;
}

int
outage_setup_batch(void **state)
{
	(void)state;
	begin(how_now | OUTAGE_BATCH);
	return 0;
}

int
outage_setup_busy(void **state)
{
	(void)state;
	begin(how_now | OUTAGE_BUSY);
	return 0;
}

int
outage_setup_damaged(void **state)
{
	(void)state;
	begin(how_now | OUTAGE_DAMAGED);
	return 0;
}

int
outage_teardown(void **state)
{
	int err;

	(void)state;
	check_ok(chdir("/"));
	err = unmount_path(mount_path, false);
	if (err) {
		/* A case that failed has left files open. */
		detach();
		kill(server_pid, SIGKILL);
	}
	check_eq(outage_server_ended(), 0);
	check_ok(err);
	return 0;
}

static int
order(const char *name)
{
	char path[600];
	int fd, err;

	snprintf(path, sizeof(path), "%s/.keyfs/%s", mount_path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	err = fd < 0 || write(fd, "now\n", 4) != 4 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return err;
}

void
outage_keep(void)
{
	check_ok(order("sync"));
}

int
outage_try_cut(void)
{
	return order("compact");
}

void
outage_cut(void)
{
	check_ok(outage_try_cut());
}

void
outage_fail(void)
{
	check_ok(order("check"));
}

unsigned
outage_figure(const char *name)
{
	char text[8192], want[64];
	int fd = file_open(".keyfs/stats", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	unsigned value = 0;
	const char *at;

	check_true(n > 0);
	text[n] = '\0';
	file_close(fd);
	snprintf(want, sizeof(want), "\n%s ", name);
	check_contains(text, want);
	at = strstr(text, want) + strlen(want);
	check_eq(sscanf(at, "%u", &value), 1);
	return value;
}

static int
run_group(const char *name, unsigned how, const struct CMUnitTest *tests,
    size_t count)
{
	how_now = how;
	return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

int
outage_run(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
	int fd;

	if (argc == 3)
		return serve(argv);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		printf("skip outage no usable /dev/fuse\n");
		return 0;
	}
	close(fd);
	return run_group("all names at once", 0, tests, count) +
	       run_group("name by name", OUTAGE_OLD_KERNEL, tests, count);
}
