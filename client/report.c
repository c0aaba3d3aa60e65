/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "load_plan.h"
#include "load_stats.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *label, *key;
	double percent;
} percentiles[] = {
	{"p50", "p50", 50},
	{"p90", "p90", 90},
	{"p99", "p99", 99},
	{"p99.9", "p999", 99.9},
};

static double per_second(uint64_t n, uint64_t ns)
{
	return ns == 0 ? 0 : (double)n * 1e9 / (double)ns;
}

static double to_ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void format_bytes(char *out, size_t size, size_t bytes)
{
	/* format_size() writes "unlimited" for 0, which is right for limits only. */
	if (bytes == 0)
		(void)snprintf(out, size, "0");
	else
		format_size((int64_t)bytes, out, size);
}

static void print_work(const struct load_plan *plan, FILE *out)
{
	char size[32];

	format_bytes(size, sizeof(size), plan->request_size);
	(void)fprintf(out, "%s: %u client%s, %s bytes, reply ", plan->addr.text, plan->clients,
		      plan->clients == 1 ? "" : "s", size);
	switch (plan->reply) {
	case LOAD_REPLY_ECHO:
		(void)fputs("echo", out);
		break;
	case LOAD_REPLY_EOF:
		(void)fputs("eof", out);
		break;
	case LOAD_REPLY_BYTES:
		(void)fprintf(out, "%zu bytes", plan->reply_size);
		break;
	}
	if (plan->rate > 0)
		(void)fprintf(out, ", %g/s", plan->rate);
	if (plan->threads > 1)
		(void)fprintf(out, ", %u threads", plan->threads);
	(void)fprintf(out, "%s%s\n", plan->keep ? ", kept" : "", plan->hold ? ", held" : "");
}

static void print_latency(const struct histogram *latency, FILE *out)
{
	size_t i;

	if (latency->count == 0)
		return;
	(void)fprintf(out, "latency ms   min %.3f  mean %.3f", to_ms(latency->min), histogram_mean(latency) / 1e6);
	for (i = 0; i < ARRAY_SIZE(percentiles); i++)
		(void)fprintf(out, "  %s %.3f", percentiles[i].label,
			      to_ms(histogram_percentile(latency, percentiles[i].percent)));
	(void)fprintf(out, "  max %.3f\n", to_ms(latency->max));
}

void report_text(const struct load_plan *plan, const struct load_stats *stats, FILE *out)
{
	uint64_t ok = stats->outcomes[LOAD_OK];
	uint64_t cpu = stats->cpu_user_ns + stats->cpu_system_ns;
	int i;

	print_work(plan, out);
	(void)fprintf(out, "exchanges    %" PRIu64 " ok, %" PRIu64 " lost in %.3f s: %.1f/s\n", ok,
		      load_stats_lost(stats), to_ms(stats->elapsed_ns) / 1000, per_second(ok, stats->elapsed_ns));
	for (i = 0; i < LOAD_OUTCOMES; i++) {
		if (i == LOAD_OK || stats->outcomes[i] == 0)
			continue;
		(void)fprintf(out, "  %-10s %" PRIu64, load_outcome_name((enum load_outcome)i), stats->outcomes[i]);
		if (stats->first_error[i] != 0)
			(void)fprintf(out, "  (%s)", strerror(stats->first_error[i]));
		(void)fputc('\n', out);
	}
	print_latency(&stats->latency, out);
	if (plan->hold)
		(void)fprintf(out, "last answer  %.3f ms after the first connect\n", to_ms(stats->last_answer_ns));
	(void)fprintf(out, "bytes        %" PRIu64 " out, %" PRIu64 " in, %" PRIu64 " connections\n", stats->bytes_out,
		      stats->bytes_in, stats->connections);
	(void)fprintf(out, "client's cpu %.3f s (user %.3f, system %.3f)", to_ms(cpu) / 1000,
		      to_ms(stats->cpu_user_ns) / 1000, to_ms(stats->cpu_system_ns) / 1000);
	if (ok > 0)
		(void)fprintf(out, ", %.1f us an exchange", (double)cpu / 1000 / (double)ok);
	(void)fputc('\n', out);
}

/* A path may hold any bytes, so that they are escaped. */
static void print_json_string(const char *text, FILE *out)
{
	const unsigned char *p;

	(void)fputc('"', out);
	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			(void)fprintf(out, "\\u%04x", *p);
		else
			(void)fputc(*p, out);
	}
	(void)fputc('"', out);
}

static void print_json_latency(const struct histogram *latency, FILE *out)
{
	size_t i;

	/* Without an answer there is no latency; 0 would be wrong. */
	if (latency->count == 0) {
		(void)fputs(",\"latency_ms\":null", out);
		return;
	}
	(void)fprintf(out, ",\"latency_ms\":{\"min\":%.6f,\"mean\":%.6f", to_ms(latency->min),
		      histogram_mean(latency) / 1e6);
	for (i = 0; i < ARRAY_SIZE(percentiles); i++)
		(void)fprintf(out, ",\"%s\":%.6f", percentiles[i].key,
			      to_ms(histogram_percentile(latency, percentiles[i].percent)));
	(void)fprintf(out, ",\"max\":%.6f}", to_ms(latency->max));
}

void report_json(const struct load_plan *plan, const struct load_stats *stats, FILE *out)
{
	int i;

	(void)fputs("{\"address\":", out);
	print_json_string(plan->addr.text, out);
	(void)fprintf(out, ",\"clients\":%u,\"threads\":%u,\"size\":%zu", plan->clients, plan->threads,
		      plan->request_size);
	if (plan->rate > 0)
		(void)fprintf(out, ",\"rate_asked\":%.3f", plan->rate);
	(void)fprintf(out, ",\"seconds\":%.6f", to_ms(stats->elapsed_ns) / 1000);
	(void)fprintf(out, ",\"rate\":%.3f,\"lost\":%" PRIu64 ",\"outcomes\":{",
		      per_second(stats->outcomes[LOAD_OK], stats->elapsed_ns), load_stats_lost(stats));
	for (i = 0; i < LOAD_OUTCOMES; i++)
		(void)fprintf(out, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", load_outcome_name((enum load_outcome)i),
			      stats->outcomes[i]);
	(void)fputc('}', out);
	print_json_latency(&stats->latency, out);
	(void)fprintf(out, ",\"last_answer_ms\":%.6f,\"connections\":%" PRIu64, to_ms(stats->last_answer_ns),
		      stats->connections);
	(void)fprintf(out, ",\"bytes\":{\"out\":%" PRIu64 ",\"in\":%" PRIu64 "}", stats->bytes_out, stats->bytes_in);
	(void)fprintf(out, ",\"cpu_seconds\":{\"user\":%.6f,\"system\":%.6f}}\n", to_ms(stats->cpu_user_ns) / 1000,
		      to_ms(stats->cpu_system_ns) / 1000);
}
