/* SPDX-License-Identifier: MIT */
#include "change/verdict.h"

#include <stdio.h>
#include <syslog.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/message_ids.h"

void verdict_log(struct verdict *verdict, bool success, const char *text, const json_t *reasons)
{
	const struct log_about about = {.message_id = success ? MESSAGE_ID_RELOADED : MESSAGE_ID_REJECTED};
	const char *first = json_string_value(json_array_get(reasons, 0));
	const json_t *reason;
	size_t i;

	*verdict = (struct verdict){.any = true, .success = success, .at_ms = clock_ms()};
	(void)snprintf(verdict->text, sizeof(verdict->text), "%s", !success && first != NULL ? first : text);
	json_array_foreach (reasons, i, reason)
		log_msg(success ? LOG_WARNING : LOG_ERR, "%s", json_string_value(reason));
	log_about(success ? LOG_NOTICE : LOG_ERR, &about, "%s", text);
}
