#include "fs/cli/lab_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/cli/command.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_guard.h"
#include "fs/cli/lab_trial.h"
#include "fs/cli/progress.h"
#include "fs/cli/report.h"

struct lab_run {
	const struct lab_option *option;
	const char *script;
	const char *dir;
	atomic_int *group;
	struct lab_result *result;
};

static void
tell_cut(const struct lab_cell *cell)
{
	const struct lab_cut *c = &cell->cuts[cell->cut_count - 1];

	fprintf(stderr,
	    "%s, %s: seed %" PRIu64 " keep=%s: %" PRIu64
	    " steps acknowledged, %" PRIu64 " lost, %.1f ms%s%s\n",
	    cell->workload, cell->policy_text, c->seed,
	    lab_option_keep_word(c->keep), c->loss.acked, c->loss.lost,
	    (double)c->loss.age_ns / 1e6, c->broken ? "; broken: " : "",
	    c->broken ? c->why : "");
}

static int
cut_often(const struct lab_run *run, const struct lab_mount *m,
    const struct lab_workload *w, struct lab_cell *cell,
    struct lab_probe *probe)
{
	const struct lab_option *o = run->option;
	struct lab_trial t = {
	    .probe = probe,
	    .option = o,
	    .mount = m,
	    .workload = w,
	    .script = run->script,
	    .group = run->group,
	};
	char what[192];
	struct progress p;
	int status = COMMAND_DONE;

	snprintf(what, sizeof(what), "%s under %s, cut", cell->workload,
	    cell->policy_text);
	progress_begin(&p, what);
	for (; status == COMMAND_DONE && t.number < o->cuts; t.number++) {
		progress_show(&p, t.number + 1, 0);
		status = lab_trial_run(&t, cell);
		if (status == COMMAND_DONE && o->verbose) {
			progress_clear(&p);
			tell_cut(cell);
		}
	}
	progress_clear(&p);
	return status;
}

/* The store of a cell is gone, or has a name of its own. */
static int
put_away(const struct lab_run *run, const struct lab_mount *m)
{
	struct lab_mount kept;
	char name[32];
	int err;

	if (!run->option->keep_store) {
		err = lab_file_remove(m->store);
	} else {
		snprintf(name, sizeof(name), LAB_GUARD_STORE "-%zu",
		    run->result->count);
		err = lab_mount_name(&kept, run->dir, name);
		if (err == 0 && rename(m->store, kept.store) != 0)
			err = -errno;
	}
	return err ? report_errno(m->store, "putting it away", err)
		   : COMMAND_DONE;
}

/* Only where a loss is bound in time. */
static int
start_probe(const struct lab_run *run, const struct lab_cell *cell,
    struct lab_probe *probe)
{
	char path[PATH_MAX];
	int err;

	if (cell->bound.steps == 0 || cell->bound.ms == LAB_LOSS_ANY)
		return COMMAND_DONE;
	snprintf(path, sizeof(path), "%s/probe", run->dir);
	err = lab_probe_start(probe, path);
	return err ? report_errno(path, "measuring syncs", err) : COMMAND_DONE;
}

/* How the workload is called in what is reported; a script by its file. */
static const char *
name_of(const struct lab_run *run, const struct lab_workload *w)
{
	const char *slash = w ? NULL : strrchr(run->script, '/');

	if (w)
		return w->name;
	return slash ? slash + 1 : run->script;
}

static int
run_cell(const struct lab_run *run, const struct lab_workload *w,
    const struct durability *policy)
{
	const struct lab_option *o = run->option;
	struct lab_bound bound =
	    lab_loss_bound(policy, w ? w->durable : o->durable,
		w ? o->writers : 1, w ? w->changes : 1);
	struct lab_cell *cell =
	    lab_result_add(run->result, name_of(run, w), policy, &bound);
	struct lab_probe probe = {0};
	struct lab_mount m;
	int status, closed;

	cell->is_script = !w;
	if (lab_mount_name(&m, run->dir, LAB_GUARD_STORE) != 0) {
		report(run->dir, "is too long a path");
		return COMMAND_UNUSABLE;
	}
	status = lab_mount_open(&m, o, policy);
	if (status != COMMAND_DONE)
		return status;
	status = start_probe(run, cell, &probe);
	if (status == COMMAND_DONE)
		status = cut_often(run, &m, w, cell, &probe);
	lab_probe_stop(&probe);
	closed = lab_mount_close(&m);
	if (status == COMMAND_DONE)
		status = closed;
	if (status == COMMAND_DONE)
		status = put_away(run, &m);
	return status;
}

int
lab_run_all(const struct lab_option *o, const char *script, const char *dir,
    atomic_int *group, struct lab_result *out)
{
	const struct lab_run run = {
	    .option = o,
	    .script = script,
	    .dir = dir,
	    .group = group,
	    .result = out,
	};
	size_t all = o->workload_count + (script ? 1 : 0);
	int status = COMMAND_DONE;
	int err = lab_result_init(out, all * o->policy_count);

	if (err)
		return report_errno(NULL, "results", err);
	for (size_t i = 0; i < all; i++)
		for (size_t k = 0;
		     status == COMMAND_DONE && k < o->policy_count; k++)
			status = run_cell(&run,
			    i < o->workload_count ? o->workloads[i] : NULL,
			    &o->policies[k]);
	return status == COMMAND_NO ? COMMAND_UNUSABLE : status;
}
