/* SPDX-License-Identifier: MIT */
/* Any process. The options of a module: their rows, their values, and the struct that the module reads them from. */
#ifndef PREFORKD_CONFIG_OPTIONS_H
#define PREFORKD_CONFIG_OPTIONS_H

#include "config/row.h"
#include "config/value_source.h"
#include "config/values.h"

struct arena;
struct checker;
struct preforkd_module;
struct preforkd_option;

struct option_value {
	struct row row; /* its offset is into this struct */
	struct value_source source;
	union {
		int64_t number;
		bool flag;
		char *text;
		struct text_list list;
	};
};

/* The row for OPTION, with texts in ARENA: the module may be unloaded before the configuration is freed. */
struct row options_row(const struct preforkd_option *option, struct arena *arena);

/* The size of the member that an option of TYPE (enum preforkd_type) is stored in; 0: there is no such type. */
size_t options_width(int type);

/* Stores the raw values of `options` as values of the options of MODULE in values->options, and from there in the
 * struct that the module gets. Reports unknown options and wrong values. */
void options_take(const struct checker *checker, struct service_values *values, const struct preforkd_module *module);

#endif
