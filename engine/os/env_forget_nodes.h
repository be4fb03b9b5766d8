/*
 * env_forget_nodes: the files of the base that somebody has open or that have
 * something to go back to, by their present names.
 *
 * Owns: nodes and names.  A file whose name is changed elsewhere is not found.
 * Paths are plain (env_forget_paths.h).
 * Threads: one at a time.  Errors: -ENOMEM; nothing was changed then.
 */
#ifndef ENGINE_OS_ENV_FORGET_NODES_H
#define ENGINE_OS_ENV_FORGET_NODES_H

#include <sys/queue.h>

#include "engine/os/env_forget_history.h"

/* A file of the base. */
struct env_forget_node {
	LIST_ENTRY(env_forget_node) link;
	struct env_forget_history history;
	unsigned opens;    /* open files */
	unsigned names;    /* in the list of names */
	unsigned removals; /* noted changes that took a name from it */
	bool stale;        /* a sync failed: memory is not what will be */
};

struct env_forget_name {
	LIST_ENTRY(env_forget_name) link;
	char *path;
	struct env_forget_node *node;
};

struct env_forget_nodes {
	LIST_HEAD(, env_forget_node) nodes;
	LIST_HEAD(, env_forget_name) names;
};

void env_forget_nodes_init(struct env_forget_nodes *n);
void env_forget_nodes_fini(struct env_forget_nodes *n); /* none is open */

/* The node of the file behind the path, a new one if there is none yet. */
int env_forget_nodes_get(
    struct env_forget_nodes *n, const char *path, struct env_forget_node **out);

/* The same, and the file counts as open once more. */
int env_forget_nodes_open(
    struct env_forget_nodes *n, const char *path, struct env_forget_node **out);
void env_forget_nodes_close(
    struct env_forget_nodes *n, struct env_forget_node *node);

/* Frees the nodes that nobody needs. */
void env_forget_nodes_tidy(struct env_forget_nodes *n);

/* --- names ---------------------------------------------------------------- */

/* NULL: there is none (of a file that is known here). */
struct env_forget_name *env_forget_nodes_find(
    struct env_forget_nodes *n, const char *path);

/* A name that is not in the list yet; NULL: no memory. */
struct env_forget_name *env_forget_nodes_new_name(const char *path);
void env_forget_nodes_free_name(struct env_forget_name *name); /* or NULL */

void env_forget_nodes_add(struct env_forget_nodes *n,
    struct env_forget_name *name, struct env_forget_node *node);
void env_forget_nodes_remove(struct env_forget_name *name); /* and frees it */

/* The file has another name now; path becomes the list's. */
void env_forget_nodes_move(struct env_forget_name *name, char *path);

#endif
