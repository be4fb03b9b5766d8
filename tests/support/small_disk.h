/*
 * small_disk: a filesystem of a few megabytes to fill.
 *
 * Use: small_disk_enter first in main, before there are threads; then
 * small_disk_init, the store in d->dir over &d->env ... small_disk_fini.
 * SMALL_DISK_REAL is a tmpfs in a mount namespace of the test's own, for which
 * nobody has to be root, but which some machines refuse: then the test is
 * skipped.  SMALL_DISK_COUNTED counts what the files of one directory have,
 * and is an env.
 * Threads: any use d->env.
 */
#ifndef TESTS_SUPPORT_SMALL_DISK_H
#define TESTS_SUPPORT_SMALL_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/os/env.h"

enum small_disk_kind { SMALL_DISK_COUNTED, SMALL_DISK_REAL };

struct small_disk {
	struct env env; /* first */
	struct env_ops ops;
	const struct env_ops *base;
	enum small_disk_kind kind;
	const char *dir;
	uint64_t bytes;
	pthread_mutex_t mutex; /* what is counted, is so until it is taken */
};

void small_disk_enter(void);
void small_disk_init(
    struct small_disk *d, enum small_disk_kind kind, uint64_t bytes);
void small_disk_fini(struct small_disk *d);

/* Of a file in d->dir; 0 if there is none. */
uint64_t small_disk_file_bytes(const struct small_disk *d, const char *name);

/* Takes all but so many bytes of what is free, as somebody else's file. */
void small_disk_occupy(struct small_disk *d, uint64_t but);
void small_disk_vacate(struct small_disk *d);

#endif
