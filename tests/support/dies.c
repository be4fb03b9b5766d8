#include "tests/support/dies.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"

static _Noreturn void
dies_run(void (*call)(void *ctx), void *ctx)
{
	const struct rlimit no_core = {0};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(1);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL);
	call(ctx);
	_exit(0);
}

bool
dies_by_abort(void (*call)(void *ctx), void *ctx)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		dies_run(call, ctx);
	check_true(pid > 0);
	check_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
