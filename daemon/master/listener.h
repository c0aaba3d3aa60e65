/* SPDX-License-Identifier: MIT */
/* The listeners of the configuration: taken over if somebody handed them to us, else bound. */
#ifndef PREFORKD_MASTER_LISTENER_H
#define PREFORKD_MASTER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/listen.h"

struct config_service;
struct err;
struct inherited_set;

struct listener {
	struct sockaddr_any addr; /* where it really listens */
	char text[ADDR_TEXT_MAX]; /* the same, for people */
	int fd;			  /* -1: closed */
	bool inherited;		  /* somebody else holds it too: its queue is not ours to close */
	struct listen_path path;
	int64_t backlog; /* in force */
};

/*
 * Opens all listeners of SERVICE: *list_out is an array of *n_out, owned by the caller. Clients may connect from
 * then on, and wait in the queue. On an error nothing stays open.
 */
int listener_open_all(const struct config_service *service, struct inherited_set *inherited,
		      struct listener **list_out, size_t *n_out, struct err *err);

/* No new clients, as far as that is possible: those that are queued stay and can be accepted. */
void listener_quiesce(struct listener *listener);

/* The end: also workers that still hold a copy are thrown out of accept. */
void listener_close(struct listener *listener);

#endif
