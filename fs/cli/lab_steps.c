#include "fs/cli/lab_steps.h"

#include <errno.h>
#include <stdlib.h>

static int
grow(struct lab_steps *s)
{
	size_t cap = s->cap ? 2 * s->cap : 64;
	size_t *ends = reallocarray(s->ends, cap, sizeof(*ends));
	uint64_t *at;

	if (!ends)
		return -ENOMEM;
	s->ends = ends;
	at = reallocarray(s->at, cap, sizeof(*at));
	if (!at)
		return -ENOMEM;
	s->at = at;
	s->cap = cap;
	return 0;
}

int
lab_steps_feed(struct lab_steps *s, struct bytes more, uint64_t now_ns)
{
	size_t begin = s->text.size;
	int err = buf_append_bytes(&s->text, more);

	for (size_t i = begin; err == 0 && i < s->text.size; i++) {
		if (s->text.data[i] != '\n')
			continue;
		if (s->count == s->cap)
			err = grow(s);
		if (err)
			break;
		s->ends[s->count] = i;
		s->at[s->count++] = now_ns;
	}
	return err;
}

struct bytes
lab_steps_name(const struct lab_steps *s, size_t index)
{
	size_t begin = index == 0 ? 0 : s->ends[index - 1] + 1;

	return bytes_of(s->text.data + begin, s->ends[index] - begin);
}

void
lab_steps_fini(struct lab_steps *s)
{
	buf_fini(&s->text);
	free(s->ends);
	free(s->at);
	*s = (struct lab_steps){0};
}

/* --- comparing -------------------------------------------------------------
 */

static int
compare(const void *a, const void *b)
{
	return bytes_cmp(*(const struct bytes *)a, *(const struct bytes *)b);
}

static struct bytes *
sort_names(const struct lab_steps *s)
{
	struct bytes *names = calloc(s->count + 1, sizeof(*names));

	if (!names)
		return NULL;
	for (size_t i = 0; i < s->count; i++)
		names[i] = lab_steps_name(s, i);
	qsort(names, s->count, sizeof(*names), compare);
	return names;
}

static void
not_in_order(const struct lab_steps *s, size_t missing, size_t found,
    struct lab_found *out)
{
	struct bytes a = lab_steps_name(s, found);
	struct bytes b = lab_steps_name(s, missing);

	lab_workload_is_not(out,
	    "step \"%.*s\" is there, but \"%.*s\", claimed before, is not",
	    (int)(a.size < 60 ? a.size : 60), (const char *)a.data,
	    (int)(b.size < 60 ? b.size : 60), (const char *)b.data);
}

int
lab_steps_compare(const struct lab_steps *claimed,
    const struct lab_steps *there, struct lab_found *out)
{
	struct bytes *names = sort_names(there);
	size_t first = claimed->count; /* that is not there */

	if (!names)
		return -ENOMEM;
	lab_workload_is(out, 0, false);
	for (size_t i = 0; out->prefix && i < claimed->count; i++) {
		struct bytes name = lab_steps_name(claimed, i);
		bool is_there = bsearch(&name, names, there->count,
				    sizeof(*names), compare) != NULL;

		if (!is_there && first == claimed->count)
			first = i;
		else if (is_there && first < claimed->count)
			not_in_order(claimed, first, i, out);
	}
	out->steps = first;
	free(names);
	return 0;
}
