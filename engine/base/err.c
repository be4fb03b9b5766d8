#include "engine/base/err.h"

#include <stdio.h>
#include <string.h>

#define ERR_LINE_MAX 1023

/* File names may hold anything; a message stays one line. */
static void
err_make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void
err_log(const struct err_sink *sink, enum err_level level, const char *fmt, ...)
{
	char text[ERR_LINE_MAX + 1];
	int saved = errno;
	va_list ap;

	if (!sink || !sink->write)
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		snprintf(text, sizeof(text), "(message lost): %s", fmt);
	va_end(ap);
	err_make_one_line(text);
	sink->write(sink->ctx, level, text);
	errno = saved;
}

bool
err_is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

const char *
err_text(int err)
{
	const char *text;

	if (err == ERR_DAMAGED)
		return "data on disk is damaged";
	if (err == ERR_FORMAT)
		return "format is not known to this program";
	/* Unlike strerror, safe in threads and the same in every locale. */
	text = err > 0 ? NULL : strerrordesc_np(-err);
	return text ? text : "unknown error";
}
