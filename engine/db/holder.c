#include "engine/db/holder.h"

#include <stdlib.h>

#include "engine/db/db.h"
#include "engine/db/file_name.h"

static int
holder_busy(struct env *env, const char *dir, const char *path, pid_t pid)
{
	char note[256] = "";
	pid_t now;

	/* The note may be gone already: then there is none to tell. */
	if (filelock_peek(path, &now, note, sizeof(note)) || now != pid)
		note[0] = '\0';
	if (pid <= 0)
		env_log(env, ERR_LEVEL_ERROR,
		    "%s: the store is open in another process", dir);
	else
		env_log(env, ERR_LEVEL_ERROR,
		    "%s: the store is open in process %d%s%s", dir, (int)pid,
		    note[0] ? ": " : "", note);
	return -EBUSY;
}

int
holder_acquire(struct env *env, const char *dir, struct filelock **out)
{
	char *path = file_name_path(dir, FILE_NAME_LOCK, 0);
	pid_t pid = 0;
	int err;

	if (!path)
		return -ENOMEM;
	err = filelock_acquire(path, out, &pid);
	if (err == -EBUSY)
		err = holder_busy(env, dir, path, pid);
	else if (err)
		env_log(env, ERR_LEVEL_ERROR,
		    "%s: the lock file cannot be used: %s", path,
		    err_text(err));
	free(path);
	return err;
}

int
lsm_holder(const char *path, pid_t *pid, char *note, size_t note_size)
{
	char *lock = file_name_path(path, FILE_NAME_LOCK, 0);
	int err;

	if (!lock)
		return -ENOMEM;
	err = filelock_peek(lock, pid, note, note_size);
	free(lock);
	return err;
}

int
lsm_set_note(struct lsm *db, const char *note)
{
	return filelock_set_note(db->filelock, note);
}
