/* SPDX-License-Identifier: MIT */
/*
 * One request to the daemon and its reply, with a limit to everything: time, and the size of the
 * reply. Knows how a reply looks and whether it says "ok"; what is in it is the business of others.
 */
#ifndef PREFORKD_CTL_CALL_H
#define PREFORKD_CTL_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define CALL_PATIENCE_MS 5000 /* for a connection, a request and its reply together */

/* What else may happen while a reply is waited for. */
struct call_watch {
	int fds[2];		       /* -1: none */
	bool (*attend)(void *context); /* one of them can be read; true: give the call up */
	void *context;
};

/* How a call ended. */
enum call_end {
	CALL_DONE,
	CALL_REFUSED,  /* the reply says no */
	CALL_GONE,     /* nobody listens, or it closed without a reply */
	CALL_SILENT,   /* the time is over */
	CALL_GIVEN_UP, /* because the watch said so */
	CALL_FAILED    /* anything else */
};

struct call {
	const char *path;
	const struct call_watch *watch; /* or NULL */
	int fd;
	int64_t deadline_ms;
	pid_t peer;	   /* who listens, as the kernel says; 0: not known, or not visible from here */
	enum call_end end; /* of the last call */
	int status;	   /* the exit status that its failure deserves */
};

/* In all of these ERR must not be NULL. */
void call_init(struct call *call, const char *path);

/* Connects; afterwards `peer` is known. Close with call_exchange() or call_close(). */
int call_open(struct call *call, struct err *err);
void call_close(struct call *call);

/* Sends REQUEST, takes the reply, and closes in any case. A reply that is not "ok" is a failure,
 * too. *reply_out is an object, to be given back with json_decref(). */
int call_exchange(struct call *call, const json_t *request, json_t **reply_out, struct err *err);

/* Both. */
int call_make(struct call *call, const json_t *request, json_t **reply_out, struct err *err);

#endif
