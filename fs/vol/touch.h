/*
 * touch: a directory in which a name changes: its times and its link count.
 *
 * Use, with the directory's stripe held: touch_begin, touch_links as often as
 * needed, touch_save, write the batch, touch_commit; touch_end in any case.
 * A zeroed struct may be ended.  Owns: the record that was loaded.
 */
#ifndef FS_VOL_TOUCH_H
#define FS_VOL_TOUCH_H

#include "fs/vol/state.h"

struct touch {
	struct node *n;
	struct store_value value;
	struct entry e; /* as it will be */
};

int touch_begin(struct vol *v, struct node *n, int64_t now, struct touch *t);

/* A subdirectory more (+1) or less (-1): 0 or -EMLINK. */
int touch_links(struct touch *t, int change);
int touch_save(struct vol *v, struct store_batch *b, struct touch *t);
void touch_commit(struct vol *v, struct touch *t);
void touch_end(struct touch *t);

#endif
