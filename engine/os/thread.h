/*
 * thread: starting and joining threads.
 *
 * New threads block every signal but the synchronous ones, so that signals
 * reach the thread that waits for them.
 */
#ifndef ENGINE_OS_THREAD_H
#define ENGINE_OS_THREAD_H

#include <pthread.h>

struct thread {
	pthread_t id;
};

/* name: at most 15 bytes, shown by ps and debuggers. */
int thread_start(struct thread *t, const char *name, void *(*run)(void *),
    void *arg);
void thread_join(struct thread *t);

#endif
