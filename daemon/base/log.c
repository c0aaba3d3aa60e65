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

/* Before log_open(): standard error, so that the earliest errors are seen. */
static struct {
	enum log_target target; /* never LOG_TO_AUTO once open */
	int facility;
	int level;
	int echo;	 /* a descriptor for warnings and errors, too; -1: none */
	bool priorities; /* "<N>" in front: standard error is read by systemd */
	struct log_sink sink;
	uint64_t lost;	   /* lines, ever */
	uint64_t reported; /* of them, how many a line has told about */
} state = {
	.target = LOG_TO_STDERR,
	.facility = LOG_DAEMON,
	.level = LOG_INFO,
	.echo = -1,
	.sink = {.fd = STDERR_FILENO},
};

/* systemd says in JOURNAL_STREAM which device and inode it gave us as standard error. */
static bool stderr_is_journal(void)
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
		if (stderr_is_journal())
			target = LOG_TO_JOURNAL;
		else
			target = foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG;
	}
	state.target = target;
	state.facility = facility;
	state.priorities = target == LOG_TO_STDERR && stderr_is_journal();
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
	return level <= state.level;
}

int log_fd(void)
{
	return state.sink.fd;
}

uint64_t log_lost(void)
{
	return state.lost;
}

/* Parts of one line. Fixed in number: what the journal takes has the most. */
struct parts {
	struct iovec iov[32];
	int n;
};

static void add(struct parts *parts, const char *text)
{
	parts->iov[parts->n].iov_base = (char *)text;
	parts->iov[parts->n].iov_len = strlen(text);
	parts->n++;
}

static void add_field(struct parts *parts, const char *name, const char *value)
{
	if (value == NULL)
		return;
	add(parts, name);
	add(parts, value);
	add(parts, "\n");
}

/* "service peer: ", or nothing. */
static void add_about(struct parts *parts, const struct log_about *about)
{
	if (about->service == NULL && about->peer == NULL)
		return;
	if (about->service != NULL)
		add(parts, about->service);
	if (about->service != NULL && about->peer != NULL)
		add(parts, " ");
	if (about->peer != NULL)
		add(parts, about->peer);
	add(parts, ": ");
}

/*
 * The journal's native protocol: NAME=VALUE lines in one datagram (systemd.io/JOURNAL_NATIVE_PROTOCOL).
 * Values hold no newline, for everything is escaped. sd_journal_send(3) is not used because it blocks
 * when journald does not read.
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
	/* the message as people see it elsewhere, too */
	add(&parts, "MESSAGE=");
	add_about(&parts, about);
	add(&parts, text);
	add(&parts, "\n");
	return log_sink_send(&state.sink, parts.iov, parts.n);
}

/* RFC 3164, as every syslog daemon reads it from /dev/log. */
static bool send_syslog(int level, const struct log_about *about, const char *text)
{
	struct parts parts = {.n = 0};
	char head[96], stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL || strftime(stamp, sizeof(stamp), "%h %e %T", &tm) == 0)
		stamp[0] = '\0';
	(void)snprintf(head, sizeof(head), "<%d>%s " TAG "[%d]: ", state.facility | level, stamp, (int)getpid());
	add(&parts, head);
	add_about(&parts, about);
	add(&parts, text);
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
	add(&parts, head);
	add_about(&parts, about);
	add(&parts, text);
	add(&parts, "\n");
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

	if (level > state.level)
		return;
	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	(void)escape_bytes(raw, strlen(raw), text, sizeof(text));
	if (about->peer != NULL) { /* a unix socket's peer chooses its own name */
		(void)escape_bytes(about->peer, strlen(about->peer), peer, sizeof(peer));
		safe.peer = peer;
	}
	if (state.echo >= 0 && level <= LOG_WARNING) {
		struct log_sink terminal = {.fd = state.echo};

		(void)send_stderr(&terminal, level, &safe, text);
	}
	if (!send_line(level, &safe, text))
		state.lost++;
	else if (state.lost != state.reported)
		report_lost();
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
