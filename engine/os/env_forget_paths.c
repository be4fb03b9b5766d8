#include "engine/os/env_forget_paths.h"

#include <errno.h>
#include <stdlib.h>

void
env_forget_paths_fini(struct env_forget_paths *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->all[i]);
	free(p->all);
	*p = (struct env_forget_paths){0};
}

int
env_forget_paths_add(struct env_forget_paths *p, struct bytes path)
{
	char **all;

	for (size_t i = 0; i < p->count; i++)
		if (bytes_eq(bytes_str(p->all[i]), path))
			return 0;
	all = reallocarray(p->all, p->count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	p->all = all;
	all[p->count] = strndup((const char *)path.data, path.size);
	if (!all[p->count])
		return -ENOMEM;
	p->count++;
	return 0;
}

char *
env_forget_paths_plain(const char *path)
{
	char *out = malloc(strlen(path) + 2), *p = out;

	if (!out)
		return NULL;
	if (*path == '/')
		*p++ = '/';
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n > 0 && !(n == 1 && *path == '.')) {
			if (p > out && p[-1] != '/')
				*p++ = '/';
			memcpy(p, path, n);
			p += n;
		}
		path += n + strspn(path + n, "/");
	}
	if (p == out)
		*p++ = '.';
	*p = 0;
	return out;
}

struct bytes
env_forget_paths_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return bytes_str(".");
	return bytes_of(path, slash == path ? 1 : (size_t)(slash - path));
}
