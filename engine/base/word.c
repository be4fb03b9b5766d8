#include "engine/base/word.h"

static bool
separates(uint8_t c, const char *separators)
{
	return c != '\0' && strchr(separators, c) != NULL;
}

bool
word_next(struct bytes *text, const char *separators, struct bytes *word)
{
	const uint8_t *p = text->data;
	size_t begin = 0, end;

	while (begin < text->size && separates(p[begin], separators))
		begin++;
	for (end = begin; end < text->size && !separates(p[end], separators);)
		end++;
	if (end == begin)
		return false;
	*word = bytes_of(p + begin, end - begin);
	*text = bytes_of(p + end, text->size - end);
	return true;
}

bool
word_strip(struct bytes *word, const char *name)
{
	size_t n = strlen(name);

	if (!bytes_has_prefix(*word, bytes_of(name, n)))
		return false;
	*word = bytes_of(word->data + n, word->size - n);
	return true;
}

bool
word_number(struct bytes word, uint64_t min, uint64_t max, uint64_t *out)
{
	const uint8_t *p = word.data;
	uint64_t n = 0;

	for (size_t i = 0; i < word.size; i++) {
		if (p[i] < '0' || p[i] > '9' ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(p[i] - '0'), &n))
			return false;
	}
	if (word.size == 0 || n < min || n > max)
		return false;
	*out = n;
	return true;
}

const char *
word_shown(struct bytes word, char *text, size_t size)
{
	const uint8_t *p = word.data;
	size_t n = word.size < size - 1 ? word.size : size - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = p[i] >= ' ' && p[i] < 127 ? (char)p[i] : '?';
	text[n] = '\0';
	return text;
}
