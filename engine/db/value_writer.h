/*
 * value_writer: writes large values into files of their own: those that a
 * flush or a compaction moves out of a log, or out of another such file.
 *
 * Format (docs/SPEC.md): a file of the form of a log, of kind WAL_KIND_VALUES,
 * whose records are batches of puts.  The keys are there for whoever looks at
 * the file; nothing reads them.
 * Use: zeroed struct with vset set; value_writer_add ... value_writer_finish,
 * before the tables that refer to them are named by the manifest; fini in any
 * case.
 * Owns: a reference to every file, until fini.
 * Threads: one.
 * Errors: after any, nothing that was added is good: value_writer_abandon.
 */
#ifndef ENGINE_DB_VALUE_WRITER_H
#define ENGINE_DB_VALUE_WRITER_H

#include "engine/db/values.h"
#include "engine/db/vset.h"

struct lsm_batch;

struct value_writer {
	struct vset *vset; /* set by the caller, constant */

	struct wal *wal;         /* of the last file; NULL: none is open */
	struct lsm_batch *batch; /* what goes to it next */
	struct value_file **files;
	size_t count;
	uint64_t seq;         /* of the next operation in the file */
	uint64_t bytes;       /* of all files */
	uint64_t value_bytes; /* of the values in the last one */
};

/* Adds the value of a key; writes the reference at ref, which has room for
 * vref_bytes(value.size), and returns its size in *ref_size. */
int value_writer_add(struct value_writer *w, struct bytes key,
    struct bytes value, uint8_t *ref, size_t *ref_size);

/* All of it is on stable storage, but for the names. */
int value_writer_finish(struct value_writer *w);

/* The files go, when nobody refers to them. */
void value_writer_abandon(struct value_writer *w);
void value_writer_fini(struct value_writer *w);

#endif
