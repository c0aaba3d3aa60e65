/* SPDX-License-Identifier: MIT */
/* Any process. The part of the configuration of a service that says who gets in, and when. */
#ifndef PREFORKD_CONFIG_ACCESS_H
#define PREFORKD_CONFIG_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/parse.h"
#include "syntax/origin.h"

struct networks;
struct week_range;

/* One entry of an allow or deny list, for "explain" and for the log. */
struct access_rule {
	bool allow;
	const char *text;     /* as written */
	struct origin origin; /* the line of the configuration, or of the list's own file */
};

enum config_refusal { REFUSAL_CLOSE, REFUSAL_RESET };

struct config_access {
	const struct networks *rules; /* the value of a match is an index into rule[]; NULL: every client may connect */
	const struct access_rule *rule;
	size_t n_rules;
	bool only_allowed;		/* there is an allow list: only its clients may connect */
	const struct week_range *times; /* when clients may connect */
	size_t n_times;			/* 0: always */
	int64_t max_load;		/* hundredths; from this load average on, clients are refused; 0: no limit */
	/* Clients that are ...; NULL: no client */
	const struct networks *probes;	    /* health checks: counted, not logged */
	const struct networks *exempt;	    /* not limited and not penalized */
	const struct networks *reserve_for; /* allowed to take the last `reserve` workers */
	int64_t reserve;
	int64_t per_source;	     /* connections at once; 0: no limit */
	struct rate per_source_rate; /* of connections; n == 0: no limit */
	struct rate per_source_datagrams;
	struct rate rate;	  /* of all clients together; n == 0: no limit */
	int64_t prefix4, prefix6; /* leading bits of an address that identify a source */
	int64_t sources;	  /* for how many sources rates and penalties are remembered */
	int refusal;		  /* enum config_refusal */
	char *banner;		  /* sent to refused clients; NULL: none */
};

struct config_penalty {		  /* for a source */
	int64_t crashes;	  /* so many crashed workers within the time bring a penalty; 0: they do not */
	int64_t refusals;	  /* so many refusals within the time bring a penalty; 0: they do not */
	int64_t within, duration; /* milliseconds: the time, and the length of a penalty */
};

struct config_proxy_protocol {
	const struct networks *from;	/* proxies: their header is required and believed; NULL: no header is read */
	const struct networks *without; /* clients that may connect without a header; NULL: none */
	int64_t timeout;		/* for the header to arrive; milliseconds, never 0 */
};

#endif
