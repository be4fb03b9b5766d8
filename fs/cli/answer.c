#include "fs/cli/answer.h"

#include <signal.h>
#include <stdio.h>

#include "fs/cli/command.h"
#include "fs/cli/key_arg.h"
#include "fs/cli/report.h"

int
answer_check_key(const char *store, const char *key)
{
	const char *wrong = key_arg_wrong(bytes_str(key));

	if (!wrong)
		return COMMAND_DONE;
	report(store, "\"%s\" is no key: it %s", key, wrong);
	return COMMAND_USAGE;
}

static const char *
text_of(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such key";
	case -ENOTDIR:
		return "a part of its path is no directory";
	case -EISDIR:
		return "is a directory";
	case -ELOOP:
		return "is a symbolic link";
	case -ENXIO:
		return "is no regular file";
	default:
		return NULL;
	}
}

int
answer_error(const char *store, struct bytes key, int err)
{
	const char *text = text_of(err);

	report(store, "%.*s: %s", (int)key.size, (const char *)key.data,
	    text ? text : err_text(err));
	return text ? COMMAND_NO : COMMAND_UNUSABLE;
}

/* --- output --------------------------------------------------------------- */

static int output_error; /* the first one */

void
answer_begin(void)
{
	signal(SIGPIPE, SIG_IGN);
}

bool
answer_goes_on(void)
{
	if (output_error == 0 && ferror(stdout))
		output_error = errno;
	return output_error == 0;
}

int
answer_end(int status)
{
	bool failed = !answer_goes_on();

	if (fflush(stdout) != 0 && !failed) {
		output_error = errno;
		failed = true;
	}
	if (!failed)
		return status;
	/* A reader that has seen enough needs no message. */
	if (output_error != EPIPE)
		report(NULL, "standard output: %s", err_text(-output_error));
	return COMMAND_UNUSABLE;
}
