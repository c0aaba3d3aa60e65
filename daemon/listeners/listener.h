/* SPDX-License-Identifier: MIT */
/*
 * The listeners of the configuration. One comes from whoever has it already (the generation before, or whoever
 * handed it to us), and only if nobody has, it is bound. Opening and listening are two steps: what a reload
 * opens must not take clients before the reload has succeeded.
 */
#ifndef PREFORKD_LISTENERS_LISTENER_H
#define PREFORKD_LISTENERS_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/listen.h"

struct config_service;
struct err;
struct inherited_set;

/* What the configuration asked for: by this a listener is known again in the next generation. */
struct listener_key {
	struct sockaddr_any asked; /* one that the name was looked up to; len 0 with a name */
	bool dual;		   /* *:PORT */
	bool v6only;
	bool datagram;	/* it has datagrams, not connections */
	char name[256]; /* of systemd:NAME, else "" */
};

struct listener {
	struct listener_key key;
	struct sockaddr_any addr; /* where it really listens */
	char text[ADDR_TEXT_MAX]; /* the same, for people */
	int fd;			  /* -1: closed */
	bool inherited;		  /* somebody else holds it too: its queue is not ours to close */
	bool listening;
	bool refusing; /* by order: clients are turned away, the address is kept */
	struct listen_path path;
	int64_t backlog;	 /* in force */
	int64_t quiesced_ms;	 /* since when no new clients get in; 0: they do */
	bool for_good;		 /* and never will again */
	bool reuse_port;	 /* as configured */
	char stored[96];	 /* its name in the fd store (store.h); "": it is not there */
	struct listener *lender; /* fd is still this one's, until listener_take() */
	struct listener *rival;	 /* an old one whose address overlaps, until listener_steer() or the end; else NULL */
};

/* Listeners that somebody has and may be asked for. */
struct listener_offers {
	struct listener **items;
	size_t n;
};

/*
 * Opens all listeners of SERVICE: *list_out is an array of *n_out, owned by the caller. Those found among OFFERS are
 * borrowed, those of INHERITED (may be NULL) are taken, the others are bound and do not listen yet.
 * On an error nothing is changed. An address that somebody has is tried again until BUSY_UNTIL_MS (of the clock; 0: not
 * at all): workers of a daemon that was killed hold it for a moment.
 */
int listener_open_all(const struct config_service *service, const struct listener_offers *offers,
		      struct inherited_set *inherited, int64_t busy_until_ms, struct listener **list_out, size_t *n_out,
		      struct err *err);

/* Closes all of them and frees the array: what was borrowed goes back, what was bound goes. */
void listener_give_back(struct listener *list, size_t n);

/* Lets clients come; nothing is done where they do already. On an error the caller closes it. */
int listener_start(struct listener *listener, const struct config_service *service, struct err *err);

/* Whoever has a copy may have shut it down (shutdown(2)), and so everybody's. True: that was so, and it listens again.
 */
bool listener_revive(struct listener *listener, const struct config_service *service);

/* Brings all clients of the rival here, for good: the rival is to go. */
void listener_steer(struct listener *listener);

/* What was borrowed becomes ours, and the lender has it no longer. */
void listener_take(struct listener *listener);

/* FROM's options and backlog become TO's on a living listener. -1: some could not be, *err says which; the rest is. */
int listener_change(struct listener *listener, const struct config_service *from, const struct config_service *to,
		    struct err *err);

/* No new clients, as far as that is possible: those that are queued stay and can be accepted. FOR_GOOD: it will be
 * closed, not readmitted. Once for all that are quiesced together listen_settle() follows (net/quiesce.h). */
void listener_quiesce(struct listener *listener, bool for_good);

/* Nobody is queued, and as far as can be told nobody will be. */
bool listener_is_empty(const struct listener *listener);

/* Turns clients away from here on and keeps the address; who is queued is lost. Not possible with an inherited one,
 * whose clients wait. Workers that still hold a copy are thrown out of accept. */
void listener_refuse(struct listener *listener);

/* Not while the queue of a unix socket is served whose path is gone, for only a new socket can get the path; nor that
 * of an abstract name while any worker may still have the old socket: ALONE says that none has. */
bool listener_may_return(const struct listener *listener, bool alone);

/* The end of quiesce and refuse: clients may come again. -1 and *err: the address could not be had again. */
int listener_readmit(struct listener *listener, const struct config_service *service, struct err *err);

/* The end: also workers that still hold a copy are thrown out of accept. What is borrowed is given back. */
void listener_close(struct listener *listener);

#endif
