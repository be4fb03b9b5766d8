/*
 * lab_line: 64 bytes of text that say which step wrote them.
 *
 * The number of the step, a hash of it and of a seed, filler, a newline: a
 * line of another run, of another writer or with a torn end is none of ours.
 * Pure functions.
 */
#ifndef FS_CLI_LAB_LINE_H
#define FS_CLI_LAB_LINE_H

#include <stdbool.h>
#include <stdint.h>

#define LAB_LINE_SIZE 64

/* Exactly LAB_LINE_SIZE bytes, no NUL. */
void lab_line_format(uint64_t seed, uint64_t step, char *line);

/* False: these LAB_LINE_SIZE bytes are no line of this seed. */
bool lab_line_parse(const char *line, uint64_t seed, uint64_t *step);

/* A number that follows from the two, for every choice that is to look
 * random and be the same again. */
uint64_t lab_line_mix(uint64_t seed, uint64_t n);

#endif
