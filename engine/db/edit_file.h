/*
 * edit_file: a table as it stands in an edit, behind its level.
 *
 * Format (docs/SPEC.md): fields of every table; and, of one that has more
 * (kind ADD_MORE), a count and so many fields with a tag.
 */
#ifndef ENGINE_DB_EDIT_FILE_H
#define ENGINE_DB_EDIT_FILE_H

#include "engine/db/version.h"

/* Whether it has fields with tags. */
bool edit_file_has_more(const struct version_file *f);

/* Appends to out. */
int edit_file_encode(struct buf *out, const struct version_file *f);

/* One reference; it has no place yet.  ERR_DAMAGED or ERR_FORMAT, without a
 * message. */
int edit_file_decode(struct wire_in *in, bool more, struct version_file **out);

#endif
