/* SPDX-License-Identifier: MIT */
/* Any process. Where each value came from. */
#ifndef PREFORKD_CONFIG_VALUE_SOURCE_H
#define PREFORKD_CONFIG_VALUE_SOURCE_H

#include <stdbool.h>

#include "syntax/origin.h"

struct main_values;
struct service_values;

/* The places that a value can come from; a higher one wins. */
enum value_level { LEVEL_PRESET, LEVEL_DEFAULTS, LEVEL_SERVICE };

/* The facts about one value besides the value. */
struct value_source {
	enum value_level level;
	struct origin origin; /* of a preset: none */
	const char *key;      /* as written, "defaults.workers.max"; never NULL */
	bool bad;	      /* a wrong value was written, and reported: the value in force is another one */
};

/* Where the value of the row PATH came from. There must be such a row. */
const struct value_source *value_source(const struct service_values *values, const char *path);
const struct value_source *value_source_main(const struct main_values *values, const char *path);

#endif
