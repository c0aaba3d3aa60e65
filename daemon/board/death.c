/* SPDX-License-Identifier: MIT */
#include "board/death.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/escape.h"
#include "base/parse.h"
#include "net/addr.h"

const char *death_kind_name(enum death_kind kind)
{
	static const char *const names[DEATH_KINDS] = {"worker", "program"};

	return (unsigned)kind < DEATH_KINDS ? names[kind] : "";
}

const char *death_phase_name(enum death_phase phase)
{
	static const char *const names[DEATH_PHASES] = {"starting", "idle",	 "waiting",
							"serving",  "finishing", "leaving"};

	return (unsigned)phase < DEATH_PHASES ? names[phase] : "";
}

bool death_has_client(const struct death *death)
{
	struct sockaddr_any peer;

	packed_address_get(death->peer, &peer);
	return peer.len != 0;
}

static int64_t time_us(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

void death_set_usage(struct death *death, const struct rusage *usage)
{
	if (usage == NULL)
		return;
	death->cpu_us = time_us(&usage->ru_utime) + time_us(&usage->ru_stime);
	death->max_rss = (int64_t)usage->ru_maxrss * 1024;
}

void death_explain(struct death *death)
{
	if (death->reason[0] == '\0' && WIFSIGNALED(death->status) && WTERMSIG(death->status) == SIGSYS)
		(void)snprintf(death->reason, sizeof(death->reason),
			       "a system call that a filter (sandbox.level, or its own) forbids");
}

bool death_is_status(int status)
{
	if (WIFEXITED(status))
		return (status & ~0xff00) == 0;
	return WIFSIGNALED(status) && (status & ~0xff) == 0;
}

/* "after 1.2s, 5 bytes in, 0 bytes out, via 10.0.0.1:4711" */
static void describe_connection(const struct death *death, char *out, size_t size)
{
	char age[32], text[ADDR_TEXT_MAX], bytes[64] = "";
	struct sockaddr_any via;

	format_elapsed(death->age_ms, age, sizeof(age));
	packed_address_get(death->via, &via);
	if (death->in != DEATH_UNCOUNTED)
		(void)snprintf(bytes, sizeof(bytes), ", %" PRIu64 " bytes in, %" PRIu64 " bytes out", death->in,
			       death->out);
	(void)snprintf(out, size, "after %s%s%s%s", age, bytes, via.len != 0 ? ", via " : "",
		       via.len != 0 ? addr_format(&via, text, sizeof(text)) : "");
}

const char *death_details(const struct death *death, char *out, size_t size)
{
	char connection[ADDR_TEXT_MAX + 128], age[32], cpu[32];

	format_elapsed(death->cpu_us / 1000, cpu, sizeof(cpu));
	format_elapsed(death->age_ms, age, sizeof(age));
	if (death_has_client(death))
		describe_connection(death, connection, sizeof(connection));
	else
		(void)snprintf(connection, sizeof(connection), "%s old", age);
	(void)snprintf(out, size, "; %s%s, %s; %s of CPU time, %" PRId64 "K of memory%s%s",
		       death_phase_name(death->phase), death->phase == DEATH_WAITING ? " for the first byte" : "",
		       connection, cpu, death->max_rss / 1024, death->reason[0] != '\0' ? "; " : "", death->reason);
	return out;
}

static const char *field_via(const struct death *death, char *out, size_t size)
{
	char text[ADDR_TEXT_MAX], safe[ADDR_TEXT_MAX];
	struct sockaddr_any via;

	packed_address_get(death->via, &via);
	out[0] = '\0';
	if (via.len == 0)
		return out;
	(void)addr_format(&via, text, sizeof(text));
	(void)escape_bytes(text, strlen(text), safe, sizeof(safe));
	(void)snprintf(out, size, "VIA=%s\n", safe);
	return out;
}

const char *death_fields(const struct death *death, char *out, size_t size)
{
	char via[ADDR_TEXT_MAX + 8], how[48], bytes[80] = "";
	const char *name;

	if (WIFSIGNALED(death->status)) {
		name = sigabbrev_np(WTERMSIG(death->status));
		(void)snprintf(how, sizeof(how), "EXIT_SIGNAL=SIG%.10s\nCORE_DUMPED=%d\n", name != NULL ? name : "?",
			       WCOREDUMP(death->status) ? 1 : 0);
	} else {
		(void)snprintf(how, sizeof(how), "EXIT_STATUS=%d\n", WEXITSTATUS(death->status));
	}
	if (death->in != DEATH_UNCOUNTED)
		(void)snprintf(bytes, sizeof(bytes), "BYTES_IN=%" PRIu64 "\nBYTES_OUT=%" PRIu64 "\n", death->in,
			       death->out);
	(void)snprintf(out, size,
		       "DEATH_KIND=%s\nDEATH_PID=%d\nDEATH_PHASE=%s\nAGE_MSEC=%" PRId64 "\n%sCPU_USEC=%" PRId64
		       "\nMAX_RSS=%" PRId64 "\n%s%s",
		       death_kind_name(death->kind), (int)death->pid, death_phase_name(death->phase), death->age_ms,
		       bytes, death->cpu_us, death->max_rss, how, field_via(death, via, sizeof(via)));
	return out;
}
