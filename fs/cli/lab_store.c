#include "fs/cli/lab_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/lock.h"
#include "engine/lsm_lab.h"
#include "fs/cli/report.h"
#include "fs/vol/vol_lab.h"

struct lab_store_order {
	uint64_t after; /* 0: now */
	struct lsm_lab_how how;
};

/* What came of a cut. */
struct lab_store_cut {
	struct lsm_lab_how how;
	struct lsm_lab_report report;
	double reopen_ms;
};

struct lab_store {
	/* constant after lab_store_new */
	struct lab_store_options options;
	struct local *local;
	char stats[96];

	struct lock orders;           /* protects: */
	struct lab_store_order armed; /* after 0: none */
	struct lab_store_order now;
	struct lab_store_cut last;
	uint64_t cuts;

	/* Below the engine's locks: an armed cut comes to one of its threads.
	 * Above the session's.  Protects: */
	struct lock events;
	struct session *session; /* NULL: there is none to be told */
	bool is_cut;
	bool armed_came; /* it was the armed one */
};

static const char *const keep_words[] = {
    [LSM_LAB_KEEP_NONE] = "none",
    [LSM_LAB_KEEP_PREFIX] = "prefix",
    [LSM_LAB_KEEP_RANDOM] = "random",
};

/* --- orders ----------------------------------------------------------------
 */

/* False: one is in work. */
static bool
begin_cut(struct lab_store *ls)
{
	bool begins;

	lock_acquire(&ls->events);
	begins = !ls->is_cut;
	ls->is_cut = true;
	lock_release(&ls->events);
	return begins;
}

static bool
in_cut(struct lab_store *ls)
{
	bool is_cut;

	lock_acquire(&ls->events);
	is_cut = ls->is_cut;
	lock_release(&ls->events);
	return is_cut;
}

static void
tell_session(struct lab_store *ls)
{
	lock_acquire(&ls->events);
	if (ls->session)
		session_power_cut(ls->session);
	lock_release(&ls->events);
}

/* The armed cut has come, to a thread of the engine in the middle of its work:
 * nothing here waits for anybody who needs the engine. */
static void
on_armed_cut(void *ctx)
{
	struct lab_store *ls = ctx;

	lock_acquire(&ls->events);
	ls->is_cut = true;
	ls->armed_came = true;
	if (ls->session)
		session_power_cut(ls->session);
	lock_release(&ls->events);
}

static int
cut_now(struct lab_store *ls, const struct lab_store_order *o)
{
	if (!begin_cut(ls))
		return -EBUSY;
	ls->now = *o;
	/* If the armed one is faster this does nothing. */
	lsm_lab_cut(ls->local->lab, &o->how);
	tell_session(ls);
	return 0;
}

static int
arm(struct lab_store *ls, const struct lab_store_order *o)
{
	if (in_cut(ls))
		return -EBUSY;
	ls->armed = *o;
	lsm_lab_arm(ls->local->lab, o->after, &o->how, on_armed_cut, ls);
	return 0;
}

static int
on_order(void *ctx, const struct vol_cut *how)
{
	static const enum lsm_lab_keep keep[] = {
	    [VOL_CUT_NONE] = LSM_LAB_KEEP_NONE,
	    [VOL_CUT_PREFIX] = LSM_LAB_KEEP_PREFIX,
	    [VOL_CUT_RANDOM] = LSM_LAB_KEEP_RANDOM,
	};
	const struct lab_store_order o = {
	    how->after, {keep[how->keep], how->seed}};
	struct lab_store *ls = ctx;
	int err;

	lock_acquire(&ls->orders);
	err = o.after ? arm(ls, &o) : cut_now(ls, &o);
	lock_release(&ls->orders);
	return err;
}

/* --- after a cut ------------------------------------------------------------
 */

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
}

/* The machine is down, and comes up again. */
static int
reboot(struct lab_store *ls, struct lab_store_cut *c)
{
	struct local *l = ls->local;
	double begin = now_ms();
	int err;

	vol_stop(l->vol);
	/* That its last sync fails is what happens to a dead machine. */
	(void)store_close(l->store);
	l->store = NULL;
	l->db = NULL;
	/* One that was armed meanwhile was armed before the cut. */
	lsm_lab_arm(l->lab, 0, NULL, NULL, NULL);
	err = lsm_lab_restart(l->lab, &c->report);
	if (err == 0)
		err = local_open_store(ls->options.path, ls->options.local, l);
	if (err == 0)
		err = vol_restart(l->vol, l->store);
	c->reopen_ms = now_ms() - begin;
	return err;
}

/* Of the threads that may have made the cut none is left: it is known which it
 * was.  Returns how many there have been. */
static uint64_t
end_cut(struct lab_store *ls, struct lab_store_cut *c)
{
	uint64_t cuts;

	lock_acquire(&ls->orders);
	lock_acquire(&ls->events);
	c->how = ls->armed_came ? ls->armed.how : ls->now.how;
	ls->is_cut = false;
	ls->armed_came = false;
	lock_release(&ls->events);
	ls->armed.after = 0;
	ls->last = *c;
	cuts = ++ls->cuts;
	lock_release(&ls->orders);
	return cuts;
}

static int
on_restart(void *ctx)
{
	struct lab_store *ls = ctx;
	struct lab_store_cut c = {.how = {.seed = 0}};
	uint64_t cuts;
	int err = reboot(ls, &c);

	if (err != 0) {
		report_errno(ls->options.path,
		    "after a power cut: opening the store again", err);
		/* Who waits for an answer learns no more than that. */
		return -EIO;
	}
	cuts = end_cut(ls, &c);
	report(ls->options.path,
	    "power cut %" PRIu64 ": keep=%s seed=%" PRIu64 ": lost %" PRIu64
	    " of %" PRIu64 " unsynced writes, %" PRIu64 " bytes, and %" PRIu64
	    " of %" PRIu64 " unsynced names; open again after %.1f ms",
	    cuts, keep_words[c.how.keep], c.how.seed, c.report.writes_lost,
	    c.report.writes, c.report.bytes_lost, c.report.names_lost,
	    c.report.names, c.reopen_ms);
	return 0;
}

/* --- the report ------------------------------------------------------------
 */

static int
report_state(struct lab_store *ls, struct buf *text)
{
	int err = buf_printf(text, "cuts %" PRIu64 "\n", ls->cuts);

	if (err != 0)
		return err;
	if (in_cut(ls))
		return buf_printf(text, "state cut\n");
	if (ls->armed.after)
		return buf_printf(text,
		    "state armed after=%" PRIu64 " seed=%" PRIu64 " keep=%s\n",
		    ls->armed.after, ls->armed.how.seed,
		    keep_words[ls->armed.how.keep]);
	return buf_printf(text, "state ready\n");
}

static int
report_last(const struct lab_store_cut *c, struct buf *text)
{
	const struct lsm_lab_report *r = &c->report;

	return buf_printf(text,
	    "last_seed %" PRIu64 "\n"
	    "last_keep %s\n"
	    "last_changes %" PRIu64 "\n"
	    "last_writes_unsynced %" PRIu64 "\n"
	    "last_writes_lost %" PRIu64 "\n"
	    "last_bytes_lost %" PRIu64 "\n"
	    "last_names_unsynced %" PRIu64 "\n"
	    "last_names_lost %" PRIu64 "\n"
	    "last_reopen_ms %.1f\n",
	    c->how.seed, keep_words[c->how.keep], r->changes, r->writes,
	    r->writes_lost, r->bytes_lost, r->names, r->names_lost,
	    c->reopen_ms);
}

static int
on_report(void *ctx, struct buf *text)
{
	struct lab_store *ls = ctx;
	int err;

	lock_acquire(&ls->orders);
	err = report_state(ls, text);
	if (err == 0)
		err = buf_printf(text, "changes %" PRIu64 "\n%s",
		    lsm_lab_changes(ls->local->lab), ls->stats);
	if (err == 0 && ls->cuts > 0)
		err = report_last(&ls->last, text);
	lock_release(&ls->orders);
	return err;
}

/* --- life ------------------------------------------------------------------
 */

struct lab_store *
lab_store_new(const struct lab_store_options *o, struct local *l)
{
	struct lab_store *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	ls->options = *o;
	ls->local = l;
	(void)snprintf(ls->stats, sizeof(ls->stats),
	    "lab 1\nlab_fsync_ignored %d\nlab_sync_delay_ms %" PRIu32 "\n",
	    o->fsync_ignored, o->local->sync_delay_ms);
	lock_init(&ls->orders, LOCK_RANK_FUSE);
	lock_init(&ls->events, LOCK_RANK_ENV);
	vol_set_lab(l->vol, &(struct vol_lab){
				.cut = on_order,
				.report = on_report,
				.ctx = ls,
				.stats = ls->stats,
			    });
	return ls;
}

void
lab_store_free(struct lab_store *ls)
{
	if (!ls)
		return;
	lock_fini(&ls->events);
	lock_fini(&ls->orders);
	free(ls);
}

void
lab_store_fill(struct lab_store *ls, struct session_options *o)
{
	if (!ls)
		return;
	o->restart = on_restart;
	o->restart_ctx = ls;
}

static void
set_session(struct lab_store *ls, struct session *s)
{
	lock_acquire(&ls->events);
	ls->session = s;
	lock_release(&ls->events);
}

void
lab_store_begin(struct lab_store *ls, struct session *s)
{
	if (ls)
		set_session(ls, s);
}

void
lab_store_end(struct lab_store *ls)
{
	if (!ls)
		return;
	lsm_lab_arm(ls->local->lab, 0, NULL, NULL, NULL);
	set_session(ls, NULL);
}
