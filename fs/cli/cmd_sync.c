#include <stdio.h>

#include "fs/cli/care.h"
#include "fs/cli/commands.h"
#include "fs/cli/report.h"

/* A daemon that was killed may have left a log that is not synced. */
static int
sync_here(const struct care *care)
{
	int err = store_sync(care->local.store, store_seq(care->local.store));

	if (err)
		return report_errno(care->path, "sync", err);
	printf("%s: is not mounted, nothing was waiting\n", care->path);
	return COMMAND_DONE;
}

static int
run(int argc, char **argv)
{
	const struct local_options o = {.engine_only = true, .passive = true};
	struct care care;
	int status, closed;

	if (argc != 2 || argv[1][0] == '-')
		return command_usage(&cmd_sync);
	status = care_open(argv[1], &o, &care);
	if (status != COMMAND_DONE)
		return status;
	status = care_is_mounted(&care) ? care_order(&care, "sync")
					: sync_here(&care);
	closed = care_close(&care);
	return status == COMMAND_DONE ? closed : status;
}

const struct command cmd_sync = {
    .name = "sync",
    .args = "STORE",
    .summary = "Makes everything done so far durable",
    .help = "Returns when everything done on the mounted store is on stable "
	    "storage, under\nevery durability policy (sync(1) does not reach "
	    "it).\n",
    .run = run,
};
