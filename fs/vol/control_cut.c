#include "fs/vol/control_cut.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/word.h"

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
	if (word_strip(&word, "after="))
		return word_number(word, 1, CONTROL_CUT_AFTER_MAX, &how->after)
			   ? CONTROL_CUT_AFTER
			   : 0;
	if (word_strip(&word, "seed="))
		return word_number(word, 0, UINT64_MAX, &how->seed)
			   ? CONTROL_CUT_SEED
			   : 0;
	if (word_strip(&word, "keep="))
		return parse_keep(word, &how->keep) ? CONTROL_CUT_KEEP : 0;
	return 0;
}

static int
refuse_word(struct bytes word, const char *what, char *why)
{
	char text[40];

	(void)snprintf(why, CONTROL_CUT_ERROR_MAX, "'%s' %s; allowed: %s",
	    word_shown(word, text, sizeof(text)), what, control_cut_allowed());
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
	while (word_next(&text, " \t\n\r", &word)) {
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
