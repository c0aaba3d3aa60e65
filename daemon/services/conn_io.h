/* SPDX-License-Identifier: MIT */
/* Worker. Reading and writing under the limits: preforkd_read() and preforkd_write(), and the bytes read ahead. */
#ifndef PREFORKD_SERVICES_CONN_IO_H
#define PREFORKD_SERVICES_CONN_IO_H

#include <stddef.h>
#include <sys/types.h>

struct preforkd_conn;

/* Reads ahead, which blocks; only while nothing is ahead. Returns as preforkd_read() does. */
ssize_t conn_io_read_ahead(struct preforkd_conn *conn);

/* The bytes that were read ahead and not taken yet: conn->ahead_len of them, valid until the next call for any
 * connection. */
const char *conn_io_ahead(const struct preforkd_conn *conn);

/* Moves the next SIZE bytes of them, or all if there are fewer, into OUT (NULL: nowhere). Returns how many. */
size_t conn_io_take_ahead(struct preforkd_conn *conn, void *out, size_t size);

#endif
