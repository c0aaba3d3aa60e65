/* SPDX-License-Identifier: MIT */
/* Any process. The addresses that a service passes connections on to. */
#ifndef PREFORKD_CONFIG_LOOKUP_UPSTREAMS_H
#define PREFORKD_CONFIG_LOOKUP_UPSTREAMS_H

struct checker;
struct service_values;

/*
 * Parses the addresses. Host names are not resolved here: a resolver that is down must not delay or prevent a start or
 * a reload, and workers resolve them again and again anyway. --check resolves them (upstream_names.h), for a warning.
 */
void lookup_upstreams(struct checker *checker, struct service_values *values);

#endif
