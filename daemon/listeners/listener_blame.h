/* SPDX-License-Identifier: MIT */
/* Master. Says of an address that could not be opened where it is written, and which process has it. */
#ifndef PREFORKD_LISTENERS_LISTENER_BLAME_H
#define PREFORKD_LISTENERS_LISTENER_BLAME_H

#include <stddef.h>

struct config_service;
struct err;
struct listener_key;
struct socket_options;

/* *err is of EADDRINUSE: appends " by nginx (pid 12)", as far as this process may see that. It looks through the
 * descriptors of the host's processes, for 50 ms at most. */
void listener_blame_holder(const struct listener_key *key, const struct socket_options *options, struct err *err);

/* Puts "listen (FILE:LINE): " in front, of address number INDEX of SERVICE. */
void listener_blame_place(const struct config_service *service, size_t index, struct err *err);

#endif
