/* SPDX-License-Identifier: MIT */
/* Any process. The names of targets, facilities and levels in a configuration. */
#include <stddef.h>
#include <string.h>

#include "base/log.h"

struct name {
	const char *text;
	int value;
};

static const struct name targets[] = {
	{"auto", LOG_TO_AUTO},
	{"syslog", LOG_TO_SYSLOG},
	{"journal", LOG_TO_JOURNAL},
	{"stderr", LOG_TO_STDERR},
	{NULL, -1},
};

static const struct name facilities[] = {
	{"daemon", LOG_DAEMON}, {"user", LOG_USER},	{"auth", LOG_AUTH},	{"authpriv", LOG_AUTHPRIV},
	{"cron", LOG_CRON},	{"ftp", LOG_FTP},	{"lpr", LOG_LPR},	{"mail", LOG_MAIL},
	{"news", LOG_NEWS},	{"uucp", LOG_UUCP},	{"syslog", LOG_SYSLOG}, {"local0", LOG_LOCAL0},
	{"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
	{"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}, {NULL, -1},
};

static const struct name levels[] = {
	{"emerg", LOG_EMERG},	{"alert", LOG_ALERT}, {"crit", LOG_CRIT},   {"err", LOG_ERR}, {"warning", LOG_WARNING},
	{"notice", LOG_NOTICE}, {"info", LOG_INFO},   {"debug", LOG_DEBUG}, {NULL, -1},
};

static int find_value(const struct name *names, const char *text)
{
	while (names->text != NULL && strcmp(names->text, text) != 0)
		names++;
	return names->value;
}

static const char *find_name(const struct name *names, int value)
{
	while (names->text != NULL && names->value != value)
		names++;
	return names->text;
}

int log_target_by_name(const char *name)
{
	return find_value(targets, name);
}

int log_facility_by_name(const char *name)
{
	return find_value(facilities, name);
}

int log_level_by_name(const char *name)
{
	return find_value(levels, name);
}

const char *log_target_name(int target)
{
	return find_name(targets, target);
}

const char *log_facility_name(int facility)
{
	return find_name(facilities, facility);
}

const char *log_level_name(int level)
{
	return find_name(levels, level);
}
