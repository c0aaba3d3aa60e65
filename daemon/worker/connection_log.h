/* SPDX-License-Identifier: MIT */
/* Worker. The lines of the log about a connection that has ended. */
#ifndef PREFORKD_WORKER_CONNECTION_LOG_H
#define PREFORKD_WORKER_CONNECTION_LOG_H

#include <stdbool.h>

#include "config/config.h"

struct preforkd_conn;

/* CONN has ended; FAILED: badly. SILENT: without a byte in either direction. WHICH connections are logged: see
 * log.connections. */
void connection_log(struct preforkd_conn *conn, bool failed, bool silent, enum config_log_connections which);

#endif
