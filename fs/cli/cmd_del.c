#include <getopt.h>

#include "fs/cli/answer.h"
#include "fs/cli/commands.h"
#include "fs/cli/progress.h"
#include "fs/cli/report.h"
#include "fs/cli/tree.h"

struct counter {
	struct progress progress;
	uint64_t removed;
};

static void
count(void *ctx)
{
	struct counter *c = ctx;

	progress_show(&c->progress, ++c->removed, 0);
}

static int
del_keys(struct tree *t, char **keys, bool recursive)
{
	struct counter c = {0};
	const struct tree_remove how = {recursive, count, &c};
	int status = COMMAND_DONE;
	int err;

	progress_begin(&c.progress, "deleting");
	for (; *keys; keys++) {
		struct bytes key = bytes_str(*keys);
		int one;

		err = tree_remove(t, key, &how);
		if (err == 0)
			continue;
		progress_clear(&c.progress);
		if (err == -EISDIR) {
			report(t->path, "%s: is a directory; use -r", *keys);
			one = COMMAND_NO;
		} else {
			one = answer_error(t->path, key, err);
		}
		status = one > status ? one : status;
	}
	err = tree_sync(t);
	progress_clear(&c.progress);
	return err ? report_errno(t->path, "making it durable", err) : status;
}

static int
run(struct tree *open, int argc, char **argv)
{
	bool recursive = false;
	const char *store;
	struct tree *t;
	int status = COMMAND_DONE;
	int c;

	optind = 0;
	while ((c = getopt(argc, argv, "r")) != -1) {
		if (c != 'r')
			return command_usage(&cmd_del);
		recursive = true;
	}
	if (argc - optind < (open ? 1 : 2))
		return command_usage(&cmd_del);
	store = open ? open->path : argv[optind++];
	for (int i = optind; i < argc && status == COMMAND_DONE; i++)
		status = answer_check_key(store, argv[i]);
	if (status == COMMAND_DONE)
		status = tree_enter(open, store, TREE_WRITE, &t);
	if (status != COMMAND_DONE)
		return status;
	status = del_keys(t, argv + optind, recursive);
	return tree_leave(open, t, status);
}

const struct command cmd_del = {
    .name = "del",
    .args = "STORE KEY... [-r]",
    .summary = "Deletes keys; with -r also directories and all below them",
    .help = "Durable when the command returns.  A key that is not there is "
	    "reported (exit\nstatus 1), and the others are deleted.  Keys "
	    "that begin with '-' go behind --.\n",
    .run_on = run,
};
