/* SPDX-License-Identifier: MIT */
#include "base/json_text.h"

#include <string.h>

#include "base/escape.h"

json_t *json_text(const char *text)
{
	char safe[1024];

	(void)escape_bytes(text, strlen(text), safe, sizeof(safe));
	return json_string(safe);
}

json_t *json_text_list(const char *text)
{
	json_t *list = json_array();

	(void)json_array_append_new(list, json_text(text));
	return list;
}
