#include "engine/os/env_forget_restore.h"

static int
env_forget_restore_add_dirs(
    struct env_forget_restore *r, struct env_forget_names *n)
{
	struct env_forget_change *c;
	int err = 0;

	TAILQ_FOREACH (c, &n->changes, link) {
		if (c->from && !err)
			err = env_forget_paths_add(
			    &r->dirs, env_forget_paths_dir(c->from));
		if (c->to && !err)
			err = env_forget_paths_add(
			    &r->dirs, env_forget_paths_dir(c->to));
	}
	return err;
}

/* --- names ---------------------------------------------------------------- */

/* A change survives alone or with all that the same names went through before:
 * never without. */
static bool
env_forget_restore_follows_lost(struct env_forget_change *c)
{
	struct env_forget_change *e = c;

	while ((e = TAILQ_PREV(e, env_forget_changes, link)))
		if (!e->chosen && env_forget_names_share(e, c))
			return true;
	return false;
}

static void
env_forget_restore_choose(struct env_forget_names *n,
    const struct env_forget_pick *p, struct env_forget_report *report)
{
	struct env_forget_change *c;

	TAILQ_FOREACH (c, &n->changes, link) {
		c->chosen = env_forget_pick_name(p, c->op) &&
			    !env_forget_restore_follows_lost(c);
		report->names++;
		report->names_lost += !c->chosen;
	}
}

/* Files that have lost all names are gone; as what they are reported. */
static void
env_forget_restore_count_gone(
    struct env_forget_names *n, bool lost, struct env_forget_report *report)
{
	struct env_forget_node *node;

	LIST_FOREACH (node, &n->nodes.nodes, link)
		if (node->names == 0 && node->removals == 0)
			env_forget_history_report(&node->history, lost, report);
	env_forget_nodes_tidy(&n->nodes);
}

static int
env_forget_restore_names(struct env_forget_names *n,
    const struct env_forget_pick *p, struct env_forget_report *report)
{
	struct env_forget_change *c, *next;
	int err = 0;

	env_forget_restore_choose(n, p, report);
	TAILQ_FOREACH_REVERSE_SAFE(
	    c, &n->changes, env_forget_changes, link, next)
	if (!err && !c->chosen)
		err = env_forget_names_undo(n, c);
	if (err)
		return err;
	env_forget_restore_count_gone(n, true, report);
	TAILQ_FOREACH_SAFE (c, &n->changes, link, next)
		env_forget_names_settle(n, c);
	env_forget_restore_count_gone(n, false, report);
	return 0;
}

/* --- files ---------------------------------------------------------------- */

static int
env_forget_restore_file(struct env *base, const struct env_forget_name *name,
    const struct env_forget_pick *p, struct env_forget_report *report)
{
	struct env_file *file;
	int err = env_open(base, name->path, ENV_OPEN_WRITE, &file);

	if (err)
		return err;
	err = env_forget_history_restore(&name->node->history, file, p, report);
	env_close(file);
	return err;
}

static int
env_forget_restore_files(struct env_forget_restore *r,
    struct env_forget_names *n, const struct env_forget_pick *p,
    struct env_forget_report *report)
{
	struct env_forget_name *name;
	int err = 0;

	LIST_FOREACH (name, &n->nodes.names, link) {
		if (name->node->history.count == 0)
			continue;
		err = env_forget_paths_add(&r->files, bytes_str(name->path));
		if (!err)
			err = env_forget_restore_file(n->base, name, p, report);
		if (err)
			return err;
		/* Also for the other names of the file. */
		env_forget_history_fini(&name->node->history);
	}
	return 0;
}

int
env_forget_restore_make(struct env_forget_restore *r,
    struct env_forget_names *n, const struct env_forget_pick *p,
    struct env_forget_report *report)
{
	int err = env_forget_restore_add_dirs(r, n);

	if (!err)
		err = env_forget_restore_names(n, p, report);
	if (!err)
		err = env_forget_restore_files(r, n, p, report);
	env_forget_nodes_tidy(&n->nodes);
	return err;
}

static int
env_forget_restore_sync_file(struct env *base, const char *path)
{
	struct env_file *file;
	int err = env_open(base, path, ENV_OPEN_WRITE, &file);

	if (err)
		return err;
	err = env_sync(file);
	env_close(file);
	return err;
}

int
env_forget_restore_sync(const struct env_forget_restore *r, struct env *base)
{
	int err = 0;

	for (size_t i = 0; !err && i < r->files.count; i++)
		err = env_forget_restore_sync_file(base, r->files.all[i]);
	for (size_t i = 0; !err && i < r->dirs.count; i++)
		err = env_sync_dir(base, r->dirs.all[i]);
	return err;
}

void
env_forget_restore_fini(struct env_forget_restore *r)
{
	env_forget_paths_fini(&r->files);
	env_forget_paths_fini(&r->dirs);
}

/* --- how far back --------------------------------------------------------- */

uint64_t
env_forget_restore_oldest(const struct env_forget_names *n, uint64_t op)
{
	const struct env_forget_change *c = TAILQ_FIRST(&n->changes);
	const struct env_forget_node *node;

	if (c && c->op < op)
		op = c->op;
	LIST_FOREACH (node, &n->nodes.nodes, link)
		if (node->history.count > 0 && node->history.all[0].op < op)
			op = node->history.all[0].op;
	return op;
}
