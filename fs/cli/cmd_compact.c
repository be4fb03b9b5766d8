#include "fs/cli/care.h"
#include "fs/cli/commands.h"
#include "fs/cli/progress.h"
#include "fs/cli/report.h"

static void
on_bytes(void *progress, uint64_t done, uint64_t total)
{
	progress_show(progress, done, total);
}

static int
compact_here(const struct care *care)
{
	struct progress p;
	int err;

	progress_begin(&p, "compacting");
	err = lsm_compact(care->local.db, on_bytes, &p);
	progress_clear(&p);
	return err ? report_errno(care->path, "compacting", err) : COMMAND_DONE;
}

static int
run(int argc, char **argv)
{
	const struct local_options o = {.engine_only = true};

	return care_run(&cmd_compact, argc, argv, &o, compact_here);
}

const struct command cmd_compact = {
    .name = "compact",
    .args = "STORE",
    .summary = "Drops what is overwritten or deleted, and frees its space",
    .help = "Rewrites all tables; returns when that is done.\n",
    .run = run,
};
