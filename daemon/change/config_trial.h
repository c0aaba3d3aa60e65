/* SPDX-License-Identifier: MIT */
/* Master, and a child of it. The child reads the configuration, because the parser may crash or need more memory than
 * there is, and name servers may not answer. The master gets the result as the child has it, and reads nothing. */
#ifndef PREFORKD_CHANGE_CONFIG_TRIAL_H
#define PREFORKD_CHANGE_CONFIG_TRIAL_H

#include <jansson.h>

#include "base/region.h"
#include "base/trial.h"

struct config;
struct config_source;
struct err;

struct config_trial {
	struct trial trial;
	struct region region;
	const struct config_source *source;
};

/* As trial_start(). SOURCE must live until DONE is called. */
int config_trial_start(struct config_trial *t, sd_event *event, const struct config_source *source,
		       void (*done)(struct trial *trial, void *userdata), void *userdata, struct err *err);

/* The child has ended. Returns the configuration, with its modules loaded and begun; NULL: it cannot be used.
 * *reasons_out, a new list of strings, gets the errors, or how the child has ended; on success the warnings. */
struct config *config_trial_take(struct config_trial *t, json_t **reasons_out);

/* As trial_clear(). */
void config_trial_clear(struct config_trial *t);

/* All this in one call, which blocks until the child has ended. For a master that does not serve yet. */
struct config *config_trial_now(const struct config_source *source, json_t **reasons_out);

#endif
