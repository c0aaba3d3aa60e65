/* SPDX-License-Identifier: MIT */
/* Text of any origin as a JSON string: jansson takes nothing but valid UTF-8. */
#ifndef PREFORKD_BASE_JSON_TEXT_H
#define PREFORKD_BASE_JSON_TEXT_H

#include <jansson.h>

/* TEXT, escaped as in the log (base/escape.h), cut at 1 KiB. */
json_t *json_text(const char *text);

/* A new list of this one string. */
json_t *json_text_list(const char *text);

#endif
