/*
 * err: error numbers of our own, and messages for people.
 *
 * Functions return 0 or -errno.  Damage on disk is ERR_DAMAGED everywhere,
 * together with one message naming file, offset and reason, written where the
 * damage was found.  Messages go to a struct err_sink; NULL drops them.
 */
#ifndef ENGINE_BASE_ERR_H
#define ENGINE_BASE_ERR_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

/* Bytes on disk are not what was written. */
#define ERR_DAMAGED (-EUCLEAN)
/* The format is newer than this program or not ours at all. */
#define ERR_FORMAT (-EPROTONOSUPPORT)

enum err_level { ERR_LEVEL_INFO, ERR_LEVEL_WARNING, ERR_LEVEL_ERROR };

struct err_sink {
	/* Called from any thread; text is one line without a newline. */
	void (*write)(void *ctx, enum err_level level, const char *text);
	void *ctx;
};

/* Formats and hands one line (cut at 1,023 bytes) to the sink. */
void err_log(const struct err_sink *sink, enum err_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The disk, or what this user may have of it, is full: the one kind of error
 * that goes away by itself. */
bool err_is_full(int err);

/* What a person should read for err (0 or -errno, ours included). */
const char *err_text(int err);

#endif
