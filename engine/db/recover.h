/*
 * recover: from the files of a store to memtables, as after a crash.
 *
 * Each segment of the log becomes a memtable again; the last one is gone on
 * with, the others are flushed as they would have been.  Nothing is written
 * but the cut of a torn tail, so a store opens on a full disk.
 *
 * What was not synced may be missing anywhere in the log.  Segments that do
 * not follow what could be read are beyond such a hole: they are deleted
 * before anything new is written, for their numbers will be given again.  If
 * any record promises that what is missing was durable, it is damage.
 */
#ifndef ENGINE_DB_RECOVER_H
#define ENGINE_DB_RECOVER_H

struct lsm;

/* db->vset is ready.  Fills view, segments and numbers of db; what was read is
 * not taken to be durable.  ERR_DAMAGED and others, with a message. */
int recover_run(struct lsm *db);

#endif
