/* SPDX-License-Identifier: MIT */
/*
 * Master. Workers of a plan that is in force. There is no way back for them, because the rules of access of the new
 * configuration are in force; but the verdict must say what fails.
 */
#ifndef PREFORKD_CHANGE_WORKER_WATCH_H
#define PREFORKD_CHANGE_WORKER_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct plan;

/* How long (ms) new workers may take to be ready, before the verdict says that they are not: the longest timeouts.start
 * of the services that get new ones, at most a minute. */
int64_t worker_watch_patience(const struct plan *plan);

/* All workers of the fresh pools are ready. If not, and FAILURES is not NULL, strings that name the services are
 * appended. */
bool worker_watch_ready(const struct plan *plan, json_t *failures);

/* How long (ms) the workers are watched: the longest timeouts.prove of services whose workers were replaced; 0: none
 * is. */
int64_t worker_watch_time(const struct plan *plan);

/* The watch that has lasted since SINCE_MS is over, or not yet: strings that name services whose new workers have
 * crashed, where those of before had not in the same time, are appended to FAILURES. */
void worker_watch_judge(const struct plan *plan, int64_t since_ms, json_t *failures);

#endif
