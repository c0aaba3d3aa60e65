/* SPDX-License-Identifier: MIT */
/* Any process. Addresses of services against each other. */
#ifndef PREFORKD_CONFIG_CONFLICT_CHECK_H
#define PREFORKD_CONFIG_CONFLICT_CHECK_H

struct checker;

/*
 * Resolves the addresses of all services, and reports those that cannot be bound beside each other. The kernel would
 * refuse them too, but only when some of the sockets exist already. May block, as the resolver does.
 */
void conflict_check(struct checker *checker);

#endif
