/*
 * Runs a fuzz target without a fuzzer: all inputs of its corpus, and some that
 * are made from them by chance.
 *
 *	fuzz_NAME [FILE...]	the files alone, or tests/fuzz/corpus/NAME
 *
 * Prints a line for each of the two parts, as scripts/run-tests reads them.  An
 * input that breaks something ends the program; its file, or the seed that it
 * came from, stands above.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/fuzz/fuzz.h"

#define INPUTS_MAX 4096
#define INPUT_MAX  (256u << 10)

struct input {
	uint8_t *data;
	size_t size;
};

static struct input inputs[INPUTS_MAX];
static size_t count;

static void
load(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	struct input *in = &inputs[count];

	if (!f || count == INPUTS_MAX) {
		printf("not ok %s cannot be read\n", path);
		exit(1);
	}
	in->size = fread(data, 1, sizeof(data), f);
	in->data = malloc(in->size + 1);
	if (!in->data)
		exit(1);
	memcpy(in->data, data, in->size);
	fclose(f);
	count++;
}

/* In memory of exactly this size, so that a sanitizer sees a read past it. */
static void
try_one(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		exit(1);
	if (size > 0)
		memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void
load_corpus(const char *name)
{
	char dir[256], path[600];
	struct dirent *e;
	DIR *d;

	(void)snprintf(dir, sizeof(dir), "tests/fuzz/corpus/%s", name);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		load(path);
	}
	if (d)
		closedir(d);
	if (count > 0)
		return;
	printf("not ok %s has no inputs\n", dir);
	exit(1);
}

/* --- by chance -------------------------------------------------------------
 */

static uint8_t changed[INPUT_MAX];

static void
change_byte(struct check_rand *r, size_t size)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
	size_t at = check_rand_below(r, size);

	switch (check_rand_below(r, 3)) {
	case 0:
		changed[at] = (uint8_t)check_rand(r);
		break;
	case 1:
		changed[at] ^= (uint8_t)(1u << check_rand_below(r, 8));
		break;
	default:
		changed[at] = edges[check_rand_below(r, sizeof(edges))];
	}
}

/* Takes bytes out, or puts some of another input in; returns the size. */
static size_t
change_size(struct check_rand *r, size_t size)
{
	const struct input *from = &inputs[check_rand_below(r, count)];
	size_t at = check_rand_below(r, size + 1), n;

	if (check_rand_one_in(r, 2)) {
		n = check_rand_below(r, size - at + 1);
		memmove(changed + at, changed + at + n, size - at - n);
		return size - n;
	}
	n = check_rand_below(r, from->size + 1);
	if (n > sizeof(changed) - size)
		return size;
	memmove(changed + at + n, changed + at, size - at);
	if (n > 0)
		memcpy(changed + at, from->data, n);
	return size + n;
}

static void
try_changed(struct check_rand *r)
{
	const struct input *in = &inputs[check_rand_below(r, count)];
	uint64_t changes = 1 + check_rand_below(r, 6);
	size_t size = in->size;

	if (size > 0)
		memcpy(changed, in->data, size);
	while (changes-- > 0) {
		if (size > 0 && !check_rand_one_in(r, 6))
			change_byte(r, size);
		else if (check_rand_one_in(r, 2))
			size = change_size(r, size);
	}
	try_one(changed, size);
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = (slash ? slash + 1 : argv[0]) + strlen("fuzz_");
	struct check_rand r;

	for (int i = 1; i < argc; i++)
		load(argv[i]);
	if (argc == 1)
		load_corpus(name);
	for (size_t i = 0; i < count; i++)
		try_one(inputs[i].data, inputs[i].size);
	printf("ok %s__corpus\n", name);
	if (argc > 1)
		return 0;
	r = check_rand_of(check_seed());
	for (int i = 0; i < (check_long() ? 300000 : 3000); i++)
		try_changed(&r);
	printf("ok %s__changed_inputs\n", name);
	return 0;
}
