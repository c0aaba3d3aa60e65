/* SPDX-License-Identifier: MIT */
#include "config/access_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "config/checker.h"
#include "config/value_source.h"
#include "config/values.h"

static void check_reserve(const struct checker *checker, const struct service_values *values)
{
	const struct value_source *list = value_source(values, "access.reserve_for");
	const struct value_source *reserve = value_source(values, "access.reserve");
	const struct config_access *access = &values->service.access;
	int64_t max = values->service.workers.max;

	if (reserve->bad || list->bad)
		return;
	if (access->reserve >= max && !value_source(values, "workers.max")->bad)
		checker_error(checker, values, checker_nearer(values, "access.reserve", "workers.max"),
			      "access.reserve is %" PRId64 ", and workers.max %" PRId64
			      ": that leaves no worker for all others; lower reserve or raise max",
			      access->reserve, max);
	else if (access->reserve > 0 && access->reserve_for == NULL)
		checker_warning(checker, values, reserve,
				"%" PRId64 " workers are reserved, but for no client: access.reserve_for is empty",
				access->reserve);
	else if (access->reserve == 0 && access->reserve_for != NULL && list->level == LEVEL_SERVICE)
		/* A list in defaults is meant for services that reserve workers. */
		checker_warning(checker, values, list, "changes nothing: access.reserve is 0");
}

/* Clients outside of reserve_for are refused before all workers are busy, so none is ever evicted for them. */
static void check_evict(const struct checker *checker, const struct service_values *values)
{
	const struct config_access *access = &values->service.access;

	if (access->reserve > 0 && access->reserve_for != NULL && values->service.workers.on_full == ON_FULL_EVICT)
		checker_warning(
			checker, values, checker_nearer(values, "workers.on_full", "access.reserve"),
			"with access.reserve, workers.on_full = \"evict\" makes room for access.reserve_for only: all "
			"others are refused (reserved) before any client is evicted");
}

static void check_refusal(const struct checker *checker, const struct service_values *values)
{
	const struct config_access *access = &values->service.access;

	if (access->banner != NULL && access->refusal == REFUSAL_RESET)
		checker_warning(checker, values, checker_nearer(values, "access.banner", "access.refusal"),
				"with access.refusal = \"reset\" the client may never see access.banner: the reset can "
				"overtake it");
}

static bool has_datagrams(const struct service_values *values)
{
	for (size_t i = 0; i < values->service.n_listen; i++)
		if (values->service.listen[i].datagram)
			return true;
	return false;
}

/* The text that a client is sent that is let in. */
static void check_banner(const struct checker *checker, const struct service_values *values)
{
	const struct value_source *source = value_source(values, "banner");
	const char *banner = values->service.banner;

	if (banner == NULL)
		return;
	if (strlen(banner) > CONFIG_BANNER_MOST)
		checker_error(checker, values, source, "has %zu bytes; %d are the most", strlen(banner),
			      CONFIG_BANNER_MOST);
	else if (banner[0] == '/' && strpbrk(banner, " \r\n") == NULL)
		checker_warning(checker, values, source,
				"\"%.64s\" is sent to clients as it stands: this key is a text, and not a file's name",
				banner);
	if (has_datagrams(values) && source->level == LEVEL_SERVICE)
		checker_warning(checker, values, source, "has no effect for datagrams, which are not answered with it");
}

static void check_proxy(const struct checker *checker, const struct service_values *values)
{
	const struct value_source *without = value_source(values, "proxy_protocol.without");
	const struct value_source *from = value_source(values, "proxy_protocol.from");

	if (has_datagrams(values) && values->service.proxy_protocol.from != NULL)
		checker_error(checker, values, checker_nearer(values, "proxy_protocol.from", "listen"),
			      "datagrams have no PROXY header, so all would be refused: make it two services");
	if (values->service.proxy_protocol.without != NULL && values->service.proxy_protocol.from == NULL &&
	    without->level == LEVEL_SERVICE && !from->bad)
		checker_warning(checker, values, without,
				"changes nothing: proxy_protocol.from is empty, so no client needs a header");
}

static void check_first_byte(const struct checker *checker, const struct service_values *values)
{
	const struct value_source *source = value_source(values, "timeouts.first_byte_busy");
	const struct config_timeouts *t = &values->service.timeouts;
	char busy[32], usual[32];

	if (source->level == LEVEL_PRESET || value_source(values, "timeouts.first_byte")->bad || t->first_byte == 0 ||
	    t->first_byte_busy <= t->first_byte)
		return;
	format_duration(t->first_byte_busy, busy, sizeof(busy));
	format_duration(t->first_byte, usual, sizeof(usual));
	checker_warning(checker, values, checker_nearer(values, "timeouts.first_byte_busy", "timeouts.first_byte"),
			"timeouts.first_byte_busy is %s, more than timeouts.first_byte, %s: it is meant to be shorter",
			busy, usual);
}

void access_check(const struct checker *checker, const struct service_values *values)
{
	check_reserve(checker, values);
	check_evict(checker, values);
	check_refusal(checker, values);
	check_banner(checker, values);
	check_proxy(checker, values);
	check_first_byte(checker, values);
}
