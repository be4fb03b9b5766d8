/*
 * pick_inputs: putting together the inputs of a pick, so that its promise
 * (pick.h) holds.
 */
#ifndef ENGINE_DB_PICK_INPUTS_H
#define ENGINE_DB_PICK_INPUTS_H

#include "engine/db/pick.h"

/* Adds (copies of the pointers to) count files of one level, which has none
 * yet, and widens span and bytes. */
int pick_inputs_add(struct pick *p, unsigned level,
    struct version_file *const *files, size_t count);

/* The same for f alone, of p->level; NULL: none was found.  1, 0: NULL, <0. */
int pick_inputs_add_one(struct pick *p, struct version_file *f);

/* There are none any more. */
void pick_inputs_clear(struct pick *p);

/* Adds the files of the output level that the inputs so far overlap. */
int pick_inputs_add_output(const struct version *v, struct pick *p);

/* Whether these levels are nobody's over this span. */
bool pick_inputs_free(const struct pick_scene *s, unsigned level,
    unsigned output_level, const struct span *span);

/* The same for p's levels, with the tables of the output level that meet all.
 */
bool pick_inputs_free_below(
    const struct pick_scene *s, const struct pick *p, struct span all);

/*
 * The oldest tables of level 0 that nobody has, with all that they overlap,
 * directly or through others: what stays has no key in common with what goes,
 * so nothing old is left above something newer.  1, 0: all are taken, <0.
 */
int pick_inputs_add_level0(const struct pick_scene *s, struct pick *p);

/*
 * Of a level > 0 the table whose way down costs least: fewest bytes to rewrite
 * below for each byte that moves (RocksDB's kMinOverlappingRatio), of those
 * that nobody has.  Of equals the first behind the cursor, round to the first
 * one.  1, 0: all are taken, <0.
 */
int pick_inputs_add_cheapest(const struct pick_scene *s, struct pick *p);

/*
 * More of p->level (> 0), which has one input, that lie beside it and overlap
 * nothing in the output level that is not an input already: they go down at no
 * cost.  -ENOMEM.
 */
int pick_inputs_grow(const struct pick_scene *s, struct pick *p);

uint64_t pick_inputs_bytes(struct version_file *const *files, size_t count);

#endif
