/*
 * word: the words of a line that a person wrote, as options and orders have.
 *
 * Pure functions; the bytes may be any.
 */
#ifndef ENGINE_BASE_WORD_H
#define ENGINE_BASE_WORD_H

#include "engine/base/bytes.h"

/* Takes the next word off *text, words being separated by any of these
 * characters; false: there is none. */
bool word_next(struct bytes *text, const char *separators, struct bytes *word);

/* Takes name off *word, if it begins so. */
bool word_strip(struct bytes *word, const char *name);

/* Decimal digits only; false: no number, or not one from min to max. */
bool word_number(struct bytes word, uint64_t min, uint64_t max, uint64_t *out);

/* For a message: so much of the word as fits into text, without what a terminal
 * would act on; size > 0.  Returns text. */
const char *word_shown(struct bytes word, char *text, size_t size);

#endif
