/*
 * fix: puts the checksums in a file right, so that what they guard is reached.
 *
 * Whatever the bytes are: what cannot be found by its offsets stays as it is.
 * Where checksums stand, docs/SPEC.md says.
 */
#ifndef TESTS_FUZZ_FIX_H
#define TESTS_FUZZ_FIX_H

#include "engine/table/frame.h"

/* A log or manifest file: its header's, and those of the records that follow
 * one another by their sizes. */
void fix_wal(uint8_t *data, size_t size);

/* The frame of a table at h. */
void fix_frame(
    uint8_t *data, size_t size, uint64_t file_no, struct frame_handle h);

/* A table file: the footer's, and those of all frames that can be found. */
void fix_table(uint8_t *data, size_t size);

#endif
