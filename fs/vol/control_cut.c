#include "fs/vol/control_cut.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The words that were there, as bits. */
enum control_cut_word {
	CONTROL_CUT_NOW = 1,
	CONTROL_CUT_AFTER = 2,
	CONTROL_CUT_SEED = 4,
	CONTROL_CUT_KEEP = 8,
};

const char *
control_cut_allowed(void)
{
	return "now or after=1..1000000000, seed=0..18446744073709551615, "
	       "keep=none|prefix|random";
}

/* Takes name off *value, if it begins so. */
static bool
strip(struct bytes *value, const char *name)
{
	size_t n = strlen(name);

	if (!bytes_has_prefix(*value, bytes_of(name, n)))
		return false;
	*value = bytes_of(value->data + n, value->size - n);
	return true;
}

/* Decimal digits only. */
static bool
parse_number(struct bytes text, uint64_t min, uint64_t max, uint64_t *out)
{
	const uint8_t *p = text.data;
	uint64_t n = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (p[i] < '0' || p[i] > '9' ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(p[i] - '0'), &n))
			return false;
	}
	if (text.size == 0 || n < min || n > max)
		return false;
	*out = n;
	return true;
}

static bool
parse_keep(struct bytes text, enum vol_cut_keep *out)
{
	static const char *const words[] = {
	    [VOL_CUT_NONE] = "none",
	    [VOL_CUT_PREFIX] = "prefix",
	    [VOL_CUT_RANDOM] = "random",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!bytes_eq(text, bytes_str(words[i])))
			continue;
		*out = (enum vol_cut_keep)i;
		return true;
	}
	return false;
}

/* Which word it is; 0: none that is allowed. */
static unsigned
parse_word(struct bytes word, struct vol_cut *how)
{
	if (bytes_eq(word, bytes_str("now")))
		return CONTROL_CUT_NOW;
	if (strip(&word, "after="))
		return parse_number(word, 1, CONTROL_CUT_AFTER_MAX, &how->after)
			   ? CONTROL_CUT_AFTER
			   : 0;
	if (strip(&word, "seed="))
		return parse_number(word, 0, UINT64_MAX, &how->seed)
			   ? CONTROL_CUT_SEED
			   : 0;
	if (strip(&word, "keep="))
		return parse_keep(word, &how->keep) ? CONTROL_CUT_KEEP : 0;
	return 0;
}

static bool
separates(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes the next word off *text; false: there is none. */
static bool
next_word(struct bytes *text, struct bytes *word)
{
	const uint8_t *p = text->data;
	size_t begin = 0, end;

	while (begin < text->size && separates(p[begin]))
		begin++;
	for (end = begin; end < text->size && !separates(p[end]);)
		end++;
	if (end == begin)
		return false;
	*word = bytes_of(p + begin, end - begin);
	*text = bytes_of(p + end, text->size - end);
	return true;
}

/* A message shows so much of a word that is wrong, without what a terminal
 * would act on. */
static int
refuse_word(struct bytes word, const char *what, char *why)
{
	const uint8_t *p = word.data;
	char shown[40];
	size_t n = 0;

	for (; n < word.size && n < sizeof(shown) - 1; n++)
		shown[n] = p[n] >= ' ' && p[n] < 127 ? (char)p[n] : '?';
	shown[n] = '\0';
	(void)snprintf(why, CONTROL_CUT_ERROR_MAX, "'%s' %s; allowed: %s",
	    shown, what, control_cut_allowed());
	return -EINVAL;
}

static int
refuse(const char *what, char *why)
{
	(void)snprintf(why, CONTROL_CUT_ERROR_MAX, "%s; allowed: %s", what,
	    control_cut_allowed());
	return -EINVAL;
}

int
control_cut_parse(struct bytes text, struct vol_cut *how, char *why)
{
	const unsigned when = CONTROL_CUT_NOW | CONTROL_CUT_AFTER;
	struct vol_cut parsed = *how;
	struct bytes word;
	unsigned seen = 0;

	parsed.after = 0;
	while (next_word(&text, &word)) {
		unsigned kind = parse_word(word, &parsed);

		if (kind == 0)
			return refuse_word(word, "is not allowed", why);
		if (seen & kind)
			return refuse_word(word, "comes twice", why);
		seen |= kind;
	}
	if ((seen & when) == 0)
		return refuse("it does not say when", why);
	if ((seen & when) == when)
		return refuse("now and after=N exclude each other", why);
	*how = parsed;
	return 0;
}
