/* SPDX-License-Identifier: MIT */
/*
 * Master. The listeners of services. A listener comes from the process or generation that has it already (the former
 * generation, the service manager), and is bound only if none has it. Opening and listening are two steps, because a
 * listener that a reload opens must not take clients before the reload has succeeded.
 */
#ifndef PREFORKD_LISTENERS_LISTENER_H
#define PREFORKD_LISTENERS_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/listen.h"
#include "net/listen_look.h"

struct config_service;
struct err;
struct inherited_set;

/* The address that the configuration asked for. The next generation recognizes a listener by this. */
struct listener_key {
	struct sockaddr_any asked; /* the address, or one of those that a host name stands for; len 0: `name` is set */
	bool dual;		   /* *:PORT */
	bool v6only;
	bool datagram;	/* it receives datagrams instead of connections */
	char name[256]; /* of systemd:NAME, else "" */
};

struct listener {
	struct listener_key key;
	struct sockaddr_any addr; /* where it listens in fact */
	char text[ADDR_TEXT_MAX]; /* the same, for the log */
	int fd;			  /* -1: closed */
	bool inherited;		  /* another process gave it to us and has it too: its queue is not ours to close */
	bool listening;
	bool refusing; /* drained: clients are turned away, and the address is kept */
	bool lost;     /* closed, because it was shut down and could not be bound anew so far (listener_mend.h) */
	enum listen_trouble trouble; /* as last looked, if it could not be mended */
	uint32_t mended;	     /* how often it was mended */
	bool told;		     /* the log says that it could not be */
	int64_t mended_ms;	     /* when it was mended last; workers that began before may leave because of that */
	struct listen_path path;
	int64_t backlog;	 /* in force */
	int64_t quiesced_ms;	 /* since when no new clients are let in; 0: they are */
	bool for_good;		 /* and never will be again */
	bool reuse_port;	 /* as configured */
	char stored[96];	 /* its name in the fd store (fd_store.h); "": it is not there */
	struct listener *lender; /* `fd` belongs to this one until listener_take(); else NULL */
	struct listener *rival;	 /* an old listener whose address overlaps, until listener_steer(); else NULL */
};

/* The configuration asks for the same address. */
bool listener_same_key(const struct listener_key *a, const struct listener_key *b);

/* Listeners of pools, which may be borrowed. */
struct listener_offers {
	struct listener **items;
	size_t n;
};

/*
 * Opens all listeners of SERVICE: *list_out is an array of *n_out, owned by the caller. Listeners found among OFFERS
 * are borrowed, those found in INHERITED (may be NULL) are taken over, the others are bound and do not listen yet. On
 * an error nothing is changed. An address that is in use is tried again until BUSY_UNTIL_MS (of the clock; 0: not at
 * all), and this blocks: workers of a daemon that was killed hold their address for a moment.
 */
int listener_open_all(const struct config_service *service, const struct listener_offers *offers,
		      struct inherited_set *inherited, int64_t busy_until_ms, struct listener **list_out, size_t *n_out,
		      struct err *err);

/* Closes all listeners and frees the array. What was borrowed stays with its lender. */
void listener_give_back(struct listener *list, size_t n);

/* Lets clients in; nothing is done if that is so already. -1 and *err: the caller closes the listener. */
int listener_start(struct listener *listener, const struct config_service *service, struct err *err);

/* Keeps it in the service manager's fd store (fd_store.h) from now on, until it is closed. Nothing is done for one that
 * was inherited, is closed, or is kept already. */
void listener_keep(struct listener *listener, const char *service);

/* Gives a listener that is not inherited a new socket at the same address, which does not listen yet: a unix socket
 * that was shut down stays so, and a path that was removed needs a new one. The former socket is closed. -1 and *err.
 */
int listener_bind_again(struct listener *listener, const struct config_service *service, struct err *err);

/* Directs all new clients of the rival here. The rival must be closed soon. */
void listener_steer(struct listener *listener);

/* A borrowed listener becomes ours, and its lender loses it. */
void listener_take(struct listener *listener);

/* Changes the options and the backlog of a living listener from those of FROM to those of TO. -1: *err names an option
 * that could not be changed; the others are. */
int listener_change(struct listener *listener, const struct config_service *from, const struct config_service *to,
		    struct err *err);

/* Lets no new clients in, as far as that is possible; those that are queued stay and can be accepted. FOR_GOOD: the
 * listener will be closed, not readmitted. listen_settle() (net/listen_quiesce.h) must follow, once for all listeners
 * that are quiesced together. */
void listener_quiesce(struct listener *listener, bool for_good);

/* No client is queued, and as far as can be seen none is about to be. */
bool listener_is_empty(const struct listener *listener);

/* Refuses clients from now on and keeps the address. Clients that are queued are lost, and workers that have a copy are
 * thrown out of accept(2). An inherited listener is left as it is: its clients wait. */
void listener_refuse(struct listener *listener);

/*
 * listener_readmit() would lose no client and find the address free. False for a unix socket whose path is gone, while
 * its queue is being served, because only a new socket can get the path. False for an abstract name while a worker may
 * still have the old socket. SOCKETS_ARE_OURS: no worker has.
 */
bool listener_may_return(const struct listener *listener, bool sockets_are_ours);

/* Undoes quiesce and refuse: clients are let in again. -1 and *err: the address could not be taken again. */
int listener_readmit(struct listener *listener, const struct config_service *service, struct err *err);

/* Closes the listener, for all processes that have a copy: workers are thrown out of accept(2). A borrowed or inherited
 * one is only given up. */
void listener_close(struct listener *listener);

#endif
