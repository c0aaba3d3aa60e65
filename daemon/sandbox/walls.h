/* SPDX-License-Identifier: MIT */
/*
 * Master. The walls of the sandbox that not every host can build: which of those that a service asks for its workers
 * could not have, and why. The master asks before it starts workers, so that a lack is told once and not by each
 * worker, and so that a service with `sandbox.required` is not opened without its walls.
 */
#ifndef PREFORKD_SANDBOX_WALLS_H
#define PREFORKD_SANDBOX_WALLS_H

struct config_service;
struct err;

/* The service cannot have the wall that KEY ("sandbox.level") asks for. TEXT says what is lacking, and what the
 * consequence is, as a part of a sentence that follows the key. */
typedef void walls_report(const char *key, const char *text, void *userdata);

/* Calls REPORT for each wall that SERVICE asks for, by its keys or their defaults, and that this process cannot give.
 * Does not wait for anything outside this process and its children. */
void walls_find_lacks(const struct config_service *service, walls_report *report, void *userdata);

/* Makes what the workers of SERVICE inherit for their walls; to be called before they start. If SERVICE has
 * sandbox.required: -1 and *err if a wall that it asks for is lacking; the text begins with the key,
 * and names those of other walls that are lacking, too.
 * Otherwise 0. */
int walls_demand(const struct config_service *service, struct err *err);

#endif
