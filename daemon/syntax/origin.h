/* SPDX-License-Identifier: MIT */
/* Any process. The place that a value was written at, for messages. */
#ifndef PREFORKD_SYNTAX_ORIGIN_H
#define PREFORKD_SYNTAX_ORIGIN_H

/*
 * FILE and LINE of a file; LINE 0 means the file as a whole. FILE NULL: the value is a default (LINE 0) or comes from
 * -o (LINE -1). The text of FILE lives as long as the configuration.
 */
struct origin {
	const char *file;
	int line;
};

#endif
