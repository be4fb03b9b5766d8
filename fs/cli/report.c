#include "fs/cli/report.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <syslog.h>

#include "engine/base/buf.h"
#include "fs/cli/command.h"

static atomic_bool to_syslog;

static pthread_mutex_t held_mu = PTHREAD_MUTEX_INITIALIZER;
static bool holding;    /* held_mu */
static struct buf held; /* held_mu: lines with their newlines */

/* False: nothing is held, or there is no memory for it. */
static bool
hold_line(const char *subject, const char *gap, const char *text)
{
	bool taken;

	pthread_mutex_lock(&held_mu);
	taken = holding &&
		buf_printf(&held, "keyfs: %s%s%s\n", subject, gap, text) == 0;
	pthread_mutex_unlock(&held_mu);
	return taken;
}

static void
put_line(const char *subject, const char *text)
{
	const char *gap = subject ? ": " : "";

	if (!subject)
		subject = "";
	if (atomic_load(&to_syslog))
		syslog(LOG_WARNING, "%s%s%s", subject, gap, text);
	else if (!hold_line(subject, gap, text))
		fprintf(stderr, "keyfs: %s%s%s\n", subject, gap, text);
}

void
report_hold(void)
{
	pthread_mutex_lock(&held_mu);
	holding = true;
	pthread_mutex_unlock(&held_mu);
}

void
report_release(bool show)
{
	pthread_mutex_lock(&held_mu);
	holding = false;
	if (show && held.size > 0)
		fwrite(held.data, 1, held.size, stderr);
	buf_fini(&held);
	pthread_mutex_unlock(&held_mu);
}

void
report(const char *subject, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_line(subject, text);
}

int
report_errno(const char *subject, const char *doing, int err)
{
	report(subject, "%s: %s", doing, err_text(err));
	return err == -ENOENT ? COMMAND_NO : COMMAND_UNUSABLE;
}

void
report_message(void *subject, int level, const char *text)
{
	if (level >= ERR_LEVEL_WARNING)
		put_line(subject, text);
}

static void
sink_write(void *ctx, enum err_level level, const char *text)
{
	report_message(ctx, (int)level, text);
}

struct err_sink
report_sink(const char *subject)
{
	return (struct err_sink){sink_write, (void *)(uintptr_t)subject};
}

void
report_to_syslog(void)
{
	openlog("keyfs", LOG_PID, LOG_DAEMON);
	atomic_store(&to_syslog, true);
}
