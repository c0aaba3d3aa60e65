/* SPDX-License-Identifier: MIT */
/* Any process. Names of one service into what they stand for. */
#ifndef PREFORKD_CONFIG_LOOKUP_H
#define PREFORKD_CONFIG_LOOKUP_H

struct checker;
struct service_values;

/* Looks up handler, module, addresses, program, upstreams, users, groups and networks. Addresses are parsed, but not
 * resolved (conflict_check.h). May block: users and groups may come from the network. */
void lookup_service(struct checker *checker, struct service_values *values);

#endif
