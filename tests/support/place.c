#include "tests/support/place.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"

static void
place_message(void *ctx, enum err_level level, const char *text)
{
	struct place *p = ctx;

	(void)level;
	snprintf(p->message, sizeof(p->message), "%s", text);
}

void
place_finding(void *ctx, const char *text)
{
	struct place *p = ctx;

	p->findings++;
	snprintf(p->finding, sizeof(p->finding), "%s", text);
}

void
place_init(struct place *p)
{
	struct err_sink sink = {place_message, p};

	*p = (struct place){0};
	env_posix_init(&p->posix, sink);
	env_fault_init(&p->fault, &p->posix);
	p->fault.env.sink = sink;
	snprintf(p->path, sizeof(p->path), "%s/000012.sst", check_tmpdir());
}

void
place_fini(struct place *p)
{
	env_fault_fini(&p->fault);
	if (place_has_file(p))
		check_ok(env_unlink(&p->posix, p->path));
}

bool
place_has_file(struct place *p)
{
	struct env_file *f;

	if (env_open(&p->posix, p->path, ENV_OPEN_READ, &f))
		return false;
	env_close(f);
	return true;
}

const struct table_writer_options place_options = {
    .block_bytes = 256,
    .filter_bits = 10,
    .compress = true,
};

int
place_write(struct place *p, const struct sorted *s,
    const struct table_writer_options *o, struct table_info *info)
{
	struct table_writer *w;
	int err;

	err = table_writer_open(&p->fault.env, p->path, PLACE_FILE_NO, o, &w);
	if (err)
		return err;
	for (size_t i = 0; i < s->count && !err; i++)
		err =
		    table_writer_add(w, s->entries[i].key, s->entries[i].value);
	if (!err)
		return table_writer_finish(w, info);
	table_writer_abandon(w);
	return err;
}

void
place_make(struct place *p, struct check_rand *r, struct sorted *s,
    size_t count, const struct table_writer_options *o)
{
	struct table_info info;

	sorted_random(s, r, count);
	check_ok(place_write(p, s, o, &info));
	table_info_fini(&info);
}

struct table *
place_open(struct place *p, struct cache *c)
{
	struct table *t;

	check_ok(table_open(&p->fault.env, p->path, PLACE_FILE_NO, c, &t));
	return t;
}

static uint64_t
place_hash(struct bytes ikey)
{
	return hash_64(ikey_user(ikey), 0);
}

void
place_check_get(struct table *t, const struct sorted *s, struct bytes target,
    bool errors_pass)
{
	size_t at = sorted_seek(s, target);
	bool want = at < s->count &&
		    bytes_eq(ikey_user(s->entries[at].key), ikey_user(target));
	bool filtered = false;
	struct table_entry e;
	int rc = table_get(t, target, place_hash(target), &e, &filtered);

	if (rc < 0 && errors_pass)
		return;
	check_eq(rc, want);
	if (rc == 0)
		return;
	check_false(filtered);
	check_eq(ikey_pack(e.seq, e.kind), ikey_trailer(s->entries[at].key));
	check_bytes_eq(e.value, s->entries[at].value);
	cache_unref(e.block);
}

struct bytes
place_load(struct place *p)
{
	uint8_t *data;
	size_t size;

	check_ok(env_read_file(&p->posix, p->path, 1 << 30, &data, &size));
	return bytes_of(data, size);
}

void
place_store(struct place *p, struct bytes content)
{
	struct env_file *f;

	/* Not TRUNC: emptying and filling a file makes some filesystems write
	 * it out at once, and tests do this thousands of times. */
	check_ok(
	    env_open(&p->posix, p->path, ENV_OPEN_WRITE | ENV_OPEN_CREATE, &f));
	check_ok(env_truncate(f, content.size));
	if (content.size > 0)
		check_ok(env_pwrite(f, content.data, content.size, 0));
	env_close(f);
}
