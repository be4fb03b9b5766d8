#include "tests/support/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct mount now;
static const char *now_durability;
static pid_t now_pid;

struct mount *
mount_now(void)
{
	return &now;
}

/* --- the program --------------------------------------------------------- */

static const char *
program(void)
{
	const char *path = getenv("KEYFS");

	if (!path || !*path)
		check_fail("KEYFS is not set: the program to test");
	return path;
}

int
mount_keyfs(char *const *args)
{
	char *argv[8] = {(char *)(uintptr_t)program()};
	int status;
	pid_t pid;

	for (size_t i = 0; i < 6 && args[i]; i++)
		argv[i + 1] = args[i];
	check_ok(posix_spawn(&pid, argv[0], NULL, NULL, argv, environ));
	check_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void
attach(struct mount *m)
{
	char options[64];
	char *args[] = {"mount", m->store, m->path, "-o", options, NULL};

	snprintf(options, sizeof(options), "durability=%s%s", now_durability,
	    geteuid() == 0 ? ",allow_other" : "");
	check_eq(mount_keyfs(args), 0);
	m->is_mounted = true;
}

static void
detach(struct mount *m)
{
	char *args[] = {"umount", m->path, NULL};

	check_eq(mount_keyfs(args), 0);
	m->is_mounted = false;
}

void
mount_again(struct mount *m)
{
	char here[512];

	if (m->is_plain)
		return;
	check_true(getcwd(here, sizeof(here)) != NULL);
	check_ok(chdir("/"));
	detach(m);
	attach(m);
	check_ok(chdir(here));
}

/* Whatever happened: no mount is left when the program ends. */
static void
detach_by_force(void)
{
	char *args[] = {"fusermount3", "-uz", now.path, NULL};
	pid_t pid;

	if (getpid() != now_pid || !now.is_mounted || chdir("/") != 0)
		return;
	now.is_mounted = false;
	if (umount2(now.path, MNT_DETACH) != 0 &&
	    posix_spawnp(&pid, args[0], NULL, NULL, args, environ) == 0)
		waitpid(pid, NULL, 0);
}

/* --- the cases ----------------------------------------------------------- */

static int
begin_group(void **state)
{
	struct mount *m = &now;

	(void)state;
	*m = (struct mount){.base = check_tmpdir()};
	check_true(asprintf(&m->store, "%s/store", m->base) > 0);
	check_true(asprintf(&m->path, "%s/mnt", m->base) > 0);
	m->is_plain = getenv("PLAIN") != NULL;
	m->is_sync = strcmp(now_durability, "sync") == 0;
	if (now_pid == 0)
		atexit(detach_by_force);
	now_pid = getpid();
	check_ok(chmod(m->base, 0755));
	check_ok(mkdir(m->path, 0755));
	if (!m->is_plain)
		attach(m);
	return 0;
}

static int
end_group(void **state)
{
	(void)state;
	detach_by_force();
	check_rmtree(now.base);
	free(now.store);
	free(now.path);
	return 0;
}

static int
begin_case(void **state)
{
	(void)state;
	umask(022);
	check_ok(chdir(now.path));
	check_ok(mkdir("case", 0755));
	check_ok(chdir("case"));
	return 0;
}

static int
end_case(void **state)
{
	struct stat st;

	(void)state;
	check_ok(chdir(now.path));
	check_rmtree("case");
	check_true(lstat("case", &st) != 0 && errno == ENOENT);
	check_ok(chdir("/"));
	return 0;
}

static void
mount__unmounts_and_is_undamaged(void **state)
{
	char *args[] = {"check", now.store, NULL};

	(void)state;
	if (now.is_plain)
		return;
	check_ok(chdir("/"));
	detach(&now);
	check_eq(mount_keyfs(args), 0);
}

static bool
can_mount(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return getenv("PLAIN") != NULL;
	close(fd);
	return true;
}

static int
run_group(const char *durability, struct CMUnitTest *cases, size_t count)
{
	char name[64];

	now_durability = durability;
	snprintf(name, sizeof(name), "durability=%s", durability);
	return _cmocka_run_group_tests(
	    name, cases, count, begin_group, end_group);
}

int
mount_run(const struct CMUnitTest *tests, size_t count)
{
	struct CMUnitTest *cases = calloc(count + 1, sizeof(*cases));
	const struct CMUnitTest last =
	    cmocka_unit_test(mount__unmounts_and_is_undamaged);
	int failed;

	if (!cases)
		abort();
	for (size_t i = 0; i < count; i++) {
		cases[i] = tests[i];
		cases[i].setup_func = begin_case;
		cases[i].teardown_func = end_case;
		if (!can_mount())
			printf("skip %s no usable /dev/fuse\n", tests[i].name);
	}
	cases[count] = last;
	failed = 0;
	if (can_mount())
		failed = run_group("none", cases, count + 1);
	if (can_mount() && !getenv("PLAIN"))
		failed += run_group("sync", cases, count + 1);
	free(cases);
	return failed;
}

/* --- children ------------------------------------------------------------ */

/* A failed check ends the child; without this it would go on as a second copy
 * of the suite. */
static _Noreturn void
child_run(uid_t uid, gid_t gid, void (*f)(void))
{
	const struct rlimit no_core = {0};

	if (uid != 0 &&
	    (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
		setresuid(uid, uid, uid) != 0))
		_exit(99);
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	setrlimit(RLIMIT_CORE, &no_core);
	f();
	fflush(NULL);
	_exit(0);
}

void
mount_child(uid_t uid, gid_t gid, void (*f)(void))
{
	int status;
	pid_t pid;

	if (uid != 0 && geteuid() != 0)
		check_skip("only root can become another user");
	fflush(NULL);
	pid = fork();
	check_true(pid >= 0);
	if (pid == 0)
		child_run(uid, gid, f);
	check_eq(waitpid(pid, &status, 0), pid);
	check_true(WIFEXITED(status));
	check_eq(WEXITSTATUS(status), 0);
}
