/* SPDX-License-Identifier: MIT */
#include "board/refusal.h"

static const char *const names[REFUSALS] = {
	[REFUSED_NOT] = "",
	[REFUSED_DENIED] = "denied",
	[REFUSED_NOT_ALLOWED] = "not_allowed",
	[REFUSED_PENALTY] = "penalty",
	[REFUSED_PER_SOURCE] = "per_source",
	[REFUSED_PER_SOURCE_RATE] = "per_source_rate",
	[REFUSED_RATE] = "rate",
	[REFUSED_RESERVED] = "reserved",
	[REFUSED_FULL] = "full",
	[REFUSED_QUEUED_SILENT] = "queued_silent",
	[REFUSED_EVICTED] = "evicted",
	[REFUSED_PROXY_MISSING] = "proxy_missing",
	[REFUSED_PROXY_MALFORMED] = "proxy_malformed",
	[REFUSED_PROXY_TIMEOUT] = "proxy_timeout",
	[REFUSED_PROXY_UNTRUSTED] = "proxy_untrusted",
	[REFUSED_ANSWER_PORT] = "answer_port",
	[REFUSED_ANSWER_SIZE] = "answer_size",
	[REFUSED_TIME] = "time",
	[REFUSED_LOAD] = "load",
};

const char *refusal_name(enum refusal refusal)
{
	return (unsigned)refusal < REFUSALS ? names[refusal] : "";
}
