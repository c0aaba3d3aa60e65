/* SPDX-License-Identifier: MIT */
/* Any process. Text of any origin as a JSON string: jansson accepts valid UTF-8 only. */
#ifndef PREFORKD_BASE_JSON_TEXT_H
#define PREFORKD_BASE_JSON_TEXT_H

#include <jansson.h>

/* A new string: TEXT, escaped as in the log (base/escape.h), cut at 1 KiB. */
json_t *json_text(const char *text);

/* A new list with this string only. */
json_t *json_text_list(const char *text);

#endif
