/* SPDX-License-Identifier: MIT */
/*
 * Master. The optional services of a plan that do not serve yet. Nothing depends on them, so they are no reason to
 * reject it: each is opened when the plan is in force, or waits (fleet/waiting.h). One that serves is replaced like any
 * other service, because a reload must not end what serves.
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
void plan_optional_warn(const struct plan *plan, json_t *warnings);

#endif
