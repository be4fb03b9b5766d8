#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "fs/cli/answer.h"
#include "fs/cli/commands.h"
#include "fs/cli/lab_guard.h"
#include "fs/cli/lab_json.h"
#include "fs/cli/lab_option.h"
#include "fs/cli/lab_run.h"
#include "fs/cli/lab_script.h"
#include "fs/cli/lab_svg.h"
#include "fs/cli/lab_table.h"
#include "fs/cli/report.h"

struct lab {
	struct lab_option option;
	const char *script; /* the path, or NULL */
};

/* --- answers ---------------------------------------------------------------
 */

static int
write_svg(const char *path, const struct lab_result *r)
{
	FILE *f = fopen(path, "we");
	int err = 0;

	if (!f)
		return report_errno(path, "writing the picture", -errno);
	lab_svg_put(f, r);
	if (ferror(f))
		err = -EIO;
	if (fclose(f) != 0)
		err = -errno;
	return err ? report_errno(path, "writing the picture", err)
		   : COMMAND_DONE;
}

static int
answer(const struct lab_option *o, const struct lab_result *r)
{
	int status = lab_result_is_broken(r) ? COMMAND_NO : COMMAND_DONE;

	answer_begin();
	if (o->json) {
		lab_json_put(stdout, r, o);
	} else {
		lab_table_put(stdout, r);
		lab_table_put_broken(stdout, r, o);
	}
	if (o->svg && write_svg(o->svg, r) != COMMAND_DONE)
		status = COMMAND_UNUSABLE;
	return answer_end(status);
}

/* A device that forgets nothing and syncs for nothing says little. */
static void
warn_of_memory(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs) == 0 && (long)fs.f_type == TMPFS_MAGIC)
		report(
		    dir, "is in memory, where a sync costs nothing; see --dir");
}

/* In the process that the guard watches. */
static int
work(void *ctx, const char *dir, atomic_int *group)
{
	const struct lab *lab = ctx;
	struct lab_result r = {0};
	int status;

	warn_of_memory(dir);
	status = lab_run_all(&lab->option, lab->script, dir, group, &r);
	if (status == COMMAND_DONE)
		status = answer(&lab->option, &r);
	lab_result_fini(&r);
	return status;
}

static int
run(int argc, char **argv)
{
	char why[LAB_OPTION_ERROR_MAX];
	char script[PATH_MAX];
	struct lab lab = {0};
	struct lab_guard_work w = {.run = work, .ctx = &lab};
	int err = lab_option_parse(argc, argv, &lab.option, why);

	if (err) {
		if (why[0])
			report(NULL, "lab: %s", why);
		return command_usage(&cmd_lab);
	}
	if (lab.option.script) {
		err = lab_script_find(lab.option.script, script);
		if (err) {
			report(lab.option.script, "cannot be run: %s",
			    err_text(err));
			return COMMAND_UNUSABLE;
		}
		lab.script = script;
	}
	w.parent = lab.option.dir;
	w.keep = lab.option.keep_store;
	return lab_guard_run(&w);
}

static const char *
more(void)
{
	return "\nA script is run in a directory of the mount with the "
	       "argument \"run\" and prints a\n"
	       "line for each step that it takes for done, with names below "
	       "that directory only,\n"
	       "and ends at the first error.  After the cut it is run there "
	       "with \"check\" and\n"
	       "prints the lines of the steps that it finds done.  What it "
	       "printed and does not\n"
	       "find is lost.  Another exit status of \"check\" than 0 says "
	       "that what is there is\n"
	       "wrong in itself.  A counter that is replaced by rename:\n\n"
	       "  #!/bin/sh -e\n"
	       "  if [ \"$1\" = check ]; then\n"
	       "          if [ -e counter ]; then seq \"$(cat counter)\"; fi\n"
	       "          exit\n"
	       "  fi\n"
	       "  for n in $(seq 100000); do\n"
	       "          echo \"$n\" >counter.new\n"
	       "          mv counter.new counter\n"
	       "          echo \"$n\"\n"
	       "  done\n";
}

const struct command cmd_lab = {
    .name = "lab",
    .args = "[--workload W,...] [--policy P,...] [--cuts N] [OPTIONS]",
    .summary = "Cuts the power while files are written, and tells what "
	       "survived",
    .help = "Makes a store, mounts it with power cuts, has a workload write to "
	    "it under a\n"
	    "durability policy, cuts the power, and compares what is there "
	    "afterwards with what\n"
	    "was acknowledged.  Exit status 1: a policy's contract was "
	    "broken.\n\n"
	    "  --workload W    append, append-fsync, replace, replace-fsync, "
	    "create,\n"
	    "                  overwrite, pair (default: all)\n"
	    "  --policy P      sync, batch, adaptive, none, with parameters "
	    "behind ':', as in\n"
	    "                  batch:batch_ops=50:batch_ms=5 (default: all "
	    "four)\n"
	    "  --cuts N        power cuts for each workload and policy (5)\n"
	    "  --keep K        what a cut leaves of what was not synced: none, "
	    "prefix, or any\n"
	    "                  part, random (default: each in its turn)\n"
	    "  --seed S        of the first cut; the others have the following "
	    "numbers\n"
	    "  --seconds T     a cut comes after so many at the latest (0.5)\n"
	    "  --cut-after N   at the N-th change of the disk instead\n"
	    "  --writers N     so many at once, each in a directory of its own "
	    "(1)\n"
	    "  --sync-delay MS a slower disk: each sync takes so much longer\n"
	    "  --script FILE   a program as workload; see below\n"
	    "  --durable       its steps are synced: no policy may lose one\n"
	    "  --json          one JSON document instead of the table\n"
	    "  --svg FILE      a picture: throughput against loss\n"
	    "  --dir D         where the store is made (TMPDIR, else "
	    "/var/tmp)\n"
	    "  --keep-store    it stays there, with the files of every cut\n"
	    "  -o OPTION,...   more options of keyfs mount, as memtable=64K\n"
	    "  -v              a line for each cut; shows errors of the "
	    "script\n",
    .run = run,
    .more = more,
};
