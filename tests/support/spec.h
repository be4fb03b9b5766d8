/*
 * spec: the hex examples of docs/SPEC.md, for tests.
 *
 * An example is a fenced block with the info string `hex NAME`: hex digits in
 * pairs, spaces anywhere between pairs, # begins a comment to the end of the
 * line.  NAME stands once in the document.
 * Use: expected = spec_example("wal-record", &size); ... free(expected), or
 * spec_check("wal-record", data, size).
 * Reads docs/SPEC.md below the working directory, or the file that the
 * environment variable SPEC names.
 */
#ifndef TESTS_SUPPORT_SPEC_H
#define TESTS_SUPPORT_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new malloc'ed block, or NULL after saying why on standard error. */
uint8_t *spec_example(const char *name, size_t *size);

/* As spec_example, from text in memory. */
uint8_t *spec_parse(const char *text, const char *name, size_t *size);

/* Whether data is the example; if not, shows both on standard error. */
bool spec_check(const char *name, const void *data, size_t size);

#endif
