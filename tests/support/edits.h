/*
 * edits: edits of the manifest to encode, and how two of them are compared.
 *
 * Threads: one.  What differs ends the test case.
 */
#ifndef TESTS_SUPPORT_EDITS_H
#define TESTS_SUPPORT_EDITS_H

#include "engine/db/edit.h"
#include "tests/check.h"

/* The edit "edit" of docs/SPEC.md: a table is added, and one removed.  The
 * caller finishes it. */
void edits_example(struct edit *e);

/* "edit-snapshot": a snapshot is dropped, and one made. */
void edits_example_snapshot(struct edit *e);

/* All that an edit says of a table. */
void edits_check_file(
    const struct version_file *got, const struct version_file *want);
void edits_check_same(const struct edit *got, const struct edit *want);

#endif
