/* SPDX-License-Identifier: MIT */
/* What a load run is to do, as the command line says it. Constant while the run lasts. */
#ifndef PREFORKD_CLIENT_LOAD_PLAN_H
#define PREFORKD_CLIENT_LOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct err;

enum load_reply {
	LOAD_REPLY_ECHO,  /* the request itself, compared byte by byte */
	LOAD_REPLY_EOF,	  /* whatever comes until the server finishes; the request ends with ours */
	LOAD_REPLY_BYTES, /* reply_size bytes, whatever they are */
};

struct load_plan {
	struct addr addr;
	struct sockaddr_any target; /* the one address that is used */
	enum load_reply reply;
	bool keep, hold, json, histogram;
	unsigned clients, threads;
	double rate;	      /* exchanges a second in an open loop; 0: a closed one */
	uint64_t total;	      /* exchanges; 0: until duration_ns has passed */
	uint64_t duration_ns; /* 0: until total is reached */
	uint64_t timeout_ns;  /* for one exchange; 0: none */
	size_t request_size, reply_size;
	uint32_t sources;	/* so many source addresses from 127.0.0.1 up; 0: the kernel's choice */
	unsigned char *content; /* request_size bytes if fixed, LOAD_SHIFTS more if not; owned */
	bool sized;		/* a size was given */
	bool fixed;		/* all requests are the same: the user's own */
};

/* Reads the command line. 0, or the exit status after it has complained on standard error;
 * `--help` ends the program. */
int load_plan_parse(int argc, char **argv, struct load_plan *plan);

/* What cannot be asked for together; fills in what follows from the rest. */
int load_plan_check(struct load_plan *plan, struct err *err);

/* Looks the address up and makes the requests. 0, or an exit status and the reason in *err. */
int load_plan_prepare(struct load_plan *plan, struct err *err);

void load_plan_free(struct load_plan *plan);

#endif
