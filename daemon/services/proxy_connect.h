/* SPDX-License-Identifier: MIT */
/* Finding an upstream that takes a connection: one after the other, each within its time. */
#ifndef PREFORKD_SERVICES_PROXY_CONNECT_H
#define PREFORKD_SERVICES_PROXY_CONNECT_H

#include <stddef.h>

struct preforkd_conn;

/*
 * A non-blocking socket that is connected to one of the upstreams (*WHICH_OUT), or -1 with preforkd_fail() said: all
 * have failed, the client has gone meanwhile, or its time is up. Those that failed lately are tried last.
 */
int proxy_connect(struct preforkd_conn *conn, size_t *which_out);

#endif
