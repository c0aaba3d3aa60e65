/* SPDX-License-Identifier: MIT */
/* Any process. The lists of networks of a service, including its files, into sets for look-ups. */
#ifndef PREFORKD_CONFIG_ACCESS_LOOKUP_H
#define PREFORKD_CONFIG_ACCESS_LOOKUP_H

struct checker;
struct service_values;

void access_lookup(struct checker *checker, struct service_values *values);

#endif
