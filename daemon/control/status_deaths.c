/* SPDX-License-Identifier: MIT */
#include "control/status_deaths.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "board/deaths.h"
#include "net/addr.h"

/* null: there is none. */
static json_t *address_json(const uint64_t *words)
{
	char text[ADDR_TEXT_MAX];
	struct sockaddr_any addr;

	packed_address_get(words, &addr);
	if (addr.len == 0)
		return json_null();
	return json_text(addr_format(&addr, text, sizeof(text)));
}

static json_t *signal_json(int status)
{
	const char *name;
	char text[32];

	if (!WIFSIGNALED(status))
		return json_null();
	name = sigabbrev_np(WTERMSIG(status));
	if (name != NULL)
		(void)snprintf(text, sizeof(text), "SIG%s", name);
	else
		(void)snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	return json_text(text);
}

/* When it was, in seconds since 1970. Counted back from now, so that it is right if the time of day was set since. */
static double time_of(const struct death *death)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)(clock_ms() - death->at_ms) / 1000;
}

static json_t *bytes_json(uint64_t n)
{
	return n == DEATH_UNCOUNTED ? json_null() : json_integer((json_int_t)n);
}

static json_t *death_json(const struct death *death)
{
	int status = death->status;

	return json_pack("{s:f, s:i, s:s, s:o, s:o, s:f, s:{s:o, s:o}, s:s, s:o, s:o, s:b, s:f, s:I, s:o}", "time",
			 time_of(death), "pid", (int)death->pid, "kind", death_kind_name(death->kind), "peer",
			 address_json(death->peer), "via", address_json(death->via), "age",
			 (double)death->age_ms / 1000, "bytes", "in", bytes_json(death->in), "out",
			 bytes_json(death->out), "phase", death_phase_name(death->phase), "signal", signal_json(status),
			 "status", WIFEXITED(status) ? json_integer(WEXITSTATUS(status)) : json_null(), "core",
			 WIFSIGNALED(status) && WCOREDUMP(status), "cpu", (double)death->cpu_us / 1e6, "max_rss",
			 (json_int_t)death->max_rss, "reason",
			 death->reason[0] != '\0' ? json_text(death->reason) : json_null());
}

json_t *status_deaths_json(const struct deaths *deaths)
{
	json_t *list = json_array();
	const struct death *death;

	for (unsigned i = 0; (death = deaths_get(deaths, i)) != NULL; i++)
		(void)json_array_append_new(list, death_json(death));
	return list;
}
