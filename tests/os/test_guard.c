/* SIGBUS under the guard, and elsewhere. */
#include "engine/os/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"

#define SIZE 16384

/* A file that is mapped; cutting it makes holes that kill. */
struct fixture {
	int fd;
	char *mem;
	struct guard_area area;
};

static struct fixture fx;

/* Again, after a copy has failed. */
static void
map_file(struct fixture *f)
{
	if (f->mem)
		check_ok(munmap(f->mem, SIZE));
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	check_true(f->mem != MAP_FAILED);
	f->area = (struct guard_area){f->mem, SIZE, false};
}

static int
copy(struct fixture *f, size_t offset, const char *text)
{
	return guard_copy(&f->area, f->mem + offset, text, strlen(text));
}

static int
set_up(void **state)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/file", check_tmpdir());
	fx.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	check_le(0, fx.fd);
	check_ok(ftruncate(fx.fd, SIZE));
	fx.mem = NULL;
	map_file(&fx);
	*state = &fx;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	check_ok(munmap(fx.mem, SIZE));
	check_ok(close(fx.fd));
	return 0;
}

static void
guard__copies(void **state)
{
	struct fixture *f = *state;

	guard_install();
	check_ok(copy(f, 4090, "across two pages"));
	check_bytes_eq(
	    bytes_of(f->mem + 4090, 16), bytes_str("across two pages"));
	check_ok(copy(f, 0, ""));
}

static void
guard__a_page_that_is_gone_is_an_error(void **state)
{
	struct fixture *f = *state;
	char data[6];

	guard_install();
	check_ok(ftruncate(f->fd, 4096));
	for (int i = 0; i < 3; i++) {
		check_err(copy(f, 8192, "x"), -EFAULT);
		map_file(f);
		check_err(copy(f, 4090, "across two pages"), -EFAULT);
		map_file(f);
		check_ok(copy(f, 4000, "in one"));
		/* What came before is in the file. */
		check_err(copy(f, 4096, "x"), -EFAULT);
		map_file(f);
		check_eq(pread(f->fd, data, 6, 4000), 6);
		check_bytes_eq(bytes_of(data, 6), bytes_str("in one"));
		check_ok(ftruncate(f->fd, 0));
		check_ok(ftruncate(f->fd, 4096));
	}
	check_ok(ftruncate(f->fd, SIZE));
	check_ok(copy(f, 8192, "x"));
}

static void *
copy_in_vain(void *arg)
{
	struct fixture f = {.fd = ((struct fixture *)arg)->fd};
	void *r = NULL;

	for (int i = 0; i < 200 && !r; i++) {
		map_file(&f);
		if (copy(&f, 8192, "x") != -EFAULT)
			r = arg;
	}
	check_ok(munmap(f.mem, SIZE));
	return r;
}

static void
guard__is_a_thread_s_own(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];
	void *r;

	guard_install();
	check_ok(ftruncate(f->fd, 4096));
	for (int i = 0; i < 4; i++)
		check_ok(pthread_create(&threads[i], NULL, copy_in_vain, f));
	for (int i = 0; i < 4; i++) {
		check_ok(pthread_join(threads[i], &r));
		check_true(r == NULL);
	}
}

static void *
copy_deaf(void *arg)
{
	sigset_t set;

	(void)sigfillset(&set);
	(void)pthread_sigmask(SIG_SETMASK, &set, NULL);
	return (void *)(intptr_t)copy(arg, 8192, "x");
}

static void
guard__a_thread_that_blocks_the_signal_copies_nothing(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	void *r;

	guard_install();
	check_ok(pthread_create(&thread, NULL, copy_deaf, f));
	check_ok(pthread_join(thread, &r));
	check_err((intptr_t)r, -EAGAIN);
	check_eq(f->mem[8192], 0);
}

/* --- what is not the guard's ----------------------------------------------
 */

static void
touch(struct fixture *f)
{
	*(volatile char *)(f->mem + 8192) = 1;
}

static void
exit_7(int sig)
{
	(void)sig;
	_exit(7);
}

static void
exit_8(int sig, siginfo_t *info, void *context)
{
	(void)context;
	_exit(sig == SIGBUS && info->si_code == BUS_ADRERR ? 8 : 9);
}

enum before { BEFORE_NOTHING, BEFORE_PLAIN, BEFORE_INFO };
enum what { TOUCH, TOUCH_AFTER_A_COPY, RAISE };

/* In a child, whose handlers are as at the start of a program. */
static int
outcome(struct fixture *f, enum before before, enum what what)
{
	struct sigaction info = {
	    .sa_sigaction = exit_8, .sa_flags = SA_SIGINFO};
	pid_t pid = fork();
	int status;

	check_le(0, pid);
	if (pid == 0) {
		(void)signal(SIGBUS, SIG_DFL);
		if (before == BEFORE_PLAIN)
			(void)signal(SIGBUS, exit_7);
		if (before == BEFORE_INFO)
			(void)sigaction(SIGBUS, &info, NULL);
		guard_install();
		if (what == TOUCH_AFTER_A_COPY && copy(f, 8192, "x") != -EFAULT)
			_exit(1);
		map_file(f);
		if (what == RAISE)
			(void)raise(SIGBUS);
		else
			touch(f);
		_exit(0);
	}
	check_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
guard__hands_on_what_is_not_its_own(void **state)
{
	struct fixture *f = *state;

	check_ok(ftruncate(f->fd, 4096));
	check_eq(outcome(f, BEFORE_NOTHING, TOUCH), -SIGBUS);
	check_eq(outcome(f, BEFORE_NOTHING, TOUCH_AFTER_A_COPY), -SIGBUS);
	check_eq(outcome(f, BEFORE_NOTHING, RAISE), -SIGBUS);
	check_eq(outcome(f, BEFORE_PLAIN, TOUCH), 7);
	check_eq(outcome(f, BEFORE_PLAIN, RAISE), 7);
	check_eq(outcome(f, BEFORE_INFO, TOUCH_AFTER_A_COPY), 8);
	check_eq(outcome(f, BEFORE_INFO, RAISE), 9);
}

static struct sigaction guard_itself;

static void
hand_on(int sig, siginfo_t *info, void *context)
{
	guard_itself.sa_sigaction(sig, info, context);
}

/* The guard, another one over it that hands on to it, and the guard again. */
static void
guard__one_that_was_set_over_it_may_hand_on_to_it(void **state)
{
	struct fixture *f = *state;
	struct sigaction other = {
	    .sa_sigaction = hand_on, .sa_flags = SA_SIGINFO};
	pid_t pid;
	int status;

	check_ok(ftruncate(f->fd, 4096));
	pid = fork();
	check_le(0, pid);
	if (pid == 0) {
		(void)signal(SIGBUS, SIG_DFL);
		guard_install();
		(void)sigaction(SIGBUS, &other, &guard_itself);
		if (copy(f, 8192, "x") != -EFAULT)
			_exit(1);
		map_file(f);
		guard_install();
		if (copy(f, 8192, "x") != -EFAULT)
			_exit(2);
		map_file(f);
		touch(f);
		_exit(0);
	}
	check_eq(waitpid(pid, &status, 0), pid);
	check_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

#define in_fixture(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(guard__copies),
	    in_fixture(guard__a_page_that_is_gone_is_an_error),
	    in_fixture(guard__is_a_thread_s_own),
	    in_fixture(guard__a_thread_that_blocks_the_signal_copies_nothing),
	    in_fixture(guard__hands_on_what_is_not_its_own),
	    in_fixture(guard__one_that_was_set_over_it_may_hand_on_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
