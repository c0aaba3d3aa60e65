/* SPDX-License-Identifier: MIT */
/* Any text to the parsers of numbers; what they take must survive being written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char written[64];
	struct rate rate, rate_again;
	int64_t value, again;
	struct err err;
	mode_t mode;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	(void)parse_integer(text, &value, &err);
	(void)parse_mode(text, &mode, &err);
	if (parse_duration(text, &value, &err) == 0) {
		format_duration(value, written, sizeof(written));
		if (value < 0 || parse_duration(written, &again, NULL) < 0 || again != value)
			abort();
	}
	if (parse_size(text, &value, &err) == 0) {
		format_size(value, written, sizeof(written));
		if (value < 0 || parse_size(written, &again, NULL) < 0 || again != value)
			abort();
	}
	if (parse_rate(text, &rate, &err) == 0) {
		format_rate(&rate, written, sizeof(written));
		if (rate.n < 0 || (rate.n > 0) != (rate.per_ms > 0) || parse_rate(written, &rate_again, NULL) < 0 ||
		    rate_again.n != rate.n || rate_again.per_ms != rate.per_ms)
			abort();
	}
	free(text);
	return 0;
}
