/* SPDX-License-Identifier: MIT */
/*
 * Any process. The log: one target and one level for the whole process. A line never blocks the process for long: if
 * the reader does not read, the first line waits LOG_SINK_PATIENCE_MS, further lines are dropped and counted, and the
 * count is written with the next line that gets through. An error that the journal or syslog does not take goes to
 * standard error. Every message is escaped.
 */
#ifndef PREFORKD_BASE_LOG_H
#define PREFORKD_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <syslog.h> /* LOG_ERR ... LOG_DEBUG and the facilities */

enum log_target { LOG_TO_AUTO, LOG_TO_SYSLOG, LOG_TO_JOURNAL, LOG_TO_STDERR };

#define LOG_LINE_MAX 2048 /* bytes of a message after escaping; longer ones are cut with "..." */

/*
 * Opens the target. LOG_TO_AUTO: the journal when standard error is connected to it (JOURNAL_STREAM),
 * standard error when that is a terminal or the process stays in the foreground, else syslog.
 * A target that cannot be opened is tried again with later lines. May be called again.
 */
void log_open(enum log_target target, int facility, bool foreground);
void log_set_level(int level);

/* Also writes warnings and errors to FD (-1: no longer): for a start that a person watches. */
void log_echo(int fd);
bool log_enabled(int level);

/* Is added to a level: the line is written whatever log_set_level() says. */
#define LOG_ALWAYS 0x100

/* Lines go to standard error. */
bool log_is_stderr(void);

/* In a child that others may take over: gives up the socket that the parent writes to. One description has one peer, so
 * a connect(2) in the child would send the parent's lines elsewhere. The child's next line connects anew. */
void log_forget(void);

/* Before this process changes its root folder: connects, and keeps the way to the reader, so that it is found again
 * after its restart. APART: the way leads nowhere else, which needs CAP_SYS_ADMIN; without it, lines are lost after a
 * restart of the reader. */
void log_keep(bool apart);

/* Writes LEN bytes of whole lines, as they are, to standard error: those that another process of ours wrote. */
void log_raw(const char *lines, size_t len);

/* Names for the configuration: "auto" "syslog" ..., "daemon" "local0" ..., "err" "info" ... -1: no such name. */
int log_target_by_name(const char *name);
int log_facility_by_name(const char *name);
int log_level_by_name(const char *name);
const char *log_target_name(int target);
const char *log_facility_name(int facility);
const char *log_level_name(int level);

/* The subject of a line; NULL members are left out. Becomes SERVICE=, PEER=, WORKER_PID=, MESSAGE_ID= in the
 * journal and a "service peer: " prefix elsewhere; with names_worker "service[worker]: ". */
struct log_about {
	const char *service;
	const char *peer;
	pid_t worker;
	const char *message_id;
	bool names_worker;
	const char *fields; /* more fields for the journal: lines NAME=VALUE, each with its newline, which the caller
			       has escaped; NULL: none */
};

void log_msg(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_about(int level, const struct log_about *about, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void log_vabout(int level, const struct log_about *about, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* Number of lines that this process has dropped because the reader did not take them. */
uint64_t log_lost(void);

/* For a line that is to appear at most once in ten seconds: true if it may be written now; *suppressed_out is the
 * number of calls that returned false since. */
struct log_limit {
	int64_t next_ms;
	unsigned suppressed;
};
bool log_limit(struct log_limit *limit, unsigned *suppressed_out);

#endif
