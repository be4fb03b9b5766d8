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

	return care_run(&cmd_sync, argc, argv, &o, sync_here);
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
