/*
 * cut: what a session does when the power was cut.
 *
 * A thread of its own waits for the order, until no request is in work, has
 * the store and the volume brought back, begins a new era (era.h), lets
 * requests in again, tells the kernel what to forget (notice.h), and then
 * answers whoever gave the order.
 *
 * Use: cut_new; cut_start, cut_stop; cut_free.  Every request is served
 * between gate_enter and gate_leave of cut_gate, and answers that wait for a
 * sync are sent inside as well.
 * Threads: cut_order and cut_put_aside from any.  Errors: of cut_stop: what
 * the last restart failed with; `failed` was called then.
 */
#ifndef FS_FUSE_CUT_H
#define FS_FUSE_CUT_H

#include "fs/fuse/gate.h"
#include "fs/fuse/reply.h"

struct cut;
struct served;

struct cut_events {
	int (*restart)(void *ctx); /* brings the volume back */
	void *restart_ctx;
	/* It failed, and no more requests can be served.  Must not wait. */
	void (*failed)(void *ctx);
	void *failed_ctx;
};

int cut_new(
    struct served *sd, const struct cut_events *events, struct cut **out);
int cut_start(struct cut *c, struct fuse_session *se);

/* Finishes what it is at.  Requests have to be served until it returns. */
int cut_stop(struct cut *c);
void cut_free(struct cut *c); /* stopped, or never started */

void cut_order(struct cut *c);
struct gate *cut_gate(struct cut *c);

/* From inside the gate: r is sent when the cut that was ordered is over, as an
 * error if that failed. */
void cut_put_aside(struct cut *c, const struct reply *r);

#endif
