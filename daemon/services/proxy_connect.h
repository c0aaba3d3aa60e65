/* SPDX-License-Identifier: MIT */
/* Worker. Connects to an upstream: tries one after the other, each within its time. */
#ifndef PREFORKD_SERVICES_PROXY_CONNECT_H
#define PREFORKD_SERVICES_PROXY_CONNECT_H

#include <stddef.h>

struct preforkd_conn;

/*
 * Returns a non-blocking socket, which the caller closes, connected to the upstream with the index *WHICH_OUT. -1, with
 * the reason in CONN: all upstreams failed, the client left meanwhile, or a limit has cut it. Upstreams that failed
 * lately are tried last. Blocks for at most proxy.connect_timeout (and a look-up of the name) for each upstream.
 */
int proxy_connect(struct preforkd_conn *conn, size_t *which_out);

#endif
