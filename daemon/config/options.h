/* SPDX-License-Identifier: MIT */
/* The options of a module: rows that it brings along, values for them, and the struct that it reads them from. */
#ifndef PREFORKD_CONFIG_OPTIONS_H
#define PREFORKD_CONFIG_OPTIONS_H

#include "config/row.h"
#include "config/value_source.h"
#include "config/values.h"

struct checker;
struct preforkd_module;
struct preforkd_option;

struct option_value {
	struct row row; /* its offset is into this very struct */
	struct value_source source;
	union {
		int64_t number;
		bool flag;
		char *text;
		struct text_list list;
	};
};

/* The row for OPTION; the texts stay the module's. */
struct row options_row(const struct preforkd_option *option);

/* Bytes of the member that an option of TYPE (enum preforkd_type) is put into; 0: there is no such type. */
size_t options_width(int type);

/* What was written in `options` as values of the rows of MODULE, into values->options, and from there into the
 * struct that the service gets. */
void options_take(const struct checker *checker, struct service_values *values, const struct preforkd_module *module);

#endif
