/*
 * must: assertions about our own mistakes, kept in release builds.
 *
 * Use: must(condition) for what only a bug in this program can break.  Bytes
 * from a disk, a user or the kernel never meet it: decoders return an error.
 */
#ifndef ENGINE_BASE_MUST_H
#define ENGINE_BASE_MUST_H

/* Prints the place and the condition on standard error and aborts. */
_Noreturn void must_fail(const char *file, int line, const char *what);

#define must(cond)                                                             \
	((cond) ? (void)0 : must_fail(__FILE__, __LINE__, #cond))

#endif
