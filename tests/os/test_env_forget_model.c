/*
 * env_forget against a model in memory, with random operations and cuts.
 *
 * The model remembers of each file every state since its last sync and every
 * change of names since the last sync of the directory; after a restart there
 * must be a choice among them that explains what is found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "tests/check.h"
#include "tests/support/file.h"
#include "tests/support/forget.h"

#define NAMES       5
#define FILES_MAX   64
#define STATES_MAX  40
#define CHANGES_MAX 8
#define FILE_MAX    4000
#define NONE        (-1)

/* What a file held after the operation `at`. */
struct state {
	uint64_t at;
	struct buf data;
};

struct file {
	struct state states[STATES_MAX]; /* the first is synced */
	unsigned count;
};

/* from NONE: create or link of the file; to NONE: unlink. */
struct change {
	uint64_t at;
	int from;
	int to;
	int file;
};

struct names {
	int file[NAMES]; /* NONE: no such name */
};

struct model {
	struct forget *f;
	struct check_rand r;
	uint64_t now;
	struct file files[FILES_MAX];
	int file_count;
	struct names synced;
	struct names names;
	struct change changes[CHANGES_MAX];
	unsigned change_count;
	struct env_file *held; /* NULL, or open on held_file */
	int held_file;
};

static struct forget fx;

static const char *
name_of(int i)
{
	static const char *names[NAMES] = {"a", "b", "c", "d", "e"};

	return names[i];
}

static int
below(struct model *m, uint64_t n)
{
	return (int)check_rand_below(&m->r, n);
}

/* --- the model ------------------------------------------------------------ */

static void
apply(struct names *names, const struct change *c)
{
	if (c->to != NONE)
		names->file[c->to] = c->file;
	if (c->from != NONE)
		names->file[c->from] = NONE;
}

static void
change(struct model *m, int from, int to, int file)
{
	struct change c = {m->now, from, to, file};

	apply(&m->names, &c);
	m->changes[m->change_count++] = c;
}

/* The state that the next operation on the file makes. */
static struct buf *
next_state(struct model *m, int file)
{
	struct file *f = &m->files[file];
	struct state *s = &f->states[f->count];

	check_true(f->count < STATES_MAX);
	s->at = m->now;
	check_ok(buf_assign(&s->data, buf_bytes(&s[-1].data)));
	f->count++;
	return &s->data;
}

static void
resize(struct buf *b, size_t size)
{
	if (size > b->size) {
		check_ok(buf_reserve(b, size - b->size));
		memset(b->data + b->size, 0, size - b->size);
	}
	b->size = size;
}

static void
file_synced(struct file *f)
{
	struct buf last = f->states[f->count - 1].data;

	f->states[f->count - 1].data = f->states[0].data;
	f->states[0] = (struct state){.data = last};
	f->count = 1;
}

/* --- operations ----------------------------------------------------------- */

/* A file to work on: by a name, mostly, or the one held open. */
static struct env_file *
choose_file(struct model *m, int *file)
{
	int name = below(m, NAMES);

	*file = m->names.file[name];
	if (*file != NONE)
		return forget_open(m->f, name_of(name));
	*file = m->held_file;
	return m->held;
}

static void
done_with(struct model *m, struct env_file *file)
{
	if (file != m->held)
		env_close(file);
}

/* By write(2), or copied into a mapping. */
static void
write_at(struct model *m, struct env_file *e, struct bytes b, size_t offset)
{
	struct env_map *map = NULL;
	uint64_t size;

	check_ok(env_size(e, &size));
	/* Behind the end there is nothing to copy to. */
	if (offset + b.size <= size && check_rand_one_in(&m->r, 2) &&
	    env_map(e, offset, b.size, &map) == 0)
		check_ok(env_map_write(map, b.data, b.size, offset));
	else
		check_ok(env_pwrite(e, b.data, b.size, offset));
	env_unmap(map);
}

static void
write_some(struct model *m, struct env_file *e, int file)
{
	struct buf *b = next_state(m, file);
	size_t offset = (size_t)below(m, FILE_MAX - 1);
	size_t size = 1 + (size_t)below(m, FILE_MAX - offset);

	if (check_rand_one_in(&m->r, 3))
		offset = b->size;
	if (check_rand_one_in(&m->r, 3))
		size = 1 + (size_t)below(m, 600);
	if (offset + size > b->size)
		resize(b, offset + size);
	/* Zeros are special to it. */
	memset(b->data + offset, (int)(m->now % 7), size);
	write_at(m, e, bytes_of(b->data + offset, size), offset);
}

static void
work_on_file(struct model *m)
{
	int file, kind = below(m, 10);
	struct env_file *e = choose_file(m, &file);
	struct buf *b;

	if (!e)
		return;
	if (kind == 0 || m->files[file].count == STATES_MAX) {
		check_ok(env_sync(e));
		file_synced(&m->files[file]);
	} else if (kind < 3) {
		b = next_state(m, file);
		resize(b, (size_t)below(m, FILE_MAX));
		check_ok(env_truncate(e, b->size));
	} else {
		write_some(m, e, file);
	}
	done_with(m, e);
}

static void
create(struct model *m, int name)
{
	if (m->file_count == FILES_MAX)
		return;
	env_close(forget_open(m->f, name_of(name)));
	m->files[m->file_count].states[0].data.size = 0;
	m->files[m->file_count].count = 1;
	change(m, NONE, name, m->file_count++);
}

static void
hold(struct model *m, int name)
{
	env_close(m->held);
	m->held = forget_open(m->f, name_of(name));
	m->held_file = m->names.file[name];
}

static void
work_on_names(struct model *m)
{
	struct env *env = m->f->env;
	int a = below(m, NAMES), b = below(m, NAMES), kind = below(m, 6);
	int file = m->names.file[a];

	if (kind == 0 || m->change_count == CHANGES_MAX) {
		check_ok(env_sync_dir(env, m->f->dir));
		m->synced = m->names;
		m->change_count = 0;
	} else if (file == NONE) {
		create(m, a);
	} else if (kind == 1) {
		check_ok(env_unlink(env, forget_path(m->f, name_of(a))));
		change(m, a, NONE, file);
	} else if (kind == 2) {
		hold(m, a);
	} else if (kind == 3 && m->names.file[b] == NONE) {
		check_ok(env_link(env, forget_path(m->f, name_of(a)),
		    forget_path(m->f, name_of(b))));
		change(m, NONE, b, file);
	} else if (kind > 3) {
		check_ok(env_rename(env, forget_path(m->f, name_of(a)),
		    forget_path(m->f, name_of(b))));
		if (file != m->names.file[b])
			change(m, a, b, file);
	}
}

static void
step(struct model *m)
{
	m->now++;
	if (check_rand_one_in(&m->r, 3))
		work_on_names(m);
	else
		work_on_file(m);
}

/* --- what may be found ---------------------------------------------------- */

static bool
same_sector(struct bytes found, const struct buf *state, size_t at)
{
	for (size_t i = at; i < found.size && i < at + ENV_FORGET_SECTOR; i++)
		if (found.data[i] != (i < state->size ? state->data[i] : 0))
			return false;
	return true;
}

/* Every sector and the size are as after some operation. */
static bool
is_mixture(const struct file *f, struct bytes found)
{
	bool size = false;

	for (unsigned i = 0; i < f->count; i++)
		size |= f->states[i].data.size == found.size;
	for (size_t at = 0; size && at < found.size; at += ENV_FORGET_SECTOR) {
		bool any = false;

		for (unsigned i = 0; i < f->count; i++)
			any |= same_sector(found, &f->states[i].data, at);
		size = any;
	}
	return size;
}

/* The file as it was at this moment, or since then synced. */
static bool
is_moment(const struct file *f, struct bytes found, uint64_t moment)
{
	unsigned i = f->count - 1;

	while (i > 0 && f->states[i].at > moment)
		i--;
	return bytes_eq(found, buf_bytes(&f->states[i].data));
}

static bool
share(const struct change *a, const struct change *b)
{
	return (a->from != NONE && (a->from == b->from || a->from == b->to)) ||
	       (a->to != NONE && (a->to == b->from || a->to == b->to));
}

/* No change without the earlier ones of the same names. */
static bool
in_order(const struct model *m, unsigned subset)
{
	for (unsigned i = 0; i < m->change_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (subset >> i & 1 && !(subset >> j & 1) &&
			    share(&m->changes[i], &m->changes[j]))
				return false;
	return true;
}

static struct names
after_subset(const struct model *m, unsigned subset)
{
	struct names names = m->synced;

	for (unsigned i = 0; i < m->change_count; i++)
		if (subset >> i & 1)
			apply(&names, &m->changes[i]);
	return names;
}

struct found {
	struct bytes content[NAMES]; /* data NULL: no such name */
	ino_t ino[NAMES];
};

/* Names of one file are names of one file. */
static bool
same_links(const struct names *names, const struct found *found)
{
	for (int i = 0; i < NAMES; i++)
		for (int j = 0; j < i; j++)
			if (names->file[i] != NONE && names->file[j] != NONE &&
			    (names->file[i] == names->file[j]) !=
				(found->ino[i] == found->ino[j]))
				return false;
	return true;
}

/* moment NULL: any mixture will do. */
static bool
explains(const struct model *m, const struct names *names,
    const struct found *found, const uint64_t *moment)
{
	for (int i = 0; i < NAMES; i++) {
		const struct file *f;
		struct bytes content = found->content[i];

		if (!content.data != (names->file[i] == NONE))
			return false;
		if (!content.data)
			continue;
		f = &m->files[names->file[i]];
		if (moment ? !is_moment(f, content, *moment)
			   : !is_mixture(f, content))
			return false;
	}
	return same_links(names, found);
}

static bool
random_explains(
    const struct model *m, const struct found *found, struct names *names)
{
	for (unsigned subset = 0; subset < 1u << m->change_count; subset++) {
		*names = after_subset(m, subset);
		if (in_order(m, subset) && explains(m, names, found, NULL))
			return true;
	}
	return false;
}

static bool
prefix_explains(
    const struct model *m, const struct found *found, struct names *names)
{
	for (uint64_t moment = 0; moment <= m->now; moment++) {
		unsigned n = 0;

		while (n < m->change_count && m->changes[n].at <= moment)
			n++;
		*names = after_subset(m, (1u << n) - 1);
		if (explains(m, names, found, &moment))
			return true;
	}
	return false;
}

static bool
any_explains(const struct model *m, enum env_forget_keep keep,
    const struct found *found, struct names *names)
{
	uint64_t never = 0;

	if (keep == ENV_FORGET_KEEP_RANDOM)
		return random_explains(m, found, names);
	if (keep == ENV_FORGET_KEEP_PREFIX)
		return prefix_explains(m, found, names);
	*names = m->synced;
	return explains(m, names, found, &never);
}

/* --- rounds --------------------------------------------------------------- */

static void
look(struct model *m, struct found *found)
{
	for (int i = 0; i < NAMES; i++) {
		uint8_t *data;
		size_t size;

		found->content[i] = bytes_of(NULL, 0);
		if (!forget_has(m->f, name_of(i)))
			continue;
		check_ok(forget_read(m->f, name_of(i), &data, &size));
		found->content[i] = bytes_of(data, size);
		found->ino[i] = file_stat(forget_path(m->f, name_of(i))).st_ino;
	}
}

static void
free_found(struct found *found)
{
	for (int i = 0; i < NAMES; i++)
		free((void *)(uintptr_t)found->content[i].data);
}

/* What was found is what there is. */
static void
take_over(struct model *m, struct names names, const struct found *found)
{
	struct names kept = names;
	int file_count = 0;

	for (int i = 0; i < NAMES; i++) {
		struct bytes content = found->content[i];
		bool known = false;

		if (!content.data)
			continue;
		for (int j = 0; j < i; j++)
			if (names.file[j] == names.file[i]) {
				kept.file[i] = kept.file[j];
				known = true;
			}
		if (known)
			continue;
		kept.file[i] = file_count++;
		m->files[kept.file[i]].count = 1;
		check_ok(buf_assign(
		    &m->files[kept.file[i]].states[0].data, content));
		m->files[kept.file[i]].states[0].at = 0;
	}
	m->file_count = file_count;
	m->names = m->synced = kept;
	m->change_count = 0;
}

static void
cut(struct model *m)
{
	enum env_forget_keep keep = (enum env_forget_keep)below(m, 3);
	struct found found;
	struct names names;

	env_close(m->held);
	m->held = NULL;
	m->held_file = NONE;
	forget_restart(m->f, keep, check_rand(&m->r));
	look(m, &found);
	if (!any_explains(m, keep, &found, &names))
		check_fail("after %llu operations nothing explains what a cut "
			   "of kind %d left",
		    (unsigned long long)m->now, keep);
	take_over(m, names, &found);
	free_found(&found);
	check_eq(
	    forget_count(m->f, m->f->env), forget_count(m->f, &m->f->posix));
}

static void
model_fini(struct model *m)
{
	env_close(m->held);
	for (int i = 0; i < FILES_MAX; i++)
		for (unsigned j = 0; j < STATES_MAX; j++)
			buf_fini(&m->files[i].states[j].data);
	free(m);
}

static void
env_forget_model__a_cut_leaves_what_it_may(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	unsigned cuts = check_long() ? 20000 : 1000;

	(void)state;
	check_true(m != NULL);
	forget_init(&fx);
	m->f = &fx;
	m->r = check_rand_of(check_seed());
	m->held_file = NONE;
	for (int i = 0; i < NAMES; i++)
		m->names.file[i] = m->synced.file[i] = NONE;
	for (unsigned i = 0; i < cuts; i++) {
		for (int n = below(m, 60); n > 0; n--)
			step(m);
		cut(m);
	}
	model_fini(m);
	forget_fini(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(env_forget_model__a_cut_leaves_what_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
