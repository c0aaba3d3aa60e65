/* SPDX-License-Identifier: MIT */
#include "explain.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "call.h"
#include "explain_request.h"
#include "options.h"
#include "say.h"
#include "table.h"
#include "terminal.h"
#include "values.h"

#define TEXT_MAX 512

/* The begin of a line below a service; takes the title of the line. */
#define LABEL "  %-12s "

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* Is the member KEY of OBJECT the string WORD? */
static bool is_word(const json_t *object, const char *key, const char *word)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

/* True: all workers are busy, and no more may be started. */
static bool is_full(const json_t *workers)
{
	int64_t idle, busy, max;

	return values_integer(workers, "idle", &idle) && values_integer(workers, "busy", &busy) &&
	       values_integer(workers, "max", &max) && idle == 0 && busy > 0 && busy >= max;
}

/* Writes the reason why a client that is let in has to wait for a worker. */
static void write_wait(const json_t *service, FILE *out)
{
	char number[VALUES_NUMBER_MAX];
	int64_t queued;

	if (is_word(service, "state", "paused"))
		(void)fprintf(out, LABEL "clients wait in the queue until it is resumed\n", "but");
	else if (is_word(service, "state", "draining") || is_word(service, "state", "drained"))
		(void)fprintf(out, LABEL "it takes no new clients until \"preforkctl undrain\"\n", "but");
	else if (is_full(json_object_get(service, "workers")))
		(void)fprintf(out, LABEL "all workers are busy: clients wait in the queue, %s now\n", "but",
			      values_integer(service, "queued", &queued) ? values_count_of(queued, number) : "some");
}

static void write_verdict(const json_t *service, const char *address, const struct table_paper *paper, FILE *out)
{
	bool admitted = is_true(service, "admitted");
	char text[TEXT_MAX], reason[TEXT_MAX], number[VALUES_NUMBER_MAX];
	double wait;

	(void)fprintf(out, "%s: ", values_text(service, "name", text, sizeof(text)));
	if (admitted)
		(void)snprintf(text, sizeof(text), "lets %.128s in", address);
	else
		(void)snprintf(text, sizeof(text), "refuses %.128s: %s", address,
			       values_text(service, "reason", reason, sizeof(reason)));
	table_put(paper, admitted ? TABLE_GOOD : TABLE_BAD, text, out);
	if (values_real(service, "wait", &wait) && wait > 0)
		(void)fprintf(out, ", for another %s", wait < 1 ? "second" : values_age_words(service, "wait", number));
	(void)fputc('\n', out);
	if (!is_word(service, "state", "serving"))
		(void)fprintf(out, LABEL "it is %s\n", "state", values_text(service, "state", text, sizeof(text)));
	if (admitted)
		write_wait(service, out);
}

static void write_rule(const json_t *service, FILE *out)
{
	const json_t *rule = json_object_get(service, "rule");
	char text[TEXT_MAX], file[TEXT_MAX], number[VALUES_NUMBER_MAX];

	if (!json_is_object(rule)) {
		if (is_true(service, "only_allowed"))
			(void)fprintf(out, LABEL "none; only access.allow may connect\n", "rule");
		return;
	}
	(void)fprintf(out, LABEL "%s %s", "rule", is_true(rule, "allow") ? "allow" : "deny",
		      values_text(rule, "text", text, sizeof(text)));
	if (json_is_string(json_object_get(rule, "file")))
		(void)fprintf(out, " (%s:%s)", values_text(rule, "file", file, sizeof(file)),
			      values_number(rule, "line", number));
	(void)fputc('\n', out);
}

static void write_state(const json_t *service, FILE *out)
{
	const json_t *times = json_object_get(service, "times"), *load = json_object_get(service, "load");
	char number[VALUES_NUMBER_MAX];
	double now, limit;

	if (json_is_object(times)) {
		(void)fprintf(out, LABEL "%s", "times", is_true(times, "open") ? "open" : "closed");
		if (json_is_number(json_object_get(times, "change")))
			(void)fprintf(out, ", for another %s", values_age_words(times, "change", number));
		(void)fputc('\n', out);
	}
	if (json_is_object(load) && values_real(load, "limit", &limit)) {
		if (values_real(load, "now", &now))
			(void)fprintf(out, LABEL "%.2f, clients are refused from %.2f on\n", "load", now, limit);
		else
			(void)fprintf(out, LABEL "not known, so no client is refused because of it\n", "load");
	}
}

static void write_counts(const json_t *service, FILE *out)
{
	const json_t *n = json_object_get(service, "connections"), *workers = json_object_get(service, "workers");
	char text[TEXT_MAX], number[VALUES_NUMBER_MAX];
	int64_t limit;

	(void)fprintf(out, LABEL "%s", "source", values_text(service, "source", text, sizeof(text)));
	if (values_integer(n, "limit", &limit) && limit > 0)
		(void)fprintf(out, ", %s of %" PRId64 " connections", values_count(n, "source", number), limit);
	else if (json_is_integer(json_object_get(n, "source")))
		(void)fprintf(out, ", connections: %s", values_count(n, "source", number));
	if (is_true(service, "exempt"))
		(void)fputs(", exempt from limits", out);
	if (is_true(service, "probe"))
		(void)fputs(", a probe", out);
	(void)fprintf(out, "\n" LABEL "%s busy", "workers", values_count(workers, "busy", number));
	(void)fprintf(out, ", %s idle", values_count(workers, "idle", number));
	(void)fprintf(out, ", %s at most", values_count(workers, "max", number));
	if (values_integer(workers, "reserve", &limit) && limit > 0)
		(void)fprintf(out, ", %" PRId64 " reserved%s", limit,
			      is_true(service, "reserve_for") ? ", for this client too" : "");
	(void)fputc('\n', out);
}

static void write_rate(const json_t *rates, const char *key, FILE *out)
{
	const json_t *rate = json_object_get(rates, key);
	char text[TEXT_MAX];
	double wait;

	if (!json_is_object(rate))
		return;
	(void)fprintf(out, LABEL "%s of the %s: ", "rate", values_text(rate, "limit", text, sizeof(text)), key);
	if (values_real(rate, "wait", &wait) && wait > 0)
		(void)fprintf(out, "room in %.3f s\n", wait);
	else
		(void)fputs("there is room\n", out);
}

static void write_faults(const json_t *service, const char *key, FILE *out)
{
	const json_t *fault = json_object_get(json_object_get(service, "faults"), key);
	char number[VALUES_NUMBER_MAX];

	if (!json_is_object(fault))
		return;
	(void)fprintf(out, LABEL "%s", key, values_count(fault, "count", number));
	(void)fprintf(out, " of %s", values_count(fault, "limit", number));
	(void)fprintf(out, " within %s bring a penalty\n", values_age_words(fault, "within", number));
}

static void write_penalty(const json_t *service, FILE *out)
{
	const json_t *penalty = json_object_get(service, "penalty");
	char text[TEXT_MAX], number[VALUES_NUMBER_MAX];

	if (json_is_object(penalty))
		(void)fprintf(out, LABEL "for %s, another %s\n", "penalty",
			      values_text(penalty, "reason", text, sizeof(text)),
			      values_age_words(penalty, "remaining", number));
	write_faults(service, "crashes", out);
	write_faults(service, "refusals", out);
}

static void write_proxy(const json_t *service, FILE *out)
{
	if (is_word(service, "proxy_protocol", "required"))
		(void)fprintf(out, LABEL "its own connections must begin with a PROXY header\n", "proxy");
	else if (is_word(service, "proxy_protocol", "optional"))
		(void)fprintf(out, LABEL "it may come without a proxy\n", "proxy");
	else if (is_word(service, "proxy_protocol", "refused"))
		(void)fprintf(out, LABEL "through one; its own connections are refused: proxy_untrusted\n", "proxy");
}

static void write_refusals(const json_t *service, FILE *out)
{
	const json_t *list = json_object_get(service, "refusals"), *refusal;
	char reason[TEXT_MAX], peer[TEXT_MAX], number[VALUES_NUMBER_MAX];
	size_t i;

	json_array_foreach (list, i, refusal)
		(void)fprintf(out, LABEL "%s ago: %s (%s)\n", i == 0 ? "refused" : "",
			      values_age_words(refusal, "age", number),
			      values_text(refusal, "reason", reason, sizeof(reason)),
			      values_text(refusal, "peer", peer, sizeof(peer)));
}

static void write_service(const json_t *service, const char *address, const struct table_paper *paper, FILE *out)
{
	const json_t *rates = json_object_get(service, "rates"), *waiting = json_object_get(service, "waiting");
	char name[TEXT_MAX], why[TEXT_MAX];

	if (json_is_object(waiting)) {
		(void)fprintf(out, "%s: waits, and serves nobody: %s\n",
			      values_text(service, "name", name, sizeof(name)),
			      values_text(waiting, "reason", why, sizeof(why)));
		return;
	}
	write_verdict(service, address, paper, out);
	write_rule(service, out);
	write_state(service, out);
	write_counts(service, out);
	write_rate(rates, "source", out);
	write_rate(rates, "datagrams", out);
	write_rate(rates, "service", out);
	write_penalty(service, out);
	write_proxy(service, out);
	write_refusals(service, out);
}

/* Prints the answer for all services. Returns the exit status. */
static int print_answer(const struct options *options, const json_t *explain)
{
	const json_t *services = json_object_get(explain, "services"), *service;
	struct table_paper paper = {.color = false};
	char address[TEXT_MAX];
	int status = 0;
	size_t i;

	if (!json_is_array(services))
		return say_malformed("there is no list of services in its answer");
	if (terminal_is(STDOUT_FILENO))
		paper.color = !options->no_color && terminal_colors(STDOUT_FILENO);
	(void)values_text(explain, "address", address, sizeof(address));
	json_array_foreach (services, i, service) {
		if (!is_true(service, "admitted"))
			status = 1;
		if (!options->json)
			write_service(service, address, &paper, stdout);
	}
	if (options->json) {
		int failed = say_json(explain);

		return failed != 0 ? failed : status;
	}
	return say_end(status);
}

int explain_run(const struct options *options)
{
	json_t *request, *reply;
	struct call call;
	struct err err;
	int status;

	request = explain_request(options->arguments[0], options->n_arguments > 1 ? options->arguments[1] : NULL, &err);
	if (request == NULL)
		return say_failure(&err, EX_USAGE);
	call_init(&call, options->socket);
	if (call_make(&call, request, &reply, &err) < 0) {
		status = say_failure(&err, call.status);
	} else {
		status = print_answer(options, json_object_get(reply, "explain"));
		json_decref(reply);
	}
	json_decref(request);
	return status;
}
