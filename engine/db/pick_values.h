/*
 * pick_values: what makes compactions necessary where tables refer to values
 * elsewhere.
 *
 * Garbage: when there is too much (collect_plan.h), tables that refer to the
 * files of the plan are rewritten where they are, whatever their keys.
 * Hidden garbage: a table of an upper level may have overwritten or deleted, in
 * the levels below, as much as it refers to, and more if it has deletes; that
 * counts as live until the tables meet.  So no level but the last may refer to
 * more than a part of what the last does.  (Bytes of tables say little of that:
 * a reference is small.)
 * Pure functions of the scene.
 */
#ifndef ENGINE_DB_PICK_VALUES_H
#define ENGINE_DB_PICK_VALUES_H

#include "engine/db/pick.h"

struct pick_values {
	struct vref_list plan;
	double garbage[LSM_LEVELS]; /* over what there may be; the level's */
	double hidden[LSM_LEVELS];  /* over what there may be */
};

/* -ENOMEM. */
int pick_values_look(const struct pick_scene *s, struct pick_values *out);
void pick_values_fini(struct pick_values *k);

/* The table of p->level (> 0) that refers to most of the plan and is nobody's;
 * it becomes the input of a rewrite in place.  1, 0: there is none, <0. */
int pick_values_add(
    const struct pick_scene *s, const struct vref_list *plan, struct pick *p);

/* Any such table of any level > 0, while no compaction runs. */
int pick_values_any(
    const struct version *v, const struct vref_list *plan, struct pick *p);

/* The table of p->level (> 0) that may hide most for what it costs to bring it
 * down to p->output_level, and is nobody's.  1, 0, <0 as above. */
int pick_values_add_hiding(const struct pick_scene *s, struct pick *p);

#endif
