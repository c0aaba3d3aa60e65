/* SPDX-License-Identifier: MIT */
/*
 * Master. The optional services of a plan that do not serve yet, or whose new form cannot be had. They are no reason to
 * reject it: each is opened when the plan is in force, or waits (fleet/waiting.h). What served before a service began
 * to wait serves on as a superseded pool, which leaves when the service is there again (fleet/reopen.h).
 */
#ifndef PREFORKD_CHANGE_PLAN_OPTIONAL_H
#define PREFORKD_CHANGE_PLAN_OPTIONAL_H

#include <jansson.h>
#include <stdbool.h>

struct fleet;
struct plan;

/* A service that waits is not in the plan any more. */
bool plan_optional_is_removed(const struct plan *plan, const struct fleet *fleet);

/* The generation of PLAN is in force: opens the services, and forgets removed ones. */
void plan_optional_commit(const struct plan *plan, struct fleet *fleet);

/* Each of them serves, or has failed. */
bool plan_optional_has_settled(const struct plan *plan);

/* Nothing has changed: tries those that wait at once, because the person who asks may have mended something else. */
void plan_optional_retry(const struct plan *plan);

/* Adds a warning for each service that waits, except those whose obstacle the check of the configuration has told. */
void plan_optional_warn(const struct plan *plan, const struct fleet *fleet, json_t *warnings);

#endif
