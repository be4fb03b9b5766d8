#include "tests/support/unsynced.h"

static int
sync_nothing(struct env_file *f)
{
	(void)f;
	return 0;
}

static int
sync_no_names(struct env *env, const char *path)
{
	(void)env;
	(void)path;
	return 0;
}

struct env_ops
unsynced_ops(const struct env *env)
{
	struct env_ops ops = *env->ops;

	ops.sync = sync_nothing;
	ops.sync_dir = sync_no_names;
	return ops;
}
