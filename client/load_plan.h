/* SPDX-License-Identifier: MIT */
/* Client. What a load run does, as the command line says. Constant during the run. */
#ifndef PREFORKD_CLIENT_LOAD_PLAN_H
#define PREFORKD_CLIENT_LOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct err;

enum load_reply {
	LOAD_REPLY_ECHO,  /* the request itself, compared byte by byte */
	LOAD_REPLY_EOF,	  /* all bytes until the server closes; we close our side after the request */
	LOAD_REPLY_BYTES, /* reply_size bytes of any value */
};

struct load_plan {
	struct addr addr;
	struct sockaddr_any target; /* the address that is used */
	enum load_reply reply;
	bool keep, hold, json, histogram;
	unsigned clients, threads;
	double rate;	      /* exchanges a second of an open loop; 0: a closed loop */
	uint64_t total;	      /* exchanges; 0: until duration_ns has passed */
	uint64_t duration_ns; /* 0: until total is reached */
	uint64_t timeout_ns;  /* for one exchange; 0: none */
	size_t request_size, reply_size;
	uint32_t sources;	/* number of source addresses from 127.0.0.1 up; 0: the kernel's choice */
	unsigned char *content; /* request_size bytes, and LOAD_SHIFTS more unless `fixed`; owned */
	bool sized;		/* a size was given */
	bool fixed;		/* all requests are the one that the user has given */
};

/* Reads the command line. 0, or an exit status after an error was printed on standard error; `--help` ends the program.
 */
int load_plan_parse(int argc, char **argv, struct load_plan *plan);

/* Refuses options that exclude each other, and sets members that follow from others. */
int load_plan_check(struct load_plan *plan, struct err *err);

/* Looks the address up (may block) and makes the requests. 0, or an exit status and the reason in *err. */
int load_plan_prepare(struct load_plan *plan, struct err *err);

void load_plan_free(struct load_plan *plan);

#endif
