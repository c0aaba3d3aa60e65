/* SPDX-License-Identifier: MIT */
/* Worker. The banner: the text that a client gets first, before the service begins. */
#ifndef PREFORKD_SERVICES_GREET_H
#define PREFORKD_SERVICES_GREET_H

#include <stdbool.h>

struct preforkd_conn;

/* Sends the service's banner, if it has one. Blocks within the limits of the connection, above all timeouts.send.
 * False: the client did not get all of it; conn->reason says why. */
bool greet_client(struct preforkd_conn *conn);

#endif
