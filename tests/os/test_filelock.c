#include "engine/os/filelock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"

struct fixture {
	char path[300];
	struct filelock *lock;
	pid_t holder;
	char note[5000];
};

static struct fixture fx;

static int
set_up(void **state)
{
	fx = (struct fixture){.holder = 42};
	snprintf(fx.path, sizeof(fx.path), "%s/LOCK", check_tmpdir());
	*state = &fx;
	return 0;
}

/* A child that holds the lock until it is killed. */
static pid_t
start_holder(struct fixture *f, const char *note)
{
	int ready[2];
	char byte;
	pid_t pid;

	check_ok(pipe(ready));
	pid = fork();
	check_true(pid >= 0);
	if (pid == 0) {
		/* A failed check must not leave it behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		if (filelock_acquire(f->path, &f->lock, &f->holder) == 0 &&
		    filelock_set_note(f->lock, note) == 0 &&
		    write(ready[1], "x", 1) == 1)
			for (int i = 0; i < 60; i++)
				sleep(1);
		_exit(1);
	}
	close(ready[1]);
	check_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void
kill_holder(pid_t pid)
{
	check_ok(kill(pid, SIGKILL));
	check_eq(waitpid(pid, NULL, 0), pid);
}

static void
peek(struct fixture *f)
{
	f->holder = 42;
	strcpy(f->note, "untouched");
	check_ok(filelock_peek(f->path, &f->holder, f->note, sizeof(f->note)));
}

static void
filelock__second_opener_in_a_process_is_refused(void **state)
{
	struct fixture *f = *state;
	struct filelock *second = NULL;

	check_ok(filelock_acquire(f->path, &f->lock, &f->holder));
	check_eq(f->holder, 42);
	check_err(filelock_acquire(f->path, &second, &f->holder), -EBUSY);
	check_true(second == NULL);
	check_eq(f->holder, getpid());
	/* The refused descriptor is closed; the lock must not go with it. */
	check_err(filelock_acquire(f->path, &second, &f->holder), -EBUSY);
	filelock_release(f->lock);
	check_ok(filelock_acquire(f->path, &second, &f->holder));
	filelock_release(second);
	filelock_release(NULL);
}

static void
filelock__other_process_is_named_and_its_death_frees(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_holder(f, "/mnt/there");

	check_err(filelock_acquire(f->path, &f->lock, &f->holder), -EBUSY);
	check_eq(f->holder, pid);
	peek(f);
	check_eq(f->holder, pid);
	check_str(f->note, "/mnt/there");
	kill_holder(pid);
	/* The text is still that of the dead; the file stays in place. */
	check_ok(access(f->path, F_OK));
	peek(f);
	check_eq(f->holder, 0);
	check_str(f->note, "");
	check_ok(filelock_acquire(f->path, &f->lock, &f->holder));
	peek(f);
	check_eq(f->holder, getpid());
	check_str(f->note, "");
	filelock_release(f->lock);
}

static void
filelock__peek_takes_and_drops_nothing(void **state)
{
	struct fixture *f = *state;
	struct filelock *second;

	peek(f);
	check_eq(f->holder, 0);
	check_str(f->note, "");
	check_err(access(f->path, F_OK) ? -errno : 0, -ENOENT);
	check_ok(filelock_acquire(f->path, &f->lock, &f->holder));
	peek(f);
	check_eq(f->holder, getpid());
	check_err(filelock_acquire(f->path, &second, &f->holder), -EBUSY);
	filelock_release(f->lock);
	peek(f);
	check_eq(f->holder, 0);
	check_ok(access(f->path, F_OK));
}

static void
filelock__notes_have_limits_and_can_change(void **state)
{
	struct fixture *f = *state;
	char longest[4097];
	char small[5];

	memset(longest, 'n', sizeof(longest));
	longest[4096] = '\0';
	check_ok(filelock_acquire(f->path, &f->lock, &f->holder));
	check_err(filelock_set_note(f->lock, longest), -EINVAL);
	check_err(filelock_set_note(f->lock, "a\nb"), -EINVAL);
	longest[4095] = '\0';
	check_ok(filelock_set_note(f->lock, longest));
	peek(f);
	check_str(f->note, longest);
	check_ok(filelock_set_note(f->lock, "short"));
	peek(f);
	check_str(f->note, "short");
	check_ok(filelock_peek(f->path, &f->holder, small, sizeof(small)));
	check_str(small, "shor");
	check_ok(filelock_set_note(f->lock, ""));
	peek(f);
	check_str(f->note, "");
	check_eq(f->holder, getpid());
	filelock_release(f->lock);
}

static void
write_text(struct fixture *f, const char *text)
{
	int fd = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	check_true(fd >= 0);
	check_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
filelock__odd_text_is_an_unknown_holder(void **state)
{
	static const char *const texts[] = {"", "12", "\n\n", "-3\n\n",
	    "12x\n\n", "99999999999999999999\n\n", "0\nnote\n"};
	struct fixture *f = *state;
	struct filelock *second;

	check_ok(filelock_acquire(f->path, &f->lock, &f->holder));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_text(f, texts[i]);
		f->holder = 42;
		check_err(
		    filelock_acquire(f->path, &second, &f->holder), -EBUSY);
		check_eq(f->holder, 0);
		peek(f);
		check_true(f->holder == FILELOCK_UNKNOWN);
		check_str(f->note, "");
	}
	filelock_release(f->lock);
}

static void
filelock__dead_pid_in_the_text_is_not_the_holder(void **state)
{
	struct fixture *f = *state;
	char text[40];
	pid_t dead = fork();

	if (dead == 0)
		_exit(0);
	check_eq(waitpid(dead, NULL, 0), dead);
	check_ok(filelock_acquire(f->path, &f->lock, &f->holder));
	snprintf(text, sizeof(text), "%d\n/old\n", (int)dead);
	write_text(f, text);
	peek(f);
	check_true(f->holder == FILELOCK_UNKNOWN);
	check_str(f->note, "");
	filelock_release(f->lock);
}

static void
filelock__what_cannot_be_opened_is_an_error(void **state)
{
	struct fixture *f = *state;
	char path[400];

	snprintf(path, sizeof(path), "%s/no/LOCK", check_tmpdir());
	check_err(filelock_acquire(path, &f->lock, &f->holder), -ENOENT);
	check_err(
	    filelock_acquire("/dev/full/x", &f->lock, &f->holder), -ENOTDIR);
	check_err(
	    filelock_peek("/dev/full/x", &f->holder, f->note, 10), -ENOTDIR);
	check_eq(f->holder, 42);
}

#define in_fixture(f) cmocka_unit_test_setup(f, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(filelock__second_opener_in_a_process_is_refused),
	    in_fixture(filelock__other_process_is_named_and_its_death_frees),
	    in_fixture(filelock__peek_takes_and_drops_nothing),
	    in_fixture(filelock__notes_have_limits_and_can_change),
	    in_fixture(filelock__odd_text_is_an_unknown_holder),
	    in_fixture(filelock__dead_pid_in_the_text_is_not_the_holder),
	    in_fixture(filelock__what_cannot_be_opened_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
