#include "engine/base/durability.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/word.h"

#define TEXT_OF_(n) #n
#define TEXT_OF(n)  TEXT_OF_(n)
#define UP_TO_MS    "_ms=1.." TEXT_OF(DURABILITY_MS_MAX)
#define ALLOWED                                                 \
	"sync, batch, adaptive or none, batch_ops=1.." TEXT_OF( \
	    DURABILITY_OPS_MAX) ", batch" UP_TO_MS ", adaptive" UP_TO_MS

static const char *const words[] = {
    [DURABILITY_NONE] = "none",
    [DURABILITY_BATCH] = "batch",
    [DURABILITY_ADAPTIVE] = "adaptive",
    [DURABILITY_SYNC] = "sync",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

struct parameter {
	const char *name;
	size_t offset; /* of a uint32_t in struct durability */
	uint32_t max;
};

static const struct parameter parameters[] = {
    {"batch_ops=", offsetof(struct durability, batch_ops), DURABILITY_OPS_MAX},
    {"batch_ms=", offsetof(struct durability, batch_ms), DURABILITY_MS_MAX},
    {"adaptive_ms=", offsetof(struct durability, adaptive_ms),
	DURABILITY_MS_MAX},
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

struct durability
durability_of(enum durability_policy policy)
{
	return (struct durability){
	    .policy = policy,
	    .batch_ops = 100,
	    .batch_ms = 10,
	    .adaptive_ms = 10,
	};
}

static bool
in_range(uint64_t n, uint64_t max)
{
	return n >= 1 && n <= max;
}

bool
durability_valid(const struct durability *d)
{
	return (size_t)d->policy < WORDS &&
	       in_range(d->batch_ops, DURABILITY_OPS_MAX) &&
	       in_range(d->batch_ms, DURABILITY_MS_MAX) &&
	       in_range(d->adaptive_ms, DURABILITY_MS_MAX);
}

const char *
durability_word(enum durability_policy policy)
{
	return (size_t)policy < WORDS ? words[policy] : "unknown";
}

const char *
durability_allowed(void)
{
	return ALLOWED;
}

/* --- parsing ------------------------------------------------------------- */

static int
refuse_word(struct bytes word, char *why)
{
	char text[40];

	if (why)
		(void)snprintf(why, DURABILITY_ERROR_MAX,
		    "'%s' is no durability; allowed: " ALLOWED,
		    word_shown(word, text, sizeof(text)));
	return -EINVAL;
}

static int
refuse_value(struct bytes word, const struct parameter *p, char *why)
{
	char text[40];

	if (why)
		(void)snprintf(why, DURABILITY_ERROR_MAX,
		    "'%s': allowed: %s1..%u",
		    word_shown(word, text, sizeof(text)), p->name, p->max);
	return -EINVAL;
}

/* 1: word was such a parameter; 0: it is another one. */
static int
parse_parameter(struct bytes word, const struct parameter *p,
    struct durability *d, char *why)
{
	struct bytes digits = word;
	uint32_t value;
	uint64_t n;

	if (!word_strip(&digits, p->name))
		return 0;
	if (!word_number(digits, 1, p->max, &n))
		return refuse_value(word, p, why);
	value = (uint32_t)n;
	memcpy((char *)d + p->offset, &value, sizeof(value));
	return 1;
}

static int
parse_policy(struct bytes word, struct durability *d, char *why)
{
	struct bytes policy = word;

	(void)word_strip(&policy, "durability=");
	for (size_t i = 0; i < WORDS; i++) {
		if (!bytes_eq(policy, bytes_str(words[i])))
			continue;
		d->policy = (enum durability_policy)i;
		return 0;
	}
	return refuse_word(word, why);
}

static int
parse_word(struct bytes word, struct durability *d, char *why)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		int rc = parse_parameter(word, &parameters[i], d, why);

		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	return parse_policy(word, d, why);
}

int
durability_parse(struct bytes text, struct durability *d, char *why)
{
	struct durability parsed = *d;
	struct bytes word;
	bool any = false;

	while (word_next(&text, " ,\n\t\r", &word)) {
		int err = parse_word(word, &parsed, why);

		if (err)
			return err;
		any = true;
	}
	if (!any)
		return refuse_word(bytes_str(""), why);
	*d = parsed;
	return 0;
}

void
durability_format(const struct durability *d, char *text)
{
	const char *word = durability_word(d->policy);

	if (d->policy == DURABILITY_BATCH)
		(void)snprintf(text, DURABILITY_TEXT_MAX,
		    "%s batch_ops=%u batch_ms=%u", word, d->batch_ops,
		    d->batch_ms);
	else if (d->policy == DURABILITY_ADAPTIVE)
		(void)snprintf(text, DURABILITY_TEXT_MAX, "%s adaptive_ms=%u",
		    word, d->adaptive_ms);
	else
		(void)snprintf(text, DURABILITY_TEXT_MAX, "%s", word);
}
