#include "tests/support/spec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_FENCE "```"
#define SPEC_INFO  SPEC_FENCE "hex "

/* NULL, after a message: what is wrong with the example. */
static uint8_t *
spec_fail(const char *name, const char *why)
{
	fprintf(stderr, "SPEC.md: example \"%s\": %s\n", name, why);
	return NULL;
}

static const char *
spec_line_end(const char *line)
{
	return line + strcspn(line, "\n");
}

static const char *
spec_next_line(const char *line)
{
	const char *end = spec_line_end(line);

	return *end ? end + 1 : end;
}

/* The line behind the opening fence of example name at or after text. */
static const char *
spec_find(const char *text, const char *name)
{
	size_t info = strlen(SPEC_INFO), n = strlen(name);

	for (; *text; text = spec_next_line(text)) {
		if (strncmp(text, SPEC_INFO, info) == 0 &&
		    strncmp(text + info, name, n) == 0 &&
		    text + info + n == spec_line_end(text))
			return spec_next_line(text);
	}
	return NULL;
}

/* The line of the closing fence, or NULL. */
static const char *
spec_find_end(const char *line)
{
	for (; *line; line = spec_next_line(line)) {
		if (strncmp(line, SPEC_FENCE, strlen(SPEC_FENCE)) == 0)
			return line;
	}
	return NULL;
}

static int
spec_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
					 : tolower((unsigned char)c) - 'a' + 10;
}

/* Bytes written to out, or -1 at something that is not a pair of digits. */
static long
spec_decode(const char *p, const char *end, uint8_t *out)
{
	long n = 0;

	while (p < end) {
		if (*p == '#') {
			p = spec_line_end(p);
		} else if (isspace((unsigned char)*p)) {
			p++;
		} else {
			if (!isxdigit((unsigned char)p[0]) ||
			    !isxdigit((unsigned char)p[1]))
				return -1;
			out[n++] =
			    (uint8_t)(spec_digit(p[0]) << 4 | spec_digit(p[1]));
			p += 2;
		}
	}
	return n;
}

uint8_t *
spec_parse(const char *text, const char *name, size_t *size)
{
	const char *start = spec_find(text, name), *end;
	uint8_t *out;
	long n;

	if (!start)
		return spec_fail(name, "not there");
	if (spec_find(start, name))
		return spec_fail(name, "stands there twice");
	end = spec_find_end(start);
	if (!end)
		return spec_fail(name, "has no closing fence");
	out = malloc((size_t)(end - start) / 2 + 1);
	if (!out)
		return spec_fail(name, "no memory");
	n = spec_decode(start, end, out);
	if (n < 0) {
		free(out);
		return spec_fail(name, "holds more than pairs of hex digits");
	}
	*size = (size_t)n;
	return out;
}

/* A whole text file, with a NUL behind it, or NULL. */
static char *
spec_slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!f)
		return NULL;
	if (getdelim(&text, &room, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

uint8_t *
spec_example(const char *name, size_t *size)
{
	const char *path = getenv("SPEC");
	uint8_t *out;
	char *text;

	if (!path)
		path = "docs/SPEC.md";
	text = spec_slurp(path);
	if (!text) {
		fprintf(stderr,
		    "%s: cannot be read; run tests from the top "
		    "of the source tree or set SPEC\n",
		    path);
		return NULL;
	}
	out = spec_parse(text, name, size);
	free(text);
	return out;
}

static void
spec_show(const char *what, const uint8_t *data, size_t size)
{
	fprintf(stderr, "%s, %zu bytes:", what, size);
	for (size_t i = 0; i < size; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n    ", data[i]);
	fprintf(stderr, "\n");
}

bool
spec_check(const char *name, const void *data, size_t size)
{
	size_t want_size = 0;
	uint8_t *want = spec_example(name, &want_size);
	bool same;

	if (!want)
		return false;
	same =
	    want_size == size && (size == 0 || memcmp(want, data, size) == 0);
	if (!same) {
		fprintf(stderr, "example \"%s\" differs\n", name);
		spec_show("SPEC.md", want, want_size);
		spec_show("program", data, size);
	}
	free(want);
	return same;
}
