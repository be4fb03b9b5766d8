/* An ordinary user on the mount, and locks. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "tests/support/file.h"
#include "tests/support/mount.h"

static void
as_nobody(void (*f)(void))
{
	mount_child(MOUNT_NOBODY, MOUNT_NOBODY, f);
}

/* A directory that the user may write to; the case goes on in it. */
static void
enter_home(void)
{
	check_ok(call(mkdir("home", 0755)));
	if (geteuid() == 0)
		check_ok(call(chown("home", MOUNT_NOBODY, MOUNT_NOBODY)));
	check_ok(call(chdir("home")));
}

static void
write_a_read_only_file(void)
{
	char name[16];
	int fd;

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "obj%d", i);
		fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0444);
		check_true(call(fd) >= 0);
		check_eq(call(write(fd, "object", 6)), 6);
		file_fd_is(fd, "object");
		file_close(fd);
		check_eq(file_stat(name).st_mode, S_IFREG | 0444);
		check_eq(file_stat(name).st_uid, getuid());
	}
	check_err(call(open("obj0", O_RDWR)), -EACCES);
	fd = open("none", O_CREAT | O_EXCL | O_RDWR, 0);
	check_eq(call(write(fd, "secret", 6)), 6);
	file_close(fd);
	check_err(call(open("none", O_RDONLY)), -EACCES);
	check_ok(call(rename("obj0", "obj")));
	check_ok(call(unlink("obj1")));
}

static void
user__creates_a_read_only_file_and_writes_it(void **state)
{
	(void)state;
	enter_home();
	as_nobody(write_a_read_only_file);
}

static void
try_what_is_not_allowed(void)
{
	check_err(call(open("secret", O_RDONLY)), -EACCES);
	check_err(call(open("public", O_RDWR)), -EACCES);
	check_err(call(truncate("public", 0)), -EACCES);
	check_err(call(open("new", O_RDWR | O_CREAT, 0644)), -EACCES);
	check_err(call(mkdir("new", 0755)), -EACCES);
	check_err(call(unlink("public")), -EACCES);
	check_err(call(rename("public", "p")), -EACCES);
	check_err(call(chmod("public", 0666)), -EPERM);
	check_err(call(chown("public", getuid(), getgid())), -EPERM);
	check_err(call(open("closed/f", O_RDONLY)), -EACCES);
	check_err(call(access("closed/f", F_OK)), -EACCES);
	check_err(call(open("sticky/theirs", O_WRONLY)), -EACCES);
	file_put("sticky/mine", "mine");
	check_err(call(unlink("sticky/theirs")), -EPERM);
	check_err(call(rename("sticky/mine", "sticky/theirs")), -EPERM);
	check_ok(call(rename("sticky/mine", "sticky/my")));
	check_err(call(mknod("sticky/dev", S_IFCHR | 0600, 259)), -EPERM);
	file_is("public", "public");
}

static void
user__permissions_hold(void **state)
{
	(void)state;
	file_put("secret", "secret");
	check_ok(call(chmod("secret", 0600)));
	file_put("public", "public");
	check_ok(call(mkdir("closed", 0700)));
	file_put("closed/f", "");
	check_ok(call(mkdir("sticky", 0755)));
	check_ok(call(chmod("sticky", 01777)));
	file_put("sticky/theirs", "");
	as_nobody(try_what_is_not_allowed);
	file_is("sticky/my", "mine");
}

static void
use_own_files(void)
{
	struct stat st;
	int fd;

	check_ok(call(mkdir("d", 0755)));
	file_put("d/f", "text");
	st = file_stat("d/f");
	check_eq(st.st_uid, getuid());
	check_eq(st.st_gid, getgid());
	check_eq(file_stat("d").st_uid, getuid());
	check_ok(call(chmod("d/f", 06755)));
	check_eq(file_stat("d/f").st_mode & 07777, 06755);
	/* A write takes setuid and setgid away. */
	fd = file_open("d/f", O_WRONLY);
	check_eq(call(write(fd, "T", 1)), 1);
	file_close(fd);
	check_eq(file_stat("d/f").st_mode & 07777, 0755);
	check_err(call(chown("d/f", 0, (gid_t)-1)), -EPERM);
	check_ok(call(utimensat(AT_FDCWD, "d/f", NULL, 0)));
	check_ok(call(unlink("d/f")));
	check_ok(call(rmdir("d")));
}

static void
user__owns_what_it_creates(void **state)
{
	(void)state;
	enter_home();
	as_nobody(use_own_files);
}

/* What root gives away loses setuid. */
static void
user__chown_clears_setuid(void **state)
{
	(void)state;
	if (geteuid() != 0)
		check_skip("only root can give files away");
	file_put("f", "");
	check_ok(call(chmod("f", 06755)));
	check_ok(call(chown("f", 1000, 1000)));
	check_eq(file_stat("f").st_mode & 07777, 0755);
}

/* --- locks --------------------------------------------------------------- */

static struct flock
lock_of(short type, off_t start, off_t size)
{
	return (struct flock){.l_type = type, .l_start = start, .l_len = size};
}

static void
try_locks(void)
{
	struct flock whole = lock_of(F_WRLCK, 0, 0);
	struct flock part = lock_of(F_RDLCK, 0, 50);
	struct flock free_part = lock_of(F_WRLCK, 200, 10);
	int fd = file_open("f", O_RDWR);

	check_err(call(flock(fd, LOCK_EX | LOCK_NB)), -EWOULDBLOCK);
	check_ok(call(flock(fd, LOCK_SH | LOCK_NB)));
	check_err(call(fcntl(fd, F_SETLK, &whole)), -EAGAIN);
	check_err(call(fcntl(fd, F_SETLK, &part)), -EAGAIN);
	check_ok(call(fcntl(fd, F_SETLK, &free_part)));
	check_ok(call(fcntl(fd, F_GETLK, &whole)));
	check_eq(whole.l_type, F_WRLCK);
	check_eq(whole.l_pid, getppid());
}

static void
lock__of_another_process_is_respected(void **state)
{
	struct flock begin = lock_of(F_WRLCK, 0, 100);
	int fd;

	(void)state;
	file_put("f", "");
	fd = file_open("f", O_RDWR);
	check_ok(call(flock(fd, LOCK_SH)));
	check_ok(call(fcntl(fd, F_SETLK, &begin)));
	mount_child(0, 0, try_locks);
	check_ok(call(flock(fd, LOCK_EX | LOCK_NB)));
	file_close(fd);
}

static void
add_one_under_lock(void)
{
	for (int i = 0; i < 50; i++) {
		char text[16] = "";
		int fd = file_open("counter", O_RDWR);
		int n;

		check_ok(call(flock(fd, LOCK_EX)));
		check_true(read(fd, text, sizeof(text) - 1) > 0);
		n = snprintf(text, sizeof(text), "%d", atoi(text) + 1);
		check_eq(call(pwrite(fd, text, (size_t)n, 0)), n);
		file_close(fd);
	}
}

static void
lock__counts_right_in_several_processes(void **state)
{
	pid_t pids[4];
	int status;

	(void)state;
	file_put("counter", "0");
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		check_true(pids[i] >= 0);
		if (pids[i] == 0) {
			setenv("CMOCKA_TEST_ABORT", "1", 1);
			add_one_under_lock();
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		check_eq(waitpid(pids[i], &status, 0), pids[i]);
		check_eq(status, 0);
	}
	file_is("counter", "200");
}

static void
lock__by_creating_a_file(void **state)
{
	(void)state;
	check_ok(call(close(open("lock", O_CREAT | O_EXCL, 0644))));
	check_err(call(open("lock", O_CREAT | O_EXCL, 0644)), -EEXIST);
	check_ok(call(unlink("lock")));
	check_ok(call(close(open("lock", O_CREAT | O_EXCL, 0644))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(user__creates_a_read_only_file_and_writes_it),
	    cmocka_unit_test(user__permissions_hold),
	    cmocka_unit_test(user__owns_what_it_creates),
	    cmocka_unit_test(user__chown_clears_setuid),
	    cmocka_unit_test(lock__of_another_process_is_respected),
	    cmocka_unit_test(lock__counts_right_in_several_processes),
	    cmocka_unit_test(lock__by_creating_a_file),
	};

	return mount_run(tests, sizeof(tests) / sizeof(*tests));
}
