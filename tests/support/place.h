/*
 * place: a table file in a directory of its own, for tests of tables.
 *
 * Everything goes through an env that can fail; the last message and the last
 * finding of a check are kept.
 */
#ifndef TESTS_SUPPORT_PLACE_H
#define TESTS_SUPPORT_PLACE_H

#include "engine/os/env_fault.h"
#include "engine/table/table.h"
#include "engine/table/table_writer.h"
#include "tests/support/sorted.h"

#define PLACE_FILE_NO 12

struct place {
	struct env_fault fault; /* &fault.env is what the tables use */
	struct env posix;
	char message[1024];
	char path[512];
	unsigned findings;
	char finding[1024];
};

/* Small blocks, filter, compression. */
extern const struct table_writer_options place_options;

void place_init(struct place *p);
void place_fini(struct place *p); /* removes the file if it is there */

bool place_has_file(struct place *p);

/* For table_check, with the place as ctx. */
void place_finding(void *ctx, const char *text);

/* Writes the model to the place's path; the writer's first error. */
int place_write(struct place *p, const struct sorted *s,
    const struct table_writer_options *o, struct table_info *info);

/* A file of random entries, and the model of it. */
void place_make(struct place *p, struct check_rand *r, struct sorted *s,
    size_t count, const struct table_writer_options *o);
struct table *place_open(struct place *p, struct cache *c);

/* The whole file, malloc'ed; and the other way. */
struct bytes place_load(struct place *p);
void place_store(struct place *p, struct bytes content);

/* What table_get must say; an error passes if errors_pass. */
void place_check_get(struct table *t, const struct sorted *s,
    struct bytes target, bool errors_pass);

#endif
