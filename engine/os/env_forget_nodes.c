#include "engine/os/env_forget_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"

void
env_forget_nodes_init(struct env_forget_nodes *n)
{
	LIST_INIT(&n->nodes);
	LIST_INIT(&n->names);
}

void
env_forget_nodes_fini(struct env_forget_nodes *n)
{
	struct env_forget_name *name, *next;

	LIST_FOREACH_SAFE (name, &n->names, link, next)
		env_forget_nodes_remove(name);
	/* Without names they are needed only if open. */
	env_forget_nodes_tidy(n);
	must(LIST_EMPTY(&n->nodes));
}

static struct env_forget_node *
env_forget_nodes_new(struct env_forget_nodes *n)
{
	struct env_forget_node *node = calloc(1, sizeof(*node));

	if (node)
		LIST_INSERT_HEAD(&n->nodes, node, link);
	return node;
}

struct env_forget_name *
env_forget_nodes_new_name(const char *path)
{
	struct env_forget_name *name = calloc(1, sizeof(*name));

	if (!name)
		return NULL;
	name->path = strdup(path);
	if (name->path)
		return name;
	free(name);
	return NULL;
}

void
env_forget_nodes_free_name(struct env_forget_name *name)
{
	if (name)
		free(name->path);
	free(name);
}

void
env_forget_nodes_move(struct env_forget_name *name, char *path)
{
	free(name->path);
	name->path = path;
}

void
env_forget_nodes_add(struct env_forget_nodes *n, struct env_forget_name *name,
    struct env_forget_node *node)
{
	name->node = node;
	node->names++;
	LIST_INSERT_HEAD(&n->names, name, link);
}

void
env_forget_nodes_remove(struct env_forget_name *name)
{
	name->node->names--;
	LIST_REMOVE(name, link);
	env_forget_nodes_free_name(name);
}

struct env_forget_name *
env_forget_nodes_find(struct env_forget_nodes *n, const char *path)
{
	struct env_forget_name *name;

	LIST_FOREACH (name, &n->names, link)
		if (strcmp(name->path, path) == 0)
			return name;
	return NULL;
}

/* Once it is freed, the other names of a file would be taken for other files;
 * and a file without any cannot be found again. */
static bool
env_forget_nodes_needed(const struct env_forget_node *node)
{
	if (node->opens > 0 || node->removals > 0 || node->names > 1)
		return true;
	return node->names == 1 && node->history.count > 0;
}

void
env_forget_nodes_tidy(struct env_forget_nodes *n)
{
	struct env_forget_name *name, *next_name;
	struct env_forget_node *node, *next;

	LIST_FOREACH_SAFE (name, &n->names, link, next_name)
		if (!env_forget_nodes_needed(name->node))
			env_forget_nodes_remove(name);
	LIST_FOREACH_SAFE (node, &n->nodes, link, next) {
		if (env_forget_nodes_needed(node))
			continue;
		LIST_REMOVE(node, link);
		env_forget_history_fini(&node->history);
		free(node);
	}
}

int
env_forget_nodes_get(
    struct env_forget_nodes *n, const char *path, struct env_forget_node **out)
{
	struct env_forget_name *name = env_forget_nodes_find(n, path);
	struct env_forget_node *node;

	if (name) {
		*out = name->node;
		return 0;
	}
	name = env_forget_nodes_new_name(path);
	node = name ? env_forget_nodes_new(n) : NULL;
	if (!node) {
		env_forget_nodes_free_name(name);
		return -ENOMEM;
	}
	env_forget_nodes_add(n, name, node);
	*out = node;
	return 0;
}

int
env_forget_nodes_open(
    struct env_forget_nodes *n, const char *path, struct env_forget_node **out)
{
	int err = env_forget_nodes_get(n, path, out);

	if (!err)
		(*out)->opens++;
	return err;
}

void
env_forget_nodes_close(struct env_forget_nodes *n, struct env_forget_node *node)
{
	must(node->opens > 0);
	node->opens--;
	if (!env_forget_nodes_needed(node))
		env_forget_nodes_tidy(n);
}
