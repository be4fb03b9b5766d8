#include "fs/cli/lab_workload.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct lab_workload *const lab_workload_table[] = {
    &lab_append,
    &lab_append_fsync,
    &lab_replace,
    &lab_replace_fsync,
    &lab_create,
    &lab_overwrite,
    &lab_pair,
    NULL,
};

const struct lab_workload *
lab_workload_find(const char *name)
{
	for (size_t i = 0; lab_workload_table[i]; i++)
		if (strcmp(lab_workload_table[i]->name, name) == 0)
			return lab_workload_table[i];
	return NULL;
}

void
lab_workload_is(struct lab_found *out, uint64_t steps, bool partial)
{
	*out = (struct lab_found){
	    .prefix = true,
	    .partial = partial,
	    .steps = steps,
	};
}

void
lab_workload_is_not(struct lab_found *out, const char *fmt, ...)
{
	va_list ap;

	*out = (struct lab_found){0};
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

int
lab_workload_open(struct lab_hand *h)
{
	h->files[0] = h->files[1] = -1;
	return 0;
}

void
lab_workload_close(struct lab_hand *h)
{
	for (int i = 0; i < 2; i++)
		if (h->files[i] >= 0)
			close(h->files[i]);
	h->files[0] = h->files[1] = -1;
}
