/* SPDX-License-Identifier: MIT */
/*
 * The interface of a service: what a worker does with one connection. The built-in services use
 * exactly this; daemon/services/echo.c is the shortest example.
 *
 * A worker is one process that serves one connection at a time, so a service may block, and may
 * keep state in static variables: nobody else is in them. While it blocks in one of the calls
 * below, the time limits of the configuration (first_byte, idle, total) are kept for it, and a
 * worker that is told to finish lets it finish.
 *
 * Signals: SIGALRM and SIGUSR1 belong to the worker. SIGPIPE is ignored. A system call of the
 * service's own may fail with EINTR at any time; preforkd_ended() then tells whether to give up.
 */
#ifndef PREFORKD_MODULE_H
#define PREFORKD_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes only when a module built against an older header can no longer be run. */
#define PREFORKD_MODULE_ABI 1

/* One connection, valid while serve() runs. Opaque. */
struct preforkd_conn;

/* What a service can serve, and what it needs. */
enum {
	PREFORKD_STREAM = 1U << 0,   /* serves stream connections */
	PREFORKD_DATAGRAM = 1U << 1, /* serves datagrams */
	PREFORKD_COMMAND = 1U << 2,  /* needs `command` in its configuration */
};

struct preforkd_module {
	uint32_t abi;	     /* PREFORKD_MODULE_ABI */
	uint32_t size;	     /* sizeof(struct preforkd_module) of the header it was built with */
	const char *name;    /* what `handler` in the configuration says */
	const char *summary; /* one line for --help-config */
	uint32_t flags;	     /* PREFORKD_... */

	/*
	 * Serves one connection to its end and returns 0 if it ended well, -1 if it was cut: by the
	 * peer, by a time limit, or by the service's own judgement (the reason goes into
	 * preforkd_fail()). The worker closes the connection afterwards, in such a way that the peer
	 * gets all that was written (a lingering close), so the service does not close it.
	 */
	int (*serve)(struct preforkd_conn *conn);

	/*
	 * Called once in each worker, after it dropped its privileges and before its first
	 * connection. NULL if there is nothing to do. 0, or -1 to refuse: the worker leaves.
	 */
	int (*worker_start)(void);
};

/* The connection's descriptor: a blocking socket, close-on-exec. Owned by the worker. */
int preforkd_fd(const struct preforkd_conn *conn);

/*
 * Reads what is there, at most SIZE bytes, and blocks until there is something. Returns the number
 * of bytes, 0 when the peer has finished sending, -1 when the connection is over: errno says why
 * (ETIMEDOUT: a time limit; ECANCELED: the worker was told to stop at once; else from recv(2)).
 */
ssize_t preforkd_read(struct preforkd_conn *conn, void *buf, size_t size);

/* Writes all SIZE bytes, blocking as long as it takes. 0, or -1 with errno as above. */
int preforkd_write(struct preforkd_conn *conn, const void *buf, size_t size);

/* The connection was cut by a time limit or because the worker must stop at once. */
bool preforkd_ended(const struct preforkd_conn *conn);

/* Says why the connection ended badly: one line for the log. Returns -1. */
int preforkd_fail(struct preforkd_conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Who is at the other end: "192.0.2.7:4711", "[2001:db8::7]:4711", "unix:uid=1000,pid=4711". Never NULL. */
const char *preforkd_peer(struct preforkd_conn *conn);

/* The service's name in the configuration. */
const char *preforkd_service(const struct preforkd_conn *conn);

/* One line for the log; PRIORITY is one of syslog(3)'s LOG_ levels. The service and the peer are
 * added; control characters are escaped; a line is cut at 2048 bytes. */
void preforkd_log(struct preforkd_conn *conn, int priority, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
