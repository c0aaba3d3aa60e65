/* SPDX-License-Identifier: MIT */
/*
 * Any process. The place that lines go to: a datagram socket (/dev/log, the journal's) or standard error. Sending is
 * bounded: the first line that is not taken waits LOG_SINK_PATIENCE_MS; later ones do not wait until a line is taken
 * again.
 */
#ifndef PREFORKD_BASE_LOG_SINK_H
#define PREFORKD_BASE_LOG_SINK_H

#include <stdbool.h>
#include <sys/uio.h>

#define LOG_SINK_PATIENCE_MS 50

struct log_sink {
	const char *path; /* of the socket; NULL: standard error */
	int fd;		  /* -1: not connected */
	bool stalled;	  /* the last line was not taken: the next does not wait */
	int folder;	  /* of the socket, where its path leads elsewhere by now; 0: the path is good */
	char name[64];	  /* of the socket in that folder */
};

/* Connects to PATH; NULL: standard error. A failure shows when a line is sent. */
void log_sink_open(struct log_sink *sink, const char *path);

/* Closes the socket that is shared with the process that forked this one; the next line connects anew. Standard error
 * stays as it is. */
void log_sink_forget(struct log_sink *sink);

/* Connects, and connects anew through an open folder and no longer by the path. APART: as log_keep() in log.h. */
void log_sink_keep(struct log_sink *sink, bool apart);

/* Sends one line of N parts; false if it is lost. Connects again after a restart of the reader. */
bool log_sink_send(struct log_sink *sink, const struct iovec *iov, int n);

#endif
