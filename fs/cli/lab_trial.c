#include "fs/cli/lab_trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/cli/command.h"
#include "fs/cli/lab_clock.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/report.h"

/* The syncs are counted so often, and shortly before the cut. */
#define SAMPLE_NS (20 * LAB_CLOCK_MS)

struct run {
	const struct lab_trial *trial;
	struct lab_crew crew;
	struct lab_cut cut;
	struct lab_moment moment;
	uint64_t cuts; /* that the mount has had before */
	uint64_t syncs;
	uint64_t sample_ns; /* when the next is due */
	char dir[PATH_MAX + 32];
};

/* --- until the cut ---------------------------------------------------------
 */

static int
begin(struct run *r)
{
	const struct lab_trial *t = r->trial;
	struct lab_crew_order order = {
	    .option = t->option,
	    .workload = t->workload,
	    .script = t->script,
	    .dir = r->dir,
	    .seed = r->cut.seed,
	    .group = t->group,
	};
	int status;

	if (mkdir(r->dir, 0755) != 0) {
		report(r->dir, "mkdir: %s", err_text(-errno));
		return COMMAND_UNUSABLE;
	}
	status = lab_crew_begin(&r->crew, &order);
	if (status == COMMAND_DONE)
		status = lab_mount_sync(t->mount);
	if (status == COMMAND_DONE)
		status = lab_crew_start(&r->crew);
	if (status == COMMAND_DONE)
		status = lab_mount_cuts(t->mount, &r->cuts);
	if (status == COMMAND_DONE)
		status = lab_mount_syncs(t->mount, &r->syncs);
	if (status == COMMAND_DONE && t->option->cut_after > 0)
		status = lab_mount_cut(
		    t->mount, t->option->cut_after, r->cut.seed, r->cut.keep);
	return status;
}

/* Notes syncs and steps, unless there was a cut meanwhile. */
static int
sample(struct run *r, bool *is_cut)
{
	const struct lab_mount *m = r->trial->mount;
	uint64_t acked = lab_crew_acked(&r->crew);
	uint64_t syncs = 0, cuts = 0;
	int status = lab_mount_syncs(m, &syncs);

	if (status == COMMAND_DONE)
		status = lab_mount_cuts(m, &cuts);
	if (status != COMMAND_DONE)
		return status;
	*is_cut = cuts != r->cuts;
	if (!*is_cut) {
		r->cut.syncs = syncs - r->syncs;
		r->cut.synced_steps = acked;
	}
	r->sample_ns = lab_clock_ns() + SAMPLE_NS;
	return COMMAND_DONE;
}

/* Somewhere in the last nine tenths of the time. */
static uint64_t
time_of_cut(const struct run *r)
{
	const struct lab_option *o = r->trial->option;
	uint64_t all = (uint64_t)(o->seconds * 1e9);

	if (o->cut_after > 0)
		return r->crew.start_ns + all;
	return r->crew.start_ns + all / 10 +
	       lab_line_mix(r->cut.seed, ~UINT64_C(0)) % (all - all / 10);
}

/* A writer has ended: that was the cut, which shows soon, or a failure. */
static int
await_cut(struct run *r, bool *is_cut)
{
	int status = COMMAND_DONE;

	for (int i = 0; i < 1000 && status == COMMAND_DONE && !*is_cut; i++) {
		lab_clock_sleep(LAB_CLOCK_MS);
		status = sample(r, is_cut);
	}
	if (status != COMMAND_DONE || *is_cut)
		return status;
	lab_crew_report(&r->crew);
	return COMMAND_UNUSABLE;
}

/* Until it is time to cut the power, or it was cut. */
static int
wait_for_time(struct run *r, bool *is_cut)
{
	uint64_t end = time_of_cut(r);
	bool scripted = !r->trial->workload;
	bool armed = r->trial->option->cut_after > 0;
	int status = COMMAND_DONE;

	r->sample_ns = r->crew.start_ns + SAMPLE_NS;
	while (status == COMMAND_DONE && !*is_cut && lab_clock_ns() < end) {
		bool goes_on = lab_crew_wait(&r->crew, end);

		if (goes_on && lab_clock_ns() < r->sample_ns)
			continue;
		status = sample(r, is_cut);
		if (status != COMMAND_DONE || goes_on || *is_cut)
			continue;
		if (!scripted)
			status = await_cut(r, is_cut);
		else if (armed)
			end = 0; /* nobody is there to change anything */
		else
			lab_clock_sleep(LAB_CLOCK_MS);
	}
	return status;
}

static int
cut_now(struct run *r, bool *is_cut)
{
	const struct lab_trial *t = r->trial;
	int status = sample(r, is_cut);

	if (status != COMMAND_DONE || *is_cut)
		return status;
	r->moment.earliest = lab_clock_ns();
	status = lab_mount_cut(t->mount, 0, r->cut.seed, r->cut.keep);
	r->moment.latest = lab_clock_ns();
	*is_cut = true;
	return status;
}

static int
work(struct run *r)
{
	bool is_cut = false;
	int status;

	lab_probe_clear(r->trial->probe);
	lab_crew_go(&r->crew);
	status = wait_for_time(r, &is_cut);
	if (status == COMMAND_DONE && !is_cut)
		status = cut_now(r, &is_cut);
	r->cut.allowance = (struct lab_allowance){
	    .late_ns = r->crew.late_ns,
	    .sync_ns = lab_probe_longest(r->trial->probe) +
		       r->trial->option->sync_delay_ms * LAB_CLOCK_MS,
	};
	if (r->moment.latest == 0)
		r->moment.latest = lab_clock_ns();
	if (status == COMMAND_DONE)
		status = lab_crew_stop(&r->crew);
	return status;
}

/* --- after the cut
 * ---------------------------------------------------------
 */

/* What is broken, in words. */
static void
explain(struct run *r, const struct lab_cell *cell)
{
	struct lab_cut *c = &r->cut;
	char *end = c->why + sizeof(c->why);
	char *p = c->why;

	if (c->broken & LAB_LOSS_ORDER)
		p += snprintf(
		    p, (size_t)(end - p), "not a prefix: %s; ", c->loss.why);
	if (c->broken & LAB_LOSS_STEPS)
		p += snprintf(p, (size_t)(end - p),
		    "%" PRIu64 " steps lost, %" PRIu64 " allowed; ",
		    c->loss.lost, cell->bound.steps);
	if (c->broken & LAB_LOSS_MS)
		p += snprintf(p, (size_t)(end - p),
		    "a lost step was acknowledged %.1f ms before the cut and "
		    "%.1f ms before another one; %" PRIu64 " ms allowed, %.1f "
		    "ms for waking up, before the cut %.1f ms for a sync; ",
		    (double)c->loss.age_ns / 1e6, (double)c->loss.over_ns / 1e6,
		    cell->bound.ms, (double)c->allowance.late_ns / 1e6,
		    (double)c->allowance.sync_ns / 1e6);
	p[-2] = '\0';
}

/* The moment of the cut from both sides: a step that was acknowledged
 * began before it, an error came after it. */
static void
narrow(struct run *r)
{
	uint64_t began = lab_loss_earliest(r->crew.tracks, r->crew.count);
	uint64_t ended = lab_crew_ended(&r->crew);

	if (began > r->moment.earliest)
		r->moment.earliest = began;
	if (ended != 0 && ended < r->moment.latest)
		r->moment.latest = ended;
}

static void
note_times(struct run *r, struct lab_cell *cell)
{
	uint64_t last = r->crew.start_ns;

	for (size_t i = 0; i < r->crew.count; i++) {
		const struct lab_track *t = &r->crew.tracks[i];

		for (uint64_t k = 0; k < t->acked_count; k++)
			lab_latency_add(
			    &cell->latency, t->acked[k] - t->began[k]);
		if (t->acked_count > 0 && t->acked[t->acked_count - 1] > last)
			last = t->acked[t->acked_count - 1];
	}
	r->cut.run_ns = last - r->crew.start_ns;
}

static int
look(struct run *r, struct lab_cell *cell)
{
	struct lab_cut *c = &r->cut;
	struct lab_found found;
	size_t who;
	int status = lab_crew_look(&r->crew, &found, &who);

	if (status != COMMAND_DONE)
		return status;
	narrow(r);
	note_times(r, cell);
	lab_loss_of(r->crew.tracks, r->crew.count, &r->moment, &c->loss);
	if (!found.prefix) {
		c->loss.prefix = false;
		snprintf(c->loss.why, sizeof(c->loss.why), "writer %zu: %.230s",
		    who, found.why);
	}
	c->broken = lab_loss_broken(&c->loss, &cell->bound, &c->allowance);
	if (c->broken)
		explain(r, cell);
	return COMMAND_DONE;
}

static int
note(struct run *r, struct lab_cell *cell)
{
	int err = lab_result_note(cell, &r->cut);

	return err ? report_errno(NULL, "noting a cut", err) : COMMAND_DONE;
}

int
lab_trial_run(const struct lab_trial *t, struct lab_cell *cell)
{
	struct run r = {
	    .trial = t,
	    .cut = {.seed = t->option->seed + t->number,
		.keep = lab_option_keep(t->option, t->number)},
	};
	int status, err;

	snprintf(r.dir, sizeof(r.dir), "%s/cut%u", t->mount->point, t->number);
	status = begin(&r);
	if (status == COMMAND_DONE)
		status = work(&r);
	if (status == COMMAND_DONE)
		status = look(&r, cell);
	if (status == COMMAND_DONE)
		status = note(&r, cell);
	lab_crew_end(&r.crew);
	if (t->option->keep_store)
		return status;
	err = lab_file_remove(r.dir);
	if (err && status == COMMAND_DONE) {
		report(r.dir, "removing: %s", err_text(err));
		status = COMMAND_UNUSABLE;
	}
	return status;
}
