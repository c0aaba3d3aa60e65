/* SPDX-License-Identifier: MIT */
/*
 * The interface of a service: what a worker does with one connection. The built-in services use
 * exactly this; modules/hello.c is the shortest example, and preforkd-module(3) walks through it.
 *
 * A worker is one process that serves one connection at a time, so a service may block, and may
 * keep state in static variables: nobody else is in them. While it blocks in one of the calls
 * below, the time limits of the configuration (first_byte, idle, send, total) are kept for it, and a
 * worker that is told to finish lets it finish. They begin with the first of these calls; total
 * holds from the start.
 *
 * Signals: SIGALRM, SIGUSR1, SIGUSR2, SIGTERM and SIGRTMIN belong to the worker. SIGPIPE is ignored. A system call of
 * the service's own may fail with EINTR at any time; preforkd_ended() then tells whether to give up. Threads that
 * worker_start() begins have all signals blocked, and may call none of the functions below.
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
	PREFORKD_COMMAND = 1U << 2,  /* needs `command` in its configuration; not for modules */
	/* The client need not send anything before the service does: first_byte and first_byte_busy, which would cut a
	 * client that says nothing, do not apply. Not for a service that reads a request: they free its worker. */
	PREFORKD_SPEAKS_FIRST = 1U << 3,
	/* Built-in services only. */
	PREFORKD_PATH = 1U << 4,	    /* stands for the shared object in `path` */
	PREFORKD_UPSTREAM = 1U << 5,	    /* needs `upstream` */
	PREFORKD_BECOMES_COMMAND = 1U << 8, /* becomes `command`, which accepts by itself */
};

/* What a value is in the configuration, and the type of the member that it is put into. */
enum preforkd_type {
	PREFORKD_INTEGER,  /* int64_t */
	PREFORKD_DURATION, /* int64_t, milliseconds */
	PREFORKD_SIZE,	   /* int64_t, bytes */
	PREFORKD_BOOL,	   /* bool */
	PREFORKD_STRING,   /* const char *; NULL where it is empty */
	PREFORKD_LIST,	   /* struct preforkd_list; one string is a list of one */
};

struct preforkd_list {
	const char *const *items;
	size_t n;
};

/* One key of `options` in the configuration. The whole table is checked before anything is served. */
struct preforkd_option {
	const char *name;     /* letters, digits and _; NULL ends the table */
	int type;	      /* enum preforkd_type */
	size_t offset;	      /* of the member in the module's struct: offsetof(struct ..., ...) */
	const char *preset;   /* the default, as text; NULL: none, 0, false or empty */
	int64_t min, max;     /* of numbers, inclusive, in the member's unit */
	const char *zero;     /* what 0 and "unlimited" mean, if they are more than a number; or NULL */
	bool required;	      /* the configuration must say it */
	const char *help;     /* one line */
	uint64_t reserved[2]; /* 0 */
};

/* A number that each worker counts up; status shows the sum. */
struct preforkd_counter {
	const char *name;     /* letters, digits and _, at most 31; NULL ends the table */
	const char *help;     /* one line */
	uint64_t reserved[2]; /* 0 */
};

#define PREFORKD_COUNTERS_MOST 8

/* Members are only ever added at the end; `size` says how many of them a module has. */
struct preforkd_module {
	uint32_t abi;	     /* PREFORKD_MODULE_ABI */
	uint32_t size;	     /* sizeof(struct preforkd_module) of the header it was built with */
	const char *name;    /* of a built-in service: what `handler` in the configuration says */
	const char *summary; /* one line for --help-config */
	uint32_t flags;	     /* PREFORKD_... */

	/*
	 * Serves one connection to its end and returns 0 if it ended well, -1 if it was cut: by the peer, by a time
	 * limit, or by the service's own judgement (the reason goes into preforkd_fail()). The service does not close
	 * the connection: the worker does, in such a way that the peer gets all that was written (a lingering close).
	 */
	int (*serve)(struct preforkd_conn *conn);

	/*
	 * Called once in each worker, after it dropped its privileges and before its first
	 * connection. NULL if there is nothing to do. 0, or -1 to refuse: the worker leaves.
	 * Data bases, sockets, threads and random numbers are begun here, not in init().
	 */
	int (*worker_start)(void);

	/* From here on all may be NULL or 0. */

	/*
	 * Answers one datagram; a service with PREFORKD_DATAGRAM needs it. Writes at most MAX bytes to REPLY and
	 * returns how many the answer has: -1, there is none; more than MAX, it does not fit and is not sent. MAX is
	 * the size of the request unless the sender is allowed more, so that nobody is made to flood others through us.
	 */
	ssize_t (*answer)(const void *request, size_t size, void *reply, size_t max);

	const struct preforkd_option *options;
	size_t options_size; /* of the module's struct that the options are put into */
	const struct preforkd_counter *counters;

	/*
	 * Called in the master, with its privileges (mostly root's), once for each generation, before any worker is
	 * forked; and before that, in the same way, in a child that ends afterwards, so that what goes wrong does no
	 * harm. 0, or -1 to refuse (preforkd_fail(NULL, ...) says why): then the start, or the reload, is rejected. The
	 * master waits for it: it must be quick. It leaves behind no thread and no descriptor but what it gives to
	 * preforkd_keep(), and changes nothing that is the whole process's: user, umask, working directory, mask of
	 * signals, SIGCHLD, locale.
	 */
	int (*init)(void);
	/* Called in the master when no worker of that generation is left; not after an upgrade, which replaces the
	 * program. */
	void (*fini)(void);
	/* Called when a worker leaves in an orderly way, not when it crashes or is killed. */
	void (*worker_stop)(void);
	/* Called in each worker about every timer_ms (at least 10), between connections: late by the
	 * length of one, and now and then by one interval. It has to be quick: no client is taken meanwhile. */
	void (*timer)(void);
	uint32_t timer_ms;
};

/* What a module defines, under exactly this name. */
extern const struct preforkd_module preforkd_module __attribute__((visibility("default")));

/* The connection's descriptor: a blocking socket, close-on-exec. Owned by the worker. What
 * preforkd_read_line() has read ahead is not in it any more. */
int preforkd_fd(const struct preforkd_conn *conn);

/*
 * Reads what is there, at most SIZE bytes, and blocks until there is something. Returns the number
 * of bytes, 0 when the peer has finished sending, -1 when the connection is over: errno says why
 * (ETIMEDOUT: a time limit; ECANCELED: the worker was told to stop at once; else from recv(2)).
 */
ssize_t preforkd_read(struct preforkd_conn *conn, void *buf, size_t size);

/*
 * Reads a line into BUF, without its end (\n or \r\n) and with a NUL behind it; *len_out (may be NULL) is its
 * length, for it may hold NULs. 1: a line; the last one may lack its end. 0: there is none any more.
 * -1: as above, or it does not fit into SIZE (EMSGSIZE), and the connection is of no use any more.
 */
int preforkd_read_line(struct preforkd_conn *conn, char *buf, size_t size, size_t *len_out);

/* Writes all SIZE bytes, blocking as long as it takes. 0, or -1 with errno as above. */
int preforkd_write(struct preforkd_conn *conn, const void *buf, size_t size);

/* The same for formatted text of at most 4095 bytes; more is EMSGSIZE, and nothing is written. */
int preforkd_printf(struct preforkd_conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From now on the connection may take MS milliseconds, beside the limits of the configuration; then it
 * is cut. Each call sets it anew; 0: no such limit. */
void preforkd_deadline(struct preforkd_conn *conn, int64_t ms);

/* The connection was cut by a time limit or because the worker must stop at once. */
bool preforkd_ended(const struct preforkd_conn *conn);

/* Says why the connection ended badly, or why (CONN is NULL) init() or worker_start() refuses. Returns -1. */
int preforkd_fail(struct preforkd_conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Who is at the other end: "192.0.2.7:4711", "[2001:db8::7]:4711", "unix:uid=1000,pid=4711". Never NULL. */
const char *preforkd_peer(struct preforkd_conn *conn);

/* The service's name in the configuration. CONN may be NULL. */
const char *preforkd_service(const struct preforkd_conn *conn);

/* One line for the log; PRIORITY is one of syslog(3)'s LOG_ levels. The service and the peer (CONN may be NULL)
 * are added; control characters are escaped; a line is cut at 2048 bytes. */
void preforkd_log(struct preforkd_conn *conn, int priority, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The module's struct, filled from `options`; never changes. NULL where the module has none. */
const void *preforkd_options(void);

/* In a worker: adds N to the counter that stands at INDEX in the module's table. */
void preforkd_count(unsigned index, uint64_t n);

/* In init(): the workers get this descriptor, too. At most 16. 0, or -1: there are too many. */
int preforkd_keep(int fd);

#ifdef __cplusplus
}
#endif

#endif
