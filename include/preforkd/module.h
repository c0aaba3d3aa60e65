/* SPDX-License-Identifier: MIT */
/*
 * The interface of a service: what a worker does with one connection. The built-in services use this interface, too.
 * modules/hello.c is a short example; preforkd-module(3) is the manual.
 *
 * A worker is a process that serves one connection at a time. So a service may block, and may keep state in static
 * variables. Of the configured time limits, timeouts.total runs from the start of the connection; first_byte, idle and
 * send start with the first preforkd_read(), _read_line(), _write() or _printf(), and are enforced while the service
 * blocks in one of these. A worker that is ordered to leave finishes the connection first, unless it must leave at
 * once.
 *
 * Signals: SIGALRM, SIGUSR1, SIGUSR2, SIGTERM and SIGRTMIN belong to the worker. SIGPIPE is ignored. A system call of
 * the service itself may fail with EINTR at any time; preforkd_ended() then tells whether to give up. Threads that
 * worker_start() starts have all signals blocked, and must not call any function of this file.
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

/* Changes only when modules that were built with an older header can no longer be loaded. */
#define PREFORKD_MODULE_ABI 1

/* One connection, opaque. Valid while serve() runs. */
struct preforkd_conn;

/* Flags: what a service can serve, and what it needs. */
enum {
	PREFORKD_STREAM = 1U << 0,   /* serves stream connections */
	PREFORKD_DATAGRAM = 1U << 1, /* serves datagrams */
	PREFORKD_COMMAND = 1U << 2,  /* not for modules: needs `command` */
	/* The service sends before the client does, so first_byte and first_byte_busy do not apply. Not for a service
	 * that reads a request first: those limits free its worker from silent clients. */
	PREFORKD_SPEAKS_FIRST = 1U << 3,
	/* Built-in services only. */
	PREFORKD_PATH = 1U << 4,	    /* is the shared object in `path` */
	PREFORKD_UPSTREAM = 1U << 5,	    /* needs `upstream` */
	PREFORKD_BECOMES_COMMAND = 1U << 8, /* its workers become `command`, which accepts by itself */
};

/* The kind of a value in the configuration, and the type of the member that receives it. */
enum preforkd_type {
	PREFORKD_INTEGER,  /* int64_t */
	PREFORKD_DURATION, /* int64_t, milliseconds */
	PREFORKD_SIZE,	   /* int64_t, bytes */
	PREFORKD_BOOL,	   /* bool */
	PREFORKD_STRING,   /* const char *; NULL: empty */
	PREFORKD_LIST,	   /* struct preforkd_list; a single string is a list of one */
};

struct preforkd_list {
	const char *const *items;
	size_t n;
};

/* One key of `options` in the configuration. A module has at most 64. */
struct preforkd_option {
	const char *name;     /* letters, digits and _, no digit first, at most 31; NULL ends the table */
	int type;	      /* enum preforkd_type */
	size_t offset;	      /* of the member in the module's struct: offsetof() */
	const char *preset;   /* the default value, as in the configuration; NULL: 0, false or empty */
	int64_t min, max;     /* of a number, inclusive, in the unit of the member */
	const char *zero;     /* what 0 and "unlimited" mean, if they are more than a number; or NULL */
	bool required;	      /* the configuration must have it */
	const char *help;     /* one line */
	uint64_t reserved[2]; /* 0 */
};

/* A counter of each worker; status shows the sum over all workers. */
struct preforkd_counter {
	const char *name;     /* as of an option; NULL ends the table */
	const char *help;     /* one line */
	uint64_t reserved[2]; /* 0 */
};

#define PREFORKD_COUNTERS_MOST 8 /* counters of one module */

/* New members are only added at the end; `size` says which of them a module has. Those it lacks count as 0. */
struct preforkd_module {
	uint32_t abi;	     /* PREFORKD_MODULE_ABI */
	uint32_t size;	     /* sizeof(struct preforkd_module) of the header it was built with */
	const char *name;    /* as of an option; of a built-in service: what `handler` in the configuration says */
	const char *summary; /* one line for --help-config */
	uint32_t flags;	     /* PREFORKD_... */

	/*
	 * Serves one connection to its end. Returns 0 if it ended well; -1 if the peer or a time limit ended it, or if
	 * the service gives up (it tells preforkd_fail() why). Must not close the connection: the worker closes it in
	 * such a way that the peer gets everything that was written (a lingering close). Needed with PREFORKD_STREAM.
	 */
	int (*serve)(struct preforkd_conn *conn);

	/*
	 * Called once in each worker, after it has dropped its privileges and before its first connection; may be NULL.
	 * Returns 0, or -1 to refuse: then the worker exits, and preforkd_fail(NULL, ...) says why. This is the place
	 * to open data bases and sockets, to start threads and to seed random numbers; init() is not.
	 */
	int (*worker_start)(void);

	/* All of the following may be NULL or 0. */

	/*
	 * Answers one datagram; needed with PREFORKD_DATAGRAM. Writes at most MAX bytes to REPLY, and returns the size
	 * of the answer. -1: there is no answer; more than MAX: the answer does not fit, and none is sent. MAX is the
	 * size of the request, unless a rule of access allows the sender: its address may be forged, and a larger
	 * answer would amplify a flood.
	 */
	ssize_t (*answer)(const void *request, size_t size, void *reply, size_t max);

	const struct preforkd_option *options;
	size_t options_size; /* of the module's struct for its options, at most 65536 */
	const struct preforkd_counter *counters;

	/*
	 * Called in the master, with its privileges (often root's), once for each generation, before any worker is
	 * forked; and before that in a child, which then ends, so that a failure does no harm. Returns 0, or -1 to
	 * refuse (preforkd_fail(NULL, ...) says why): then the start or the reload fails. The master waits for it. It
	 * must leave no thread, process or descriptor, except descriptors given to preforkd_keep(), and must not change
	 * the user, umask, working directory, signal mask, handling of SIGCHLD or locale.
	 */
	int (*init)(void);
	/* Called in the master when no worker of the generation is left; not after an upgrade. */
	void (*fini)(void);
	/* Called in a worker when it leaves as ordered, not when it crashes or is killed. */
	void (*worker_stop)(void);
	/* Called in each worker about every timer_ms (at least 10), but only between two connections: so it may be late
	 * by the length of a connection, and sometimes by one interval. It must be quick: it keeps the next client
	 * waiting. */
	void (*timer)(void);
	uint32_t timer_ms;
};

/* A module must define this variable. */
extern const struct preforkd_module preforkd_module __attribute__((visibility("default")));

/* The descriptor of the connection: a blocking socket, close-on-exec, owned by the worker. Bytes that
 * preforkd_read_line() has read ahead are no longer in it. */
int preforkd_fd(const struct preforkd_conn *conn);

/*
 * Blocks until there are bytes, and reads at most SIZE of them. Returns how many; 0: the peer has finished sending; -1:
 * the connection is over, and errno says why (ETIMEDOUT: a time limit; ECANCELED: the worker must leave at once; others
 * from recv(2)).
 */
ssize_t preforkd_read(struct preforkd_conn *conn, void *buf, size_t size);

/*
 * Reads a line into BUF, without its end (\n or \r\n), and appends a NUL. *LEN_OUT (may be NULL) becomes its length: a
 * line may contain NULs. Returns 1: a line; the last one may lack its end. 0: the peer has finished sending. -1: as
 * above, or the line does not fit into SIZE (EMSGSIZE); then the connection must not be read any further.
 */
int preforkd_read_line(struct preforkd_conn *conn, char *buf, size_t size, size_t *len_out);

/* Writes all SIZE bytes; blocks until the kernel has taken them. Returns 0, or -1 with errno as above. */
int preforkd_write(struct preforkd_conn *conn, const void *buf, size_t size);

/* The same for formatted text of at most 4095 bytes. If it is longer, nothing is written, and errno is EMSGSIZE. */
int preforkd_printf(struct preforkd_conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Cuts the connection MS milliseconds from now, besides the configured limits. Each call replaces the last; 0: none. */
void preforkd_deadline(struct preforkd_conn *conn, int64_t ms);

/* Was the connection cut, by a time limit or because the worker must leave at once? */
bool preforkd_ended(const struct preforkd_conn *conn);

/* Sets the reason why the connection ended badly or, with CONN NULL, why init() or worker_start() refuses: at most 255
 * bytes. Keeps errno. Returns -1. */
int preforkd_fail(struct preforkd_conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The client's address: "192.0.2.7:4711", "[2001:db8::7]:4711", "unix:uid=1000,pid=4711". Never NULL. */
const char *preforkd_peer(struct preforkd_conn *conn);

/* The service's name in the configuration. CONN may be NULL. */
const char *preforkd_service(const struct preforkd_conn *conn);

/* Writes one line to the log. PRIORITY is a level of syslog(3), such as LOG_INFO. The line gets the name of the service
 * and, if CONN is not NULL, the client's address. Control characters are escaped; the line is cut off at 2048 bytes. */
void preforkd_log(struct preforkd_conn *conn, int priority, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The module's struct, filled from `options`; it never changes. NULL: the module has no options. */
const void *preforkd_options(void);

/* In a worker: adds N to the counter at INDEX in the module's table. Elsewhere it does nothing. */
void preforkd_count(unsigned index, uint64_t n);

/* In init(): the workers inherit this descriptor. At most 16. Returns 0; -1: too many, or not in init(). */
int preforkd_keep(int fd);

#ifdef __cplusplus
}
#endif

#endif
