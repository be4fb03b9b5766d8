#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/cli/answer.h"
#include "fs/cli/commands.h"
#include "fs/cli/report.h"
#include "fs/cli/tree.h"

#define CHUNK_BYTES (256u << 10)

/* So much is read before the store is opened: a command that feeds us may
 * need the store itself until it is done. */
#define AHEAD_BYTES (16u << 20)

/* --- standard input ------------------------------------------------------- */

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	stopped = number;
}

/* Reading ends when we are told to stop, and the temporary file goes. */
static void
catch_signals(void)
{
	const struct sigaction on = {.sa_handler = on_signal};

	sigaction(SIGINT, &on, NULL);
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGHUP, &on, NULL);
}

struct input {
	struct buf ahead;
	bool end;
	int err; /* of reading */
};

static int
read_some(struct input *in, struct buf *out)
{
	int err = buf_reserve(out, CHUNK_BYTES);
	ssize_t n;

	if (err != 0 || in->end)
		return err;
	n = stopped ? -1
		    : read(STDIN_FILENO, out->data + out->size, CHUNK_BYTES);
	if (n < 0) {
		in->err = stopped ? -EINTR : -errno;
		return in->err;
	}
	out->size += (size_t)n;
	in->end = n == 0;
	return 0;
}

static int
read_ahead(struct input *in)
{
	int err = 0;

	while (err == 0 && !in->end && in->ahead.size < AHEAD_BYTES)
		err = read_some(in, &in->ahead);
	return err;
}

static int
next_of_input(void *ctx, struct buf *out)
{
	struct input *in = ctx;
	int err = 0;

	if (in->ahead.size > 0) {
		err = buf_append_bytes(out, buf_bytes(&in->ahead));
		buf_fini(&in->ahead);
		return err;
	}
	return read_some(in, out);
}

/* --- the value as an argument --------------------------------------------- */

static int
next_of_text(void *ctx, struct buf *out)
{
	struct bytes *left = ctx;
	int err = buf_append_bytes(out, *left);

	if (err == 0)
		left->size = 0;
	return err;
}

/* --- the command ---------------------------------------------------------- */

struct put_args {
	struct tree *open;
	const char *store;
	const char *key;
	const char *value; /* NULL: standard input */
};

static int
put(const struct put_args *a, const struct tree_source *source,
    const int *input_err)
{
	struct tree *t;
	int status = tree_enter(a->open, a->store, TREE_CREATE, &t);
	int err;

	if (status != COMMAND_DONE)
		return status;
	err = tree_put(t, bytes_str(a->key), source);
	if (input_err && *input_err)
		status = report_errno(a->store, "standard input", *input_err);
	else if (err != 0)
		status = answer_error(a->store, bytes_str(a->key), err);
	return tree_leave(a->open, t, status);
}

static int
put_input(const struct put_args *a)
{
	struct input in = {0};
	int status;
	int err;

	catch_signals();
	err = read_ahead(&in);
	status =
	    err ? report_errno(a->store, "standard input", err)
		: put(a, &(struct tree_source){next_of_input, &in}, &in.err);
	buf_fini(&in.ahead);
	return status;
}

static int
run(struct tree *open, int argc, char **argv)
{
	struct put_args a = {.open = open};
	struct bytes value;
	int at = 1;
	int status;

	a.store = open ? open->path : argv[at++];
	if (argc - at < (open ? 2 : 1) || argc - at > 2)
		return command_usage(&cmd_put);
	a.key = argv[at];
	a.value = argc - at == 2 ? argv[at + 1] : NULL;
	status = answer_check_key(a.store, a.key);
	if (status != COMMAND_DONE)
		return status;
	if (!a.value)
		return put_input(&a);
	value = bytes_str(a.value);
	return put(&a, &(struct tree_source){next_of_text, &value}, NULL);
}

const struct command cmd_put = {
    .name = "put",
    .args = "STORE KEY [VALUE]",
    .summary = "Sets a key; without VALUE to what standard input has",
    .help = "Creates the store and the directories of KEY if they are "
	    "missing.  What was there\nis replaced as a whole or not at all, "
	    "and durable when the command returns.\n",
    .run_on = run,
};
