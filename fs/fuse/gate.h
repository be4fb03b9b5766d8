/*
 * gate: lets work in, or waits until none is left.
 *
 * Use: gate_enter and gate_leave around each piece of work; gate_close returns
 * when nobody is inside, and keeps everybody out until gate_open.  Not a lock:
 * what is done inside may take long and waits for nobody's rank.
 * Threads: any; a thread that is inside neither enters again nor closes.
 */
#ifndef FS_FUSE_GATE_H
#define FS_FUSE_GATE_H

#include "engine/base/lock.h"

struct gate {
	struct lock lock; /* rank LEAF; protects: */
	struct lock_cond changed;
	unsigned inside;
	bool is_closed;
};

void gate_init(struct gate *g); /* open */
void gate_fini(struct gate *g);
void gate_enter(struct gate *g);
void gate_leave(struct gate *g);
void gate_close(struct gate *g);
void gate_open(struct gate *g);

#endif
