/*
 * filelock: one process (and one opener in it) per store.
 *
 * An advisory lock on a file whose text tells others who holds it: line 1
 * the pid, line 2 a note by the holder (the mount point, or empty).
 * The lock goes with the holder's death; the file and, after kill -9, its text
 * stay.  A fork()ed child shares the lock until it execs or exits.
 * Not part of env: tests that replace files still need a real lock.
 */
#ifndef ENGINE_OS_FILELOCK_H
#define ENGINE_OS_FILELOCK_H

#include <stddef.h>
#include <sys/types.h>

/* From filelock_peek: held, but the holder did not tell its pid. */
#define FILELOCK_UNKNOWN ((pid_t)-1)

struct filelock;

/*
 * Takes the lock on path, creating the file (also on a full disk, where the
 * text is then missing).  -EBUSY if held, by another process or by this one;
 * then *holder is the pid that holds it (0 unknown).
 */
int filelock_acquire(const char *path, struct filelock **out, pid_t *holder);

/* Writes the note, at most 4,095 bytes without newline (else -EINVAL). */
int filelock_set_note(struct filelock *, const char *note);
void filelock_release(struct filelock *); /* NULL is allowed */

/*
 * Who holds path now: 0 with *holder 0 if nobody (or no file there); note (of
 * note_size bytes) is filled and NUL-terminated.  Takes no lock.
 */
int filelock_peek(const char *path, pid_t *holder, char *note,
    size_t note_size);

#endif
