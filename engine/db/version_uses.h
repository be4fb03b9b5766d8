/*
 * version_uses: what the tables of a version refer to in files of values, made
 * from what those of the version before do and the tables that come and go.
 *
 * Use: zeroed struct; version_uses_begin, add and subtract in any order,
 * version_uses_finish; version_uses_fini in any case.  Private to
 * version_build.c.
 */
#ifndef ENGINE_DB_VERSION_USES_H
#define ENGINE_DB_VERSION_USES_H

#include "engine/db/version.h"

/* A difference, which may be below zero in between: modulo 2^64. */
struct version_uses {
	struct version_use *uses; /* in no order; a file may be there twice */
	size_t count;
	size_t room;
};

int version_uses_begin(struct version_uses *u, const struct version *base);
int version_uses_add(struct version_uses *u, const struct version_file *f);
int version_uses_subtract(struct version_uses *u, const struct version_file *f);

/* Sorted and added up into v, without those that add up to nothing. */
void version_uses_finish(struct version_uses *u, struct version *v);
void version_uses_fini(struct version_uses *u);

#endif
