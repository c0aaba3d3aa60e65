/* SPDX-License-Identifier: MIT */
/*
 * Time limits of the connection that this worker serves, without a system call for each of its reads and writes.
 * One timer (SIGALRM) fires now and then, and its handler looks: at what the service has noted, and at what the kernel
 * knows of a TCP connection (tcp_info.h). When time is up it shuts the socket down, which ends a
 * blocked call and every later one alike, so there is no window in which the signal could be lost.
 *
 * A look is taken at least every quarter of a limit. What the kernel counts but does not date is dated by the look that
 * finds it changed: idle and send may cut up to a quarter late, never early (by more than the kernel's tick).
 *
 * One process, one connection: file-level state, owned by deadline.c.
 */
#ifndef PREFORKD_SERVICES_DEADLINE_H
#define PREFORKD_SERVICES_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

enum deadline_kind {
	DEADLINE_NONE,
	DEADLINE_FIRST_BYTE,
	DEADLINE_FIRST_BYTE_BUSY,
	DEADLINE_IDLE,
	DEADLINE_SEND,
	DEADLINE_TOTAL,
	DEADLINE_PROXY, /* proxy_protocol.timeout */
	DEADLINE_EVICTED,
	DEADLINE_OWN, /* the service's: deadline_own() */
};

struct deadline_limits {    /* milliseconds, of base/clock.h; 0: none */
	int64_t start;	    /* when the connection was accepted */
	int64_t first_byte; /* 0: the client need not send anything first, and first_byte_busy does not count */
	/* from when the client connected, while deadline_saturated()'s function says so; unseen: from when the program
	 * began, or last said something */
	int64_t first_byte_busy;
	int64_t idle;	 /* no byte in either direction, counted from the first one */
	int64_t send;	 /* the client takes nothing of what there is for it */
	uint64_t header; /* bytes from the client that are none of its first ones: a PROXY header */
	bool unseen;	 /* a program's connection: only the kernel knows what moves, and on unix sockets nobody does */
	/* where others can see it; NULL: nowhere */
	_Atomic uint32_t *greeted;     /* 1: the first byte has come */
	_Atomic int64_t *silent_since; /* when the client connected; set where the kernel knows better */
};

/* Installs the handler. Once, when the worker starts. */
void deadline_init(void);

/* Is everybody busy, and are clients waiting? Called from the signal handler. Without one nobody ever is. */
void deadline_saturated(bool (*saturated)(void));

/* From here on FD is cut when time is up; TOTAL_DUE (ms of base/clock.h, 0: never) holds throughout. */
void deadline_begin(int fd, int64_t total_due);

/* Before the other limits: a PROXY header is to be there by DUE (0: it is). */
void deadline_proxy(int64_t due);

/* The other limits, from now on. */
void deadline_limit(const struct deadline_limits *limits);

/*
 * For a service that reads and writes itself: it is about to wait for the client, or some bytes of a longer write
 * have gone; a wait is over. What is called for each read and write is cheap.
 */
enum deadline_wait { DEADLINE_NO_WAIT, DEADLINE_READS, DEADLINE_WRITES };
void deadline_waits(enum deadline_wait what);
void deadline_waited(void);

/* The client's first byte has come. */
void deadline_greeted(void);

/* Has it, as far as can be told? Asks the kernel, and may be called from a signal handler. */
bool deadline_is_greeted(void);

/*
 * The service passes what the client says on to this socket (-1: no more). What its peer takes, or says, is no silence
 * either: of a slow one the kernel keeps much, and neither the client nor the service is moved meanwhile.
 */
void deadline_beyond(int fd);

/* A limit of the service's own, besides the others: it cuts at DUE (0: never), until the next call or the end. */
void deadline_own(int64_t due);

/* No limit any more; FD may be closed. */
void deadline_end(void);

/*
 * Somebody else needs this worker more: cuts the connection if the client has sent nothing so far and the service
 * waits for nothing else. For a signal handler. EVICT_DONE: it is cut, or was before; EVICT_GREETED: it is in progress;
 * EVICT_LATER: just now that cannot be said, ask again.
 */
enum deadline_evict { EVICT_DONE, EVICT_GREETED, EVICT_LATER };
enum deadline_evict deadline_evict(void);

/* What cut the connection; DEADLINE_NONE: nothing did. */
enum deadline_kind deadline_passed(void);

/*
 * The worker must leave now: cuts the connection. For a signal handler. ORPHAN: the master is gone, so nobody will
 * end this process if its service does not return; it then ends itself after DEADLINE_ORPHAN_MS.
 */
#define DEADLINE_ORPHAN_MS 500
void deadline_cut(bool orphan);
bool deadline_was_cut(void);
bool deadline_is_orphan(void);

#endif
