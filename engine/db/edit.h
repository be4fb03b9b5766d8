/*
 * edit: one change of the set of tables, or of the named snapshots, as
 * recorded in the manifest.
 *
 * Format (docs/SPEC.md): a version byte, then tagged fields.  Owns: its added
 * metas (references) and its snapshots until edit_fini.
 */
#ifndef ENGINE_DB_EDIT_H
#define ENGINE_DB_EDIT_H

#include "engine/base/buf.h"
#include "engine/db/named.h"
#include "engine/db/version.h"

/* What edit_encode writes; older ones are read. */
#define EDIT_VERSION 2

struct edit_add {
	unsigned level;
	struct version_file *file; /* a reference */
};

struct edit_remove {
	unsigned level;
	uint64_t number;
};

struct edit {
	struct edit_add *adds;
	size_t add_count;
	struct edit_remove *removes;
	size_t remove_count;
	/* 0: unchanged */
	uint64_t log_number;  /* what older logs hold is in tables */
	uint64_t next_number; /* file numbers below are used */
	uint64_t last_seq;    /* everything in tables is at or below */
	/* drops come first: of these only the name counts */
	struct named_set drops;
	struct named_set snapshots;
};

/* Zeroed struct is an empty edit. */
void edit_fini(struct edit *e);

/* Takes a reference of its own. */
int edit_add_file(struct edit *e, unsigned level, struct version_file *file);
int edit_remove_file(struct edit *e, unsigned level, uint64_t number);

/* Appends to out. */
int edit_encode(const struct edit *e, struct buf *out);

/* ERR_DAMAGED or ERR_FORMAT, without a message.  The files of out have no
 * place yet (version_file_place). */
int edit_decode(struct bytes payload, struct edit *out);

/*
 * Makes e what it and `next` behind it do together, e having begun with
 * nothing: it then removes nothing.  ERR_DAMAGED, without a message, if next
 * removes or drops what e does not add, or makes a snapshot that e has.  After
 * an error e is good for edit_fini only.
 */
int edit_merge(struct edit *e, const struct edit *next);

#endif
