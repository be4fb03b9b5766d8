#include "fs/fuse/gate.h"

#include "engine/base/must.h"

void
gate_init(struct gate *g)
{
	lock_init(&g->lock, LOCK_RANK_LEAF);
	lock_cond_init(&g->changed);
	g->inside = 0;
	g->is_closed = false;
}

void
gate_fini(struct gate *g)
{
	must(g->inside == 0);
	lock_cond_fini(&g->changed);
	lock_fini(&g->lock);
}

void
gate_enter(struct gate *g)
{
	lock_acquire(&g->lock);
	while (g->is_closed)
		lock_cond_wait(&g->changed, &g->lock);
	g->inside++;
	lock_release(&g->lock);
}

void
gate_leave(struct gate *g)
{
	lock_acquire(&g->lock);
	must(g->inside > 0);
	if (--g->inside == 0 && g->is_closed)
		lock_cond_broadcast(&g->changed);
	lock_release(&g->lock);
}

void
gate_close(struct gate *g)
{
	lock_acquire(&g->lock);
	must(!g->is_closed);
	g->is_closed = true;
	while (g->inside > 0)
		lock_cond_wait(&g->changed, &g->lock);
	lock_release(&g->lock);
}

void
gate_open(struct gate *g)
{
	lock_acquire(&g->lock);
	g->is_closed = false;
	lock_cond_broadcast(&g->changed);
	lock_release(&g->lock);
}
