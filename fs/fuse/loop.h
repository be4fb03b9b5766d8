/*
 * loop: who reads requests, and who waits.
 *
 * One thread, the reader, takes requests from the kernel and carries them out
 * itself: waking another processor costs more than most requests (LIMITS of
 * the design).  Answers that must wait for the log's device sync are put
 * aside (loop_defer); when no request is waiting any more, the reader syncs
 * once and sends them all (settle.h).
 *
 * A request may block: in a sync, a cold block, a stall.  The guard looks
 * every GUARD_US whether the reader is still in the same request; if so, a
 * spare thread becomes the reader, for the answers that are put aside as well,
 * and the blocked one joins the spares when it is through.  The guard sleeps
 * while nothing happens.
 *
 * Under a power cut (cut.h) requests wait, and those that are for nodes of
 * before it are refused, before a handler sees them (era.h).
 *
 * Threads: handlers run on loop threads; several at once only after a
 * handover.  Errors: -errno of a thread that could not be started.
 */
#ifndef FS_FUSE_LOOP_H
#define FS_FUSE_LOOP_H

#include "fs/fuse/reply.h"
#include "fs/vol/vol.h"

struct loop;
struct fuse_session;
struct served;

/* Readers, present and former: so many requests may block at a time. */
#define LOOP_THREADS 32

struct loop_events {
	/* The first request was answered; and: the kernel has unmounted, or
	 * the descriptor failed.  Each at most once, from a loop thread. */
	void (*ready)(void *ctx);
	void (*ended)(void *ctx);
	void *ctx;
};

int loop_start(struct fuse_session *se, struct served *sd,
    const struct loop_events *events, struct loop **out);

/* Ends the threads and frees: requests in work are finished and answered,
 * waiting ones are left. */
void loop_stop(struct loop *l);

/* In a handler: r is sent after everything up to seq is durable. */
void loop_defer(const struct reply *r, uint64_t seq);

/* The request that this thread is serving, if any, has ordered a power cut:
 * its answer may be put aside.  In its handler: r is sent when the cut is over;
 * false: it has ordered none, send r yourself. */
void loop_order_cut(void);
bool loop_put_aside(const struct reply *r);

/* In a handler: memory of at least size bytes, good until it returns; NULL. */
void *loop_scratch(size_t size);

#endif
