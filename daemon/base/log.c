/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/log_sink.h"

#define TAG	       "preforkd"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"
#define LIMIT_MS       10000

/* Before log_open() lines go to standard error, so that early errors are seen. */
static struct {
	enum log_target target; /* never LOG_TO_AUTO once open */
	int facility;
	int level;
	int echo;	 /* a second descriptor for warnings and errors; -1: none */
	bool priorities; /* write "<N>" in front, because systemd reads standard error */
	struct log_sink sink;
	uint64_t lost;	   /* lines dropped so far */
	uint64_t reported; /* value of `lost` at the last report_lost() */
} state = {
	.target = LOG_TO_STDERR,
	.facility = LOG_DAEMON,
	.level = LOG_INFO,
	.echo = -1,
	.sink = {.fd = STDERR_FILENO},
};

/* Takes errors that the target does not take: the error that ends the daemon must not be lost with the log. */
static struct log_sink last_resort = {.fd = STDERR_FILENO};

/* JOURNAL_STREAM has the device and inode that systemd gave us as standard error. */
static bool is_stderr_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (stream == NULL || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

void log_open(enum log_target target, int facility, bool foreground)
{
	const char *path = NULL;

	if (target == LOG_TO_AUTO) {
		if (is_stderr_journal())
			target = LOG_TO_JOURNAL;
		else
			target = foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG;
	}
	state.target = target;
	state.facility = facility;
	state.priorities = target == LOG_TO_STDERR && is_stderr_journal();
	if (target == LOG_TO_SYSLOG)
		path = SYSLOG_SOCKET;
	else if (target == LOG_TO_JOURNAL)
		path = JOURNAL_SOCKET;
	log_sink_open(&state.sink, path);
}

void log_set_level(int level)
{
	state.level = level;
}

void log_echo(int fd)
{
	state.echo = fd;
}

bool log_enabled(int level)
{
	return (level & LOG_ALWAYS) != 0 || level <= state.level;
}

bool log_is_stderr(void)
{
	return state.target == LOG_TO_STDERR;
}

void log_forget(void)
{
	log_sink_forget(&state.sink);
}

void log_keep(bool apart)
{
	log_sink_keep(&state.sink, apart);
}

void log_raw(const char *lines, size_t len)
{
	static struct log_sink standard_error = {.fd = STDERR_FILENO};
	struct log_sink *sink = log_is_stderr() ? &state.sink : &standard_error;
	const struct iovec iov = {.iov_base = (char *)lines, .iov_len = len};

	if (!log_sink_send(sink, &iov, 1))
		state.lost++;
}

uint64_t log_lost(void)
{
	return state.lost;
}

/* Parts of one line; a line for the journal has the most. */
struct parts {
	struct iovec iov[32];
	int n;
	char worker[16]; /* its pid */
};

static void add_part(struct parts *parts, const char *text)
{
	parts->iov[parts->n].iov_base = (char *)text;
	parts->iov[parts->n].iov_len = strlen(text);
	parts->n++;
}

static void add_field(struct parts *parts, const char *name, const char *value)
{
	if (value == NULL)
		return;
	add_part(parts, name);
	add_part(parts, value);
	add_part(parts, "\n");
}

/* "service peer: " or "service[worker]: ", or nothing. */
static void add_about(struct parts *parts, const struct log_about *about)
{
	if (about->service == NULL && about->peer == NULL)
		return;
	if (about->service != NULL)
		add_part(parts, about->service);
	if (about->service != NULL && about->names_worker) {
		(void)snprintf(parts->worker, sizeof(parts->worker), "[%d]", (int)about->worker);
		add_part(parts, parts->worker);
	}
	if (about->service != NULL && about->peer != NULL)
		add_part(parts, " ");
	if (about->peer != NULL)
		add_part(parts, about->peer);
	add_part(parts, ": ");
}

/*
 * The journal's native protocol: NAME=VALUE lines in one datagram (systemd.io/JOURNAL_NATIVE_PROTOCOL).
 * Values have no newline, because they are escaped. sd_journal_send(3) is not used: it blocks when journald does not
 * read.
 */
static bool send_journal(int level, const struct log_about *about, const char *text)
{
	char priority[] = {(char)('0' + level), '\0'};
	char facility[16], pid[16];
	struct parts parts = {.n = 0};

	(void)snprintf(facility, sizeof(facility), "%d", state.facility >> 3);
	add_field(&parts, "SYSLOG_IDENTIFIER=", TAG);
	add_field(&parts, "SYSLOG_FACILITY=", facility);
	add_field(&parts, "PRIORITY=", priority);
	add_field(&parts, "SERVICE=", about->service);
	add_field(&parts, "PEER=", about->peer);
	if (about->worker > 0) {
		(void)snprintf(pid, sizeof(pid), "%d", (int)about->worker);
		add_field(&parts, "WORKER_PID=", pid);
	}
	add_field(&parts, "MESSAGE_ID=", about->message_id);
	if (about->fields != NULL)
		add_part(&parts, about->fields);
	/* the same text as in other targets */
	add_part(&parts, "MESSAGE=");
	add_about(&parts, about);
	add_part(&parts, text);
	add_part(&parts, "\n");
	return log_sink_send(&state.sink, parts.iov, parts.n);
}

/* RFC 3164, as every syslog daemon reads it from /dev/log. */
static bool send_syslog(int level, const struct log_about *about, const char *text)
{
	struct parts parts = {.n = 0};
	char head[96], stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	tzset(); /* as in services/daytime.c: lines of all processes have the same zone */
	if (localtime_r(&now, &tm) == NULL || strftime(stamp, sizeof(stamp), "%h %e %T", &tm) == 0)
		stamp[0] = '\0';
	(void)snprintf(head, sizeof(head), "<%d>%s " TAG "[%d]: ", state.facility | level, stamp, (int)getpid());
	add_part(&parts, head);
	add_about(&parts, about);
	add_part(&parts, text);
	return log_sink_send(&state.sink, parts.iov, parts.n);
}

static bool send_stderr(struct log_sink *sink, int level, const struct log_about *about, const char *text)
{
	struct parts parts = {.n = 0};
	char head[64];

	if (state.priorities)
		(void)snprintf(head, sizeof(head), "<%d>", level);
	else
		(void)snprintf(head, sizeof(head), TAG "[%d]: %s", (int)getpid(),
			       level <= LOG_ERR	      ? "error: "
			       : level == LOG_WARNING ? "warning: "
						      : "");
	add_part(&parts, head);
	add_about(&parts, about);
	add_part(&parts, text);
	add_part(&parts, "\n");
	return log_sink_send(sink, parts.iov, parts.n);
}

static bool send_line(int level, const struct log_about *about, const char *text)
{
	switch (state.target) {
	case LOG_TO_JOURNAL:
		return send_journal(level, about, text);
	case LOG_TO_SYSLOG:
		return send_syslog(level, about, text);
	case LOG_TO_AUTO: /* resolved by log_open() */
	case LOG_TO_STDERR:
		return send_stderr(&state.sink, level, about, text);
	}
	return false;
}

static void report_lost(void)
{
	static const struct log_about nobody;
	uint64_t lost = state.lost;
	char text[96];

	(void)snprintf(text, sizeof(text), "%llu log messages lost: the log's reader did not take them",
		       (unsigned long long)(lost - state.reported));
	if (send_line(LOG_WARNING, &nobody, text))
		state.reported = lost;
}

void log_vabout(int level, const struct log_about *about, const char *fmt, va_list ap)
{
	char raw[LOG_LINE_MAX], text[LOG_LINE_MAX], peer[256];
	struct log_about safe = *about;
	int saved = errno;

	if (!log_enabled(level))
		return;
	level &= ~LOG_ALWAYS;
	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	(void)escape_line(raw, strlen(raw), text, sizeof(text));
	if (about->peer != NULL) { /* the peer of a unix socket chooses its own name */
		(void)escape_bytes(about->peer, strlen(about->peer), peer, sizeof(peer));
		safe.peer = peer;
	}
	if (state.echo >= 0 && level <= LOG_WARNING) {
		struct log_sink terminal = {.fd = state.echo};

		(void)send_stderr(&terminal, level, &safe, text);
	}
	if (!send_line(level, &safe, text)) {
		state.lost++;
		if (level <= LOG_ERR && state.echo < 0 && state.sink.path != NULL)
			(void)send_stderr(&last_resort, level, &safe, text);
	} else if (state.lost != state.reported) {
		report_lost();
	}
	errno = saved;
}

void log_about(int level, const struct log_about *about, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vabout(level, about, fmt, ap);
	va_end(ap);
}

void log_msg(int level, const char *fmt, ...)
{
	static const struct log_about nobody;
	va_list ap;

	va_start(ap, fmt);
	log_vabout(level, &nobody, fmt, ap);
	va_end(ap);
}

bool log_limit(struct log_limit *limit, unsigned *suppressed_out)
{
	int64_t now = clock_coarse_ms();

	if (now < limit->next_ms) {
		limit->suppressed++;
		return false;
	}
	limit->next_ms = now + LIMIT_MS;
	*suppressed_out = limit->suppressed;
	limit->suppressed = 0;
	return true;
}
