#include "engine/db/manifest.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/file_name.h"

int
manifest_append(
    struct wal *w, uint64_t number, const struct edit *e, bool *doubtful)
{
	static const uint8_t room[WAL_RECORD_HEADER];
	/* Every record was synced before the next one is written. */
	const struct wal_stamp stamp = {
	    .seq = number, .count = 1, .durable = number - 1};
	struct buf b = {0};
	int err = buf_append(&b, room, sizeof(room));

	if (!err)
		err = edit_encode(e, &b);
	if (!err && b.size - sizeof(room) > WAL_PAYLOAD_MAX)
		err = -EFBIG;
	*doubtful = false;
	if (!err) {
		err = wal_append(w, b.data, b.size, &stamp);
		/* A full disk: the wal has taken back what it wrote. */
		*doubtful = err && !err_is_full(err);
	}
	if (!err) {
		err = wal_sync(w);
		*doubtful = err != 0; /* whatever the error is */
	}
	buf_fini(&b);
	return err;
}

/* What CURRENT holds for a manifest; returns its size. */
static size_t
current_text(char text[FILE_NAME_SIZE + 1], uint64_t number)
{
	file_name_format(text, FILE_NAME_MANIFEST, number);
	strcat(text, "\n");
	return strlen(text);
}

/*
 * After CURRENT could not be replaced: it may still name the new manifest, if
 * only the directory's sync failed.  What was not renamed then is not renamed
 * later: looking is enough.
 */
static bool
may_be_named(const struct version_place *p, uint64_t number)
{
	char *path = file_name_path(p->dir, FILE_NAME_CURRENT, 0);
	char want[FILE_NAME_SIZE + 1];
	size_t want_size = current_text(want, number), size = 0;
	uint8_t *data = NULL;
	bool other;
	int err =
	    path ? env_read_file(p->env, path, FILE_NAME_SIZE, &data, &size)
		 : -ENOMEM;

	other = err == -ENOENT || (!err && !bytes_eq(bytes_of(data, size),
					       bytes_of(want, want_size)));
	free(data);
	free(path);
	return !other;
}

static int
switch_current(const struct version_place *p, uint64_t number)
{
	char text[FILE_NAME_SIZE + 1];
	size_t size = current_text(text, number);
	/* The manifest's own name first: CURRENT must not outlive it. */
	int err = env_sync_dir(p->env, p->dir);

	if (err)
		return err;
	return env_replace_file(
	    p->env, p->dir, "CURRENT", bytes_of(text, size));
}

int
manifest_begin(const struct version_place *p, const struct wal_id *id,
    const struct edit *whole, struct wal **out, bool *named)
{
	char *path = file_name_path(p->dir, FILE_NAME_MANIFEST, id->number);
	struct wal *w = NULL;
	bool doubtful;
	int err;

	must(whole->remove_count == 0 && whole->next_number > id->number);
	*named = false;
	if (!path)
		return -ENOMEM;
	err = wal_create(p->env, path, id, 1, &w);
	if (err)
		goto out;
	err = manifest_append(w, 1, whole, &doubtful);
	if (!err) {
		err = switch_current(p, id->number);
		*named = !err || may_be_named(p, id->number);
	}
	if (!err) {
		*out = w;
		goto out;
	}
	wal_close(w);
	if (!*named)
		env_unlink(p->env, path);
out:
	free(path);
	return err;
}
