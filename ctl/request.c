/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "base/err.h"
#include "base/parse.h"
#include "command.h"
#include "options.h"

static int add_number(json_t *request, const char *key, const char *text, struct err *err)
{
	int64_t n;

	if (parse_integer(text, &n, err) < 0)
		return -1;
	if (n < 0)
		return err_set(err, "%.64s: a number of workers is not negative", text);
	if (json_object_set_new(request, key, json_integer(n)) < 0)
		return err_set(err, "out of memory");
	return 0;
}

static int add_arguments(json_t *request, const struct options *options, struct err *err)
{
	char *const *arguments = options->arguments;

	/* json_string() refuses only what is not UTF-8, and no service has such a name */
	if (options->n_arguments > 0 && json_object_set_new(request, "service", json_string(arguments[0])) < 0)
		return err_set(err, "the name of a service is UTF-8");
	if (options->n_arguments > 1 && add_number(request, "min", arguments[1], err) < 0)
		return -1;
	if (options->n_arguments > 2 && add_number(request, "max", arguments[2], err) < 0)
		return -1;
	if (options->now && json_object_set_new(request, "now", json_true()) < 0)
		return err_set(err, "out of memory");
	return 0;
}

json_t *request_new(const struct options *options, struct err *err)
{
	json_t *request = json_pack("{s:s}", "command", options->command->name);

	if (request == NULL) {
		(void)err_set(err, "out of memory");
		return NULL;
	}
	if (add_arguments(request, options, err) < 0) {
		json_decref(request);
		return NULL;
	}
	return request;
}

json_t *request_status(void)
{
	return json_pack("{s:s}", "command", "status");
}

json_t *request_job(int64_t job)
{
	return json_pack("{s:s, s:I}", "command", "job", "job", (json_int_t)job);
}
