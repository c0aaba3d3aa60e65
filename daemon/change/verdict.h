/* SPDX-License-Identifier: MIT */
/* Master. The verdict of the last reload, restart, resize or upgrade, for the log, `status` and STATUS=. */
#ifndef PREFORKD_CHANGE_VERDICT_H
#define PREFORKD_CHANGE_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct verdict {
	bool any; /* there has been a verdict since the daemon started */
	bool success;
	int64_t at_ms;	/* ms of the clock */
	char text[512]; /* of a failure: its first reason */
};

/* Writes TEXT and REASONS (strings; may be NULL) to the log, and keeps the verdict in *verdict. */
void verdict_log(struct verdict *verdict, bool success, const char *text, const json_t *reasons);

#endif
