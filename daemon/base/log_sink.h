/* SPDX-License-Identifier: MIT */
/*
 * Where lines go: a datagram socket (syslog's /dev/log, the journal's) or standard error. Sending
 * is bounded: a sink that takes nothing is waited for once, for LOG_SINK_PATIENCE_MS, and then given up
 * until it takes a line again (fewer lines, but the process goes on).
 */
#ifndef PREFORKD_BASE_LOG_SINK_H
#define PREFORKD_BASE_LOG_SINK_H

#include <stdbool.h>
#include <sys/uio.h>

#define LOG_SINK_PATIENCE_MS 50

struct log_sink {
	const char *path; /* of the socket; NULL: standard error */
	int fd;		  /* -1: not connected */
	bool stalled;	  /* the last line was not taken: do not wait again */
};

/* Connects to PATH, or takes standard error for NULL. A failure shows when a line is sent. */
void log_sink_open(struct log_sink *sink, const char *path);

/* Sends one line (IOV of N parts). False if it was lost. Connects again if the reader was restarted. */
bool log_sink_send(struct log_sink *sink, const struct iovec *iov, int n);

#endif
