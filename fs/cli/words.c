#include "fs/cli/words.h"

#include <errno.h>
#include <stdlib.h>

static bool
is_gap(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies one word from *line and a NUL behind it. */
static int
take_word(const char **line, struct buf *text)
{
	const char *p = *line;
	char quote = 0;
	int err = 0;

	for (; err == 0 && *p && (quote || !is_gap(*p)); p++) {
		if (quote && *p == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
			continue;
		}
		if (*p == '\\' && quote != '\'' && !*++p)
			return -EINVAL;
		err = buf_append_u8(text, (uint8_t)*p);
	}
	*line = p;
	if (err == 0 && quote)
		err = -EINVAL;
	return err ? err : buf_append_u8(text, 0);
}

static int
index_words(struct words *w)
{
	char *p = (char *)w->text.data;

	w->argv = calloc((size_t)w->argc + 1, sizeof(*w->argv));
	if (!w->argv)
		return -ENOMEM;
	for (int i = 0; i < w->argc; i++) {
		w->argv[i] = p;
		p += strlen(p) + 1;
	}
	return 0;
}

int
words_split(const char *line, struct words *out)
{
	struct words w = {0};
	int err = 0;

	while (err == 0) {
		while (is_gap(*line))
			line++;
		if (!*line || *line == '#')
			break;
		err = take_word(&line, &w.text);
		w.argc++;
	}
	if (err == 0)
		err = index_words(&w);
	if (err == 0)
		*out = w;
	else
		words_fini(&w);
	return err;
}

void
words_fini(struct words *w)
{
	free(w->argv);
	buf_fini(&w->text);
	*w = (struct words){0};
}
