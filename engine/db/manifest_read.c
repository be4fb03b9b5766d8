#include <inttypes.h>
#include <stdlib.h>

#include "engine/db/file_name.h"
#include "engine/db/manifest.h"
#include "engine/db/values.h"

/* No store has had so many files, nor will it have as many more. */
#define NEXT_NUMBER_MAX (FILE_NAME_NUMBER_MAX / 2)

struct reading {
	const struct version_place *place;
	const struct err_sink *sink;
	char *path; /* of the manifest */
	struct manifest_state state;
	uint64_t records;
};

/* --- CURRENT ----------------------------------------------------------- */

/* "MANIFEST-000123\n", to the byte; 0 if it is not. */
static uint64_t
parse_current(const uint8_t *data, size_t size)
{
	char name[FILE_NAME_SIZE];
	uint64_t number;

	if (size == 0 || size > sizeof(name) || data[size - 1] != '\n' ||
	    memchr(data, 0, size))
		return 0;
	memcpy(name, data, size);
	name[size - 1] = '\0';
	return file_name_parse(name, &number) == FILE_NAME_MANIFEST ? number
								    : 0;
}

static int
read_current(struct reading *r)
{
	const struct version_place *p = r->place;
	char *path = file_name_path(p->dir, FILE_NAME_CURRENT, 0);
	uint8_t *data = NULL;
	size_t size = 0;
	int err;

	if (!path)
		return -ENOMEM;
	err = env_read_file(p->env, path, FILE_NAME_SIZE, &data, &size);
	if (!err)
		r->state.number = parse_current(data, size);
	/* -EFBIG: longer than any name. */
	if (err == -EFBIG || (!err && r->state.number == 0)) {
		err_log(r->sink, ERR_LEVEL_ERROR,
		    "%s: damaged: does not hold the name of a manifest; write"
		    " \"MANIFEST-\" and the highest number of such a file"
		    " there, and a newline",
		    path);
		err = ERR_DAMAGED;
	}
	free(data);
	free(path);
	return err;
}

/* The path, which the caller frees. */
static int
find_manifest(struct reading *r)
{
	int err = read_current(r);

	if (err)
		return err;
	r->path =
	    file_name_path(r->place->dir, FILE_NAME_MANIFEST, r->state.number);
	return r->path ? 0 : -ENOMEM;
}

/* --- the manifest ------------------------------------------------------ */

static int
refuse_record(const struct reading *r, const struct wal_record *rec, int err)
{
	if (err == ERR_FORMAT)
		err_log(r->sink, ERR_LEVEL_ERROR,
		    "%s: offset %" PRIu64 ": the record was written by a newer"
		    " keyfs (version %u); this one reads what was known with"
		    " version %u",
		    r->path, rec->offset, rec->payload.data[0], EDIT_VERSION);
	else if (err == ERR_DAMAGED)
		err_log(r->sink, ERR_LEVEL_ERROR,
		    "%s: damaged at offset %" PRIu64 ": record %" PRIu64
		    " is no edit that fits the ones before it",
		    r->path, rec->offset, rec->stamp.seq);
	return err;
}

static int
add_record(struct reading *r, const struct wal_record *rec)
{
	struct edit e = {0};
	int err = 0;

	r->records++;
	if (rec->stamp.count != 1 || rec->stamp.seq != r->records)
		err = ERR_DAMAGED;
	if (!err)
		err = edit_decode(rec->payload, &e);
	if (!err)
		err = edit_merge(&r->state.whole, &e);
	edit_fini(&e);
	return refuse_record(r, rec, err);
}

/* The first record was durable before CURRENT named the file. */
static int
check_tail(const struct reading *r, const struct wal_reader *reader)
{
	struct wal_tail tail;

	wal_reader_tail(reader, &tail);
	if (tail.torn)
		err_log(r->sink, ERR_LEVEL_WARNING,
		    "%s: the last write, at offset %" PRIu64
		    ", was cut short; it is left out",
		    r->path, tail.end);
	if (r->records > 0)
		return 0;
	err_log(r->sink, ERR_LEVEL_ERROR,
	    "%s: damaged at offset %" PRIu64 ": no record is intact", r->path,
	    tail.end);
	return ERR_DAMAGED;
}

static int
read_records(struct reading *r, struct wal_reader *reader)
{
	struct wal_record rec;
	int err = 0, rc;

	do {
		rc = wal_reader_next(reader, &rec);
		if (rc > 0)
			err = add_record(r, &rec);
	} while (rc > 0 && !err);
	if (rc < 0)
		return rc;
	return err ? err : check_tail(r, reader);
}

static int
read_manifest(struct reading *r)
{
	const struct wal_id id = {
	    .kind = WAL_KIND_MANIFEST, .number = r->state.number};
	struct wal_reader *reader = NULL;
	int err = wal_reader_open(r->place->env, r->path, &id, &reader);

	if (err == -ENOENT || err == -ENODATA) {
		err_log(r->sink, ERR_LEVEL_ERROR,
		    "%s: damaged: CURRENT names this file, which is %s",
		    r->path, err == -ENOENT ? "missing" : "empty");
		return ERR_DAMAGED;
	}
	if (err)
		return err;
	r->state.salt = wal_reader_salt(reader);
	err = read_records(r, reader);
	wal_reader_close(reader);
	return err;
}

/* --- the tables -------------------------------------------------------- */

static int
file_size(struct env *env, const char *path, uint64_t *size)
{
	struct env_file *file;
	int err = env_open(env, path, ENV_OPEN_READ, &file);

	if (err)
		return err;
	err = env_size(file, size);
	env_close(file);
	return err;
}

/* Size and version: what cannot be read must not be written to either. */
static int
probe_table(struct env *env, const char *path, uint64_t *size)
{
	struct env_file *file;
	int err = env_open(env, path, ENV_OPEN_READ, &file);

	if (err)
		return err;
	err = env_size(file, size);
	if (!err)
		err = table_probe(file, *size);
	env_close(file);
	return err;
}

/* Not the content: that is checked block by block when it is read. */
static int
check_table(const struct reading *r, const struct version_file *f)
{
	uint64_t size = 0;
	int err = probe_table(f->env, f->path, &size);

	if (err == -ENOENT) {
		err_log(r->sink, ERR_LEVEL_ERROR,
		    "%s: missing, but %s names it; restore it from a backup",
		    f->path, r->path);
		return ERR_DAMAGED;
	}
	if (err)
		return err;
	if (size == f->bytes)
		return 0;
	err_log(r->sink, ERR_LEVEL_ERROR,
	    "%s: damaged: has %" PRIu64 " bytes, but %s says %" PRIu64
	    "; restore it from a backup",
	    f->path, size, r->path, f->bytes);
	return ERR_DAMAGED;
}

/* Not the content, as with tables. */
static int
check_values(const struct reading *r, struct value_file *f, uint64_t end)
{
	uint64_t size = values_bytes(f);
	int err = size > 0 ? 0 : file_size(r->place->env, f->path, &size);

	if (err == -ENOENT) {
		err_log(r->sink, ERR_LEVEL_ERROR,
		    "%s: missing, but values in it are referred to; restore it"
		    " from a backup",
		    f->path);
		return ERR_DAMAGED;
	}
	if (err)
		return err;
	values_learn_bytes(f, size);
	if (size >= end)
		return 0;
	err_log(r->sink, ERR_LEVEL_ERROR,
	    "%s: damaged at offset %" PRIu64 ": the file ends, but values up"
	    " to offset %" PRIu64 " are referred to; restore it from a backup",
	    f->path, size, end);
	return ERR_DAMAGED;
}

static int
check_values_of(const struct reading *r, const struct version_file *f)
{
	int err = 0;

	for (size_t i = 0; i < f->value_refs.count && !err; i++)
		err = check_values(r, f->values[i], f->value_refs.uses[i].end);
	return err;
}

static int
check_numbers(const struct reading *r)
{
	const struct edit *e = &r->state.whole;
	uint64_t highest = r->state.number;

	for (size_t i = 0; i < e->add_count; i++)
		if (e->adds[i].file->number > highest)
			highest = e->adds[i].file->number;
	if (e->next_number > NEXT_NUMBER_MAX) {
		err_log(r->sink, ERR_LEVEL_ERROR,
		    "%s: damaged: the next file number is %" PRIu64
		    ", which no store reaches; restore it from a backup",
		    r->path, e->next_number);
		return ERR_DAMAGED;
	}
	if (e->next_number > highest)
		return 0;
	err_log(r->sink, ERR_LEVEL_ERROR,
	    "%s: damaged: the next file number is %" PRIu64 ", but %" PRIu64
	    " is in use",
	    r->path, e->next_number, highest);
	return ERR_DAMAGED;
}

static int
place_tables(struct reading *r)
{
	struct edit *e = &r->state.whole;
	int err = 0;

	for (size_t i = 0; !err && i < e->add_count; i++) {
		err = version_file_place(e->adds[i].file, r->place);
		if (!err)
			err = check_table(r, e->adds[i].file);
		if (!err)
			err = check_values_of(r, e->adds[i].file);
	}
	return err;
}

int
manifest_read_settle(const struct version_place *p, const struct err_sink *sink)
{
	struct reading r = {.place = p, .sink = sink};
	int err = find_manifest(&r);

	if (err)
		return err;
	err = env_settle(p->env, r.path);
	free(r.path);
	/* If it is missing, manifest_read says so. */
	return err && err != -ENOENT ? err : env_sync_dir(p->env, p->dir);
}

int
manifest_read(const struct version_place *p, const struct err_sink *sink,
    struct manifest_state *out)
{
	struct reading r = {.place = p, .sink = sink};
	int err = find_manifest(&r);

	if (err)
		return err;
	err = read_manifest(&r);
	if (!err)
		err = check_numbers(&r);
	if (!err)
		err = place_tables(&r);
	free(r.path);
	if (err)
		edit_fini(&r.state.whole);
	else
		*out = r.state;
	return err;
}
