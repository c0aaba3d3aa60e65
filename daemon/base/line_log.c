/* SPDX-License-Identifier: MIT */
#include "base/line_log.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static void report_dropped(struct line_log *log)
{
	char text[128];

	if (log->dropped == 0)
		return;
	(void)snprintf(text, sizeof(text), "%lu more lines of %s are not shown (program.log_rate = %u)", log->dropped,
		       log->source, log->per_second);
	log->dropped = 0;
	log->write(log->userdata, LOG_WARNING, text);
}

static bool may_write(struct line_log *log)
{
	int64_t now = clock_coarse_ms() / 1000;

	if (now != log->second) {
		report_dropped(log);
		log->second = now;
		log->lines = 0;
	}
	if (log->per_second == 0 || log->lines < log->per_second) {
		log->lines++;
		return true;
	}
	log->dropped++;
	return false;
}

/* Takes the priority off the front of *line. */
static int take_priority(const char **line)
{
	const char *p = *line;

	if (p[0] != '<' || p[1] < '0' || p[1] > '7' || p[2] != '>')
		return LOG_NOTICE | LOG_ALWAYS;
	*line += 3;
	return p[1] == '0' ? LOG_ALERT : p[1] - '0';
}

static void write_line(struct line_log *log)
{
	const char *line = log->line;
	int priority = take_priority(&line);

	if (log->last != NULL)
		last_lines_add(log->last, line);
	if (*line != '\0' && may_write(log))
		log->write(log->userdata, priority, line);
}

void line_log_end_line(struct line_log *log)
{
	memcpy(log->line + log->used, log->too_long ? "..." : "", log->too_long ? sizeof("...") : 1);
	write_line(log);
	log->used = 0;
	log->too_long = false;
}

static void add_byte(struct line_log *log, char c)
{
	if (c == '\n')
		line_log_end_line(log);
	else if (log->used == LINE_LOG_LINE)
		log->too_long = true;
	else
		log->line[log->used++] = c == '\0' ? ' ' : c; /* a NUL would end the text */
}

void line_log_add(struct line_log *log, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		add_byte(log, bytes[i]);
}

void line_log_finish(struct line_log *log)
{
	line_log_end_line(log);
	report_dropped(log);
}
