/* SPDX-License-Identifier: MIT */
/*
 * preforkctl. One request to the daemon and its reply, with a limit for the time and for the size of the reply. This
 * file knows the frame of a reply and its member "ok"; the caller knows all other members.
 */
#ifndef PREFORKD_CTL_CALL_H
#define PREFORKD_CTL_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define CALL_PATIENCE_MS 5000 /* for connecting, the request and the reply together */

/* Descriptors to watch, too, while a call waits for the daemon. */
struct call_watch {
	int fds[2];		       /* watched for reading; -1: none */
	bool (*attend)(void *context); /* called when one is readable; true: give up the call */
	void *context;
};

/* How a call ended. */
enum call_end {
	CALL_DONE,
	CALL_REFUSED,  /* the reply says why not */
	CALL_GONE,     /* nobody listens, or the connection ended without a whole reply */
	CALL_SILENT,   /* CALL_PATIENCE_MS are over */
	CALL_GIVEN_UP, /* attend() returned true */
	CALL_FAILED    /* anything else */
};

struct call {
	const char *path;
	const struct call_watch *watch; /* or NULL */
	int fd;
	int64_t deadline_ms;
	pid_t peer;	   /* the listening process by SO_PEERCRED; 0: not known, or of another pid namespace */
	enum call_end end; /* of the last call */
	int status;	   /* the exit status for that, if it failed */
};

/* All functions below block for CALL_PATIENCE_MS at most. ERR must not be NULL. PATH must live as long as CALL. */
void call_init(struct call *call, const char *path);

/* Connects and sets `peer`. call_exchange() and call_close() close the connection. */
int call_open(struct call *call, struct err *err);
void call_close(struct call *call);

/* Sends REQUEST, receives the reply, and closes the connection, also on failure. A reply whose "ok" is false is a
 * failure (CALL_REFUSED). *reply_out is an object that the caller releases with json_decref(). */
int call_exchange(struct call *call, const json_t *request, json_t **reply_out, struct err *err);

/* call_open() and call_exchange(). */
int call_make(struct call *call, const json_t *request, json_t **reply_out, struct err *err);

#endif
