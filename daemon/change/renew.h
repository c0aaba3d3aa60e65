/* SPDX-License-Identifier: MIT */
/*
 * Master. A reload compares also what is there: an address of a service in force that clients cannot reach any more,
 * because the path of its unix socket was removed or its interface made anew, is bound anew, though the configuration
 * has not changed.
 */
#ifndef PREFORKD_CHANGE_RENEW_H
#define PREFORKD_CHANGE_RENEW_H

#include <jansson.h>
#include <stdbool.h>

struct fleet;

/* Appends to NOTES (strings) what was done, and what could not be. False: some address could not be bound anew; the
 * tick and the next reload look again. */
bool renew_listeners(struct fleet *fleet, json_t *notes);

#endif
