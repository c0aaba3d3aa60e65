/* SPDX-License-Identifier: MIT */
/* Any process. What an optional service lacks on this host, besides its sockets. */
#ifndef PREFORKD_CONFIG_OBSTACLE_H
#define PREFORKD_CONFIG_OBSTACLE_H

struct config_service;
struct err;

/* Resolves the names in `listen`, looks for the program, and looks the user up if that is pending. May block. 0:
 * nothing is in the way. -1 and *err. */
int obstacle_find(const struct config_service *service, struct err *err);

#endif
