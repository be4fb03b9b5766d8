#include "tests/fuzz/memory.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"
#include "tests/fuzz/fuzz.h"

uint8_t *
memory_input(
    const uint8_t *data, size_t size, void (*fix)(uint8_t *data, size_t size))
{
	uint8_t *file = malloc(size);

	must(file);
	memcpy(file, data + 1, size - 1);
	if (data[0] & FUZZ_FIX)
		fix(file, size - 1);
	return file;
}

static struct memory *
memory_of(struct env *env)
{
	return (struct memory *)(void *)env;
}

static int
memory_open(struct env *env, const char *path, int flags, struct env_file **out)
{
	struct env_file *f;

	if (flags != ENV_OPEN_READ)
		return -EROFS;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->env = env;
	f->path = strdup(path);
	if (!f->path) {
		free(f);
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

static void
memory_close(struct env_file *f)
{
	free(f->path);
	free(f);
}

static ssize_t
memory_pread(struct env_file *f, void *data, size_t size, uint64_t offset)
{
	struct bytes c = memory_of(f->env)->content;

	if (offset >= c.size)
		return 0;
	if (size > c.size - offset)
		size = c.size - (size_t)offset;
	memcpy(data, c.data + offset, size);
	return (ssize_t)size;
}

static int
memory_size(struct env_file *f, uint64_t *out)
{
	*out = memory_of(f->env)->content.size;
	return 0;
}

void
memory_init(struct memory *m, struct bytes content)
{
	*m = (struct memory){.content = content};
	m->ops = (struct env_ops){
	    .open = memory_open,
	    .close = memory_close,
	    .pread = memory_pread,
	    .size = memory_size,
	};
	m->env.ops = &m->ops;
}
