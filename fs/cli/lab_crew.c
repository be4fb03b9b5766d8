#include "fs/cli/lab_crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/err.h"
#include "fs/cli/command.h"
#include "fs/cli/lab_clock.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/report.h"

static int
failed(const struct lab_crew *c, const char *doing, int err)
{
	report(c->name, "%s: %s", doing, err_text(err));
	return COMMAND_UNUSABLE;
}

/* --- before ----------------------------------------------------------------
 */

static int
begin_writers(struct lab_crew *c, const struct lab_crew_order *o)
{
	char path[PATH_MAX + 32];
	int err = 0;

	c->writers = calloc(c->count, sizeof(*c->writers));
	if (!c->writers)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < c->count; i++) {
		snprintf(path, sizeof(path), "%s/w%zu", o->dir, i);
		err = lab_writer_begin(&c->writers[i], o->workload, path,
		    lab_line_mix(o->seed, i));
	}
	return err;
}

static int
begin_script(struct lab_crew *c, const struct lab_crew_order *o)
{
	char path[PATH_MAX + 32];
	int err;

	snprintf(path, sizeof(path), "%s/script", o->dir);
	err = lab_script_begin(&c->script, o->script, path, o->group);
	c->script.quiet = !o->option->verbose;
	return err;
}

int
lab_crew_begin(struct lab_crew *c, const struct lab_crew_order *o)
{
	int err = 0;

	*c = (struct lab_crew){
	    .name = o->workload ? o->workload->name : o->script,
	    .count = o->workload ? o->option->writers : 1,
	};
	c->tracks = calloc(c->count, sizeof(*c->tracks));
	if (!c->tracks)
		err = -ENOMEM;
	else
		err = o->workload ? begin_writers(c, o) : begin_script(c, o);
	return err ? failed(c, "beginning", err) : COMMAND_DONE;
}

int
lab_crew_start(struct lab_crew *c)
{
	int err = 0;

	if (!c->writers)
		err = lab_script_start(&c->script);
	for (size_t i = 0; c->writers && err == 0 && i < c->count; i++)
		err = lab_writer_start(&c->writers[i]);
	return err ? failed(c, "starting", err) : COMMAND_DONE;
}

void
lab_crew_go(struct lab_crew *c)
{
	c->start_ns = lab_clock_ns();
	if (!c->writers)
		lab_script_go(&c->script);
	for (size_t i = 0; c->writers && i < c->count; i++)
		lab_writer_go(&c->writers[i]);
}

/* --- meanwhile -------------------------------------------------------------
 */

uint64_t
lab_crew_ended(const struct lab_crew *c)
{
	uint64_t first = 0;

	for (size_t i = 0; c->writers && i < c->count; i++) {
		uint64_t at = lab_writer_ended(&c->writers[i]);

		if (at != 0 && (first == 0 || at < first))
			first = at;
	}
	return first;
}

bool
lab_crew_wait(struct lab_crew *c, uint64_t until_ns)
{
	uint64_t now = lab_clock_ns();
	uint64_t until =
	    until_ns > now + LAB_CLOCK_MS ? now + LAB_CLOCK_MS : until_ns;
	bool goes_on = true;

	if (until <= now)
		return lab_crew_ended(c) == 0;
	if (c->writers)
		lab_clock_sleep(until - now);
	else
		goes_on = lab_script_wait(&c->script, until);
	now = lab_clock_ns();
	if (now > until && now - until > c->late_ns)
		c->late_ns = now - until;
	return goes_on && lab_crew_ended(c) == 0;
}

uint64_t
lab_crew_acked(const struct lab_crew *c)
{
	uint64_t n = 0;

	for (size_t i = 0; c->writers && i < c->count; i++)
		n += atomic_load(&c->writers[i].notes->acked);
	return c->writers ? n : c->script.steps.count;
}

void
lab_crew_report(const struct lab_crew *c)
{
	for (size_t i = 0; c->writers && i < c->count; i++) {
		const struct lab_notes *n = c->writers[i].notes;

		if (atomic_load(&n->ended_ns) == 0)
			continue;
		report(c->name, "writer %zu, step %llu: %s", i,
		    (unsigned long long)atomic_load(&n->begun),
		    err_text(atomic_load(&n->error)));
		return;
	}
}

/* --- afterwards ------------------------------------------------------------
 */

int
lab_crew_stop(struct lab_crew *c)
{
	int err = 0;

	if (!c->writers)
		lab_script_stop(&c->script);
	for (size_t i = 0; c->writers && i < c->count; i++) {
		int e = lab_writer_stop(&c->writers[i]);

		err = err ? err : e;
	}
	return err ? failed(c, "waiting for the writers", err) : COMMAND_DONE;
}

int
lab_crew_look(struct lab_crew *c, struct lab_found *found, size_t *who)
{
	int err = 0;

	*who = 0;
	if (!c->writers)
		err = lab_script_look(&c->script, c->tracks, found);
	for (size_t i = 0; c->writers && i < c->count; i++) {
		struct lab_found f;

		lab_writer_look(&c->writers[i], &c->tracks[i], &f);
		if (i > 0 && (f.prefix || !found->prefix))
			continue;
		*found = f;
		*who = i;
	}
	return err ? failed(c, "check", err) : COMMAND_DONE;
}

void
lab_crew_end(struct lab_crew *c)
{
	for (size_t i = 0; c->writers && i < c->count; i++)
		lab_writer_end(&c->writers[i]);
	if (c->tracks && !c->writers)
		lab_script_end(&c->script);
	free(c->writers);
	free(c->tracks);
	*c = (struct lab_crew){0};
}
