#include "engine/os/env_forget_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"
#include "engine/os/env_forget_paths.h"

/* --- changes -------------------------------------------------------------- */

static void
env_forget_names_free_change(struct env_forget_change *c)
{
	free(c->from);
	free(c->to);
	free(c->aside);
	free(c);
}

static struct env_forget_change *
env_forget_names_new_change(uint64_t op, const char *from, const char *to)
{
	struct env_forget_change *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->op = op;
	c->from = from ? strdup(from) : NULL;
	c->to = to ? strdup(to) : NULL;
	if ((!from || c->from) && (!to || c->to))
		return c;
	env_forget_names_free_change(c);
	return NULL;
}

/* The node of the path, if there is one, loses this name to c. */
static void
env_forget_names_take(
    struct env_forget_names *n, const char *path, struct env_forget_change *c)
{
	struct env_forget_name *name = env_forget_nodes_find(&n->nodes, path);

	if (!name)
		return;
	c->removed = name->node;
	name->node->removals++;
	env_forget_nodes_remove(name);
}

/*
 * Gives the file a second name beside, so that its own one can go.  A link and
 * not a rename: at no moment a crash of the process finds the first name gone
 * and nothing in its place.
 */
static int
env_forget_names_set_aside(
    struct env_forget_names *n, const char *path, char **out)
{
	struct bytes dir = env_forget_paths_dir(path);
	char *aside;
	int err;

	do {
		if (asprintf(&aside, "%.*s/%s%llu", (int)dir.size,
			(const char *)dir.data, ENV_FORGET_PREFIX,
			(unsigned long long)++n->asides) < 0)
			return -ENOMEM;
		err = n->base->ops->link(n->base, path, aside);
		if (!err)
			*out = aside;
		else
			free(aside);
	} while (err == -EEXIST);
	return err;
}

/* Of a change that failed; it is not there afterwards. */
static void
env_forget_names_give_up(
    struct env_forget_names *n, struct env_forget_change *c)
{
	if (c->aside)
		env_unlink(n->base, c->aside);
	env_forget_names_free_change(c);
}

int
env_forget_names_create(struct env_forget_names *n, uint64_t op,
    const char *path, int flags, struct env_file **out)
{
	struct env_forget_change *c =
	    env_forget_names_new_change(op, NULL, path);
	int err;

	if (!c)
		return -ENOMEM;
	err = n->base->ops->open(
	    n->base, path, flags | ENV_OPEN_CREATE | ENV_OPEN_EXCL, out);
	if (err)
		env_forget_names_give_up(n, c);
	else
		TAILQ_INSERT_TAIL(&n->changes, c, link);
	return err;
}

int
env_forget_names_unlink(
    struct env_forget_names *n, uint64_t op, const char *path)
{
	struct env_forget_change *c =
	    env_forget_names_new_change(op, path, NULL);
	int err;

	if (!c)
		return -ENOMEM;
	err = env_forget_names_set_aside(n, path, &c->aside);
	if (!err)
		err = n->base->ops->unlink(n->base, path);
	if (err) {
		env_forget_names_give_up(n, c);
		return err;
	}
	env_forget_names_take(n, path, c);
	TAILQ_INSERT_TAIL(&n->changes, c, link);
	return 0;
}

int
env_forget_names_link(
    struct env_forget_names *n, uint64_t op, const char *from, const char *to)
{
	struct env_forget_change *c = env_forget_names_new_change(op, NULL, to);
	struct env_forget_name *name = env_forget_nodes_new_name(to);
	struct env_forget_node *node;
	int err = -ENOMEM;

	if (!c || !name)
		goto fail;
	err = env_forget_nodes_get(&n->nodes, from, &node);
	if (err)
		goto fail;
	err = n->base->ops->link(n->base, from, to);
	if (err)
		goto fail;
	env_forget_nodes_add(&n->nodes, name, node);
	TAILQ_INSERT_TAIL(&n->changes, c, link);
	return 0;
fail:
	if (c)
		env_forget_names_give_up(n, c);
	env_forget_nodes_free_name(name);
	env_forget_nodes_tidy(&n->nodes);
	return err;
}

/* Two names of one file: a rename leaves both, as POSIX has it. */
static bool
env_forget_names_same(
    struct env_forget_names *n, const char *from, const char *to)
{
	struct env_forget_name *a = env_forget_nodes_find(&n->nodes, from);
	struct env_forget_name *b = env_forget_nodes_find(&n->nodes, to);

	return strcmp(from, to) == 0 || (a && b && a->node == b->node);
}

static int
env_forget_names_replace(
    struct env_forget_names *n, struct env_forget_change *c)
{
	int err = env_forget_names_set_aside(n, c->to, &c->aside);

	if (err && err != -ENOENT)
		return err;
	return n->base->ops->rename(n->base, c->from, c->to);
}

int
env_forget_names_rename(
    struct env_forget_names *n, uint64_t op, const char *from, const char *to)
{
	struct env_forget_change *c;
	struct env_forget_name *name;
	char *path;
	int err = -ENOMEM;

	if (env_forget_names_same(n, from, to))
		return n->base->ops->rename(n->base, from, to);
	c = env_forget_names_new_change(op, from, to);
	if (!c)
		return -ENOMEM;
	path = strdup(to);
	if (path)
		err = env_forget_names_replace(n, c);
	if (err) {
		free(path);
		env_forget_names_give_up(n, c);
		return err;
	}
	env_forget_names_take(n, to, c);
	name = env_forget_nodes_find(&n->nodes, from);
	if (name)
		env_forget_nodes_move(name, path);
	else
		free(path);
	TAILQ_INSERT_TAIL(&n->changes, c, link);
	return 0;
}

/* --- back, or for good ---------------------------------------------------- */

static bool
env_forget_names_is(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool
env_forget_names_share(
    const struct env_forget_change *a, const struct env_forget_change *b)
{
	return env_forget_names_is(a->from, b->from) ||
	       env_forget_names_is(a->from, b->to) ||
	       env_forget_names_is(a->to, b->from) ||
	       env_forget_names_is(a->to, b->to);
}

static void
env_forget_names_end(struct env_forget_names *n, struct env_forget_change *c)
{
	if (c->removed)
		c->removed->removals--;
	TAILQ_REMOVE(&n->changes, c, link);
	env_forget_names_free_change(c);
}

void
env_forget_names_settle(struct env_forget_names *n, struct env_forget_change *c)
{
	/* What cannot be removed (env says why) stays hidden, and goes when an
	 * env_forget begins here anew. */
	if (c->aside)
		env_unlink(n->base, c->aside);
	env_forget_names_end(n, c);
}

/* The file is called `from` again, or is not there. */
static int
env_forget_names_undo_to(
    struct env_forget_names *n, const struct env_forget_change *c)
{
	struct env_forget_name *name = env_forget_nodes_find(&n->nodes, c->to);
	char *path;
	int err;

	if (!c->from) {
		err = env_unlink(n->base, c->to);
		if (!err && name)
			env_forget_nodes_remove(name);
		return err;
	}
	path = strdup(c->from);
	if (!path)
		return -ENOMEM;
	err = env_rename(n->base, c->to, c->from);
	if (err || !name) {
		free(path);
		return err;
	}
	env_forget_nodes_move(name, path);
	return 0;
}

int
env_forget_names_undo(struct env_forget_names *n, struct env_forget_change *c)
{
	const char *path = c->to ? c->to : c->from;
	struct env_forget_name *name;
	int err = c->to ? env_forget_names_undo_to(n, c) : 0;

	if (err)
		return err;
	if (c->aside) {
		name = env_forget_nodes_new_name(path);
		if (!name)
			return -ENOMEM;
		err = env_rename(n->base, c->aside, path);
		if (!err && c->removed) {
			env_forget_nodes_add(&n->nodes, name, c->removed);
		} else {
			env_forget_nodes_free_name(name);
		}
		if (err)
			return err;
	}
	env_forget_names_end(n, c);
	return 0;
}

static bool
env_forget_names_concerns(const struct env_forget_change *c, struct bytes dir)
{
	return (c->from && bytes_eq(env_forget_paths_dir(c->from), dir)) ||
	       (c->to && bytes_eq(env_forget_paths_dir(c->to), dir));
}

/* A later change, chosen already, that shares a name with c. */
static bool
env_forget_names_built_on(struct env_forget_change *c)
{
	struct env_forget_change *later = c;

	while ((later = TAILQ_NEXT(later, link)))
		if (later->chosen && env_forget_names_share(c, later))
			return true;
	return false;
}

void
env_forget_names_synced(
    struct env_forget_names *n, const char *dir, uint64_t op)
{
	struct env_forget_change *c, *next;

	/* Backwards: a rename from elsewhere is synced as a whole, so what was
	 * done to its other name before is too. */
	TAILQ_FOREACH_REVERSE(c, &n->changes, env_forget_changes, link)
	c->chosen =
	    c->op < op && (env_forget_names_concerns(c, bytes_str(dir)) ||
			      env_forget_names_built_on(c));
	TAILQ_FOREACH_SAFE (c, &n->changes, link, next)
		if (c->chosen)
			env_forget_names_settle(n, c);
	env_forget_nodes_tidy(&n->nodes);
}

/* --- life ----------------------------------------------------------------- */

void
env_forget_names_init(struct env_forget_names *n, struct env *base)
{
	*n = (struct env_forget_names){.base = base};
	env_forget_nodes_init(&n->nodes);
	TAILQ_INIT(&n->changes);
}

void
env_forget_names_fini(struct env_forget_names *n)
{
	struct env_forget_change *c, *next;

	TAILQ_FOREACH_SAFE (c, &n->changes, link, next)
		env_forget_names_settle(n, c);
	env_forget_nodes_fini(&n->nodes);
}
