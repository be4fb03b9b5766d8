/*
 * guard: copying into a mapping of a file without dying of it.
 *
 * The kernel answers a store into a page that it cannot provide (the file was
 * cut by somebody else, its block cannot be read or allocated) with SIGBUS.
 * Under the guard that is an error of the copy.
 * Use: guard_install now and then, guard_copy after it.
 * Owns: the process's handler of SIGBUS, for good: what is not the guard's goes
 * to the handler that was there before.  A handler that somebody else sets
 * later hides it until guard_install comes by again.
 * Threads: any.
 */
#ifndef ENGINE_OS_GUARD_H
#define ENGINE_OS_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Makes sure that the handler is the guard's. */
void guard_install(void);

struct guard_area {
	void *begin; /* of a page */
	size_t size;
	atomic_bool lost; /* no mapping of the file any more */
};

/*
 * As memcpy, into the mapping `area` or out of it, which others may do at the
 * same time.  -EFAULT: a page could not be had, for this thread or for another,
 * and the area is lost: what was copied into it is partly in the file, what was
 * copied out of it may be zeros.  -EAGAIN: nothing was done, for this thread
 * blocks SIGBUS (asked once in its life), which would be deadly then.
 */
int guard_copy(
    struct guard_area *area, void *to, const void *from, size_t size);

#endif
