/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "call.h"
#include "deaths_table.h"
#include "options.h"
#include "request.h"
#include "say.h"
#include "status_table.h"
#include "terminal.h"
#include "workers_table.h"

/* Returns the reply; NULL: failed, printed, and *status_out is the exit status. */
static json_t *ask_daemon(const struct options *options, int *status_out)
{
	json_t *request, *reply = NULL;
	struct call call;
	struct err err;

	request = request_new(options, &err);
	if (request == NULL) {
		*status_out = say_failure(&err, EX_USAGE);
		return NULL;
	}
	call_init(&call, options->socket);
	if (call_make(&call, request, &reply, &err) < 0)
		*status_out = say_failure(&err, call.status);
	json_decref(request);
	return reply;
}

static struct table_paper choose_paper(const struct options *options)
{
	struct table_paper paper = {.color = false};
	unsigned lines;

	if (terminal_is(STDOUT_FILENO)) {
		terminal_size(STDOUT_FILENO, &paper.width, &lines);
		paper.color = !options->no_color && terminal_colors(STDOUT_FILENO);
	}
	return paper;
}

/* Only the daemon's answer about one service has its deaths. */
static int write_status(const json_t *status, const struct status_view *view)
{
	const json_t *service;
	struct timespec now;
	size_t i;

	if (status_table_write(status, view, stdout) < 0)
		return -1;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	json_array_foreach (json_object_get(status, "services"), i, service)
		if (deaths_table_write(service, (double)now.tv_sec + (double)now.tv_nsec / 1e9, &view->paper, stdout) <
		    0)
			return -1;
	return 0;
}

int status_run(const struct options *options)
{
	struct status_view view = {.paper = choose_paper(options), .listeners = options->n_arguments > 0};
	json_t *reply, *object;
	int status = 0;

	reply = ask_daemon(options, &status);
	if (reply == NULL)
		return status;
	object = json_object_get(reply, "status");
	if (!json_is_object(object))
		status = say_malformed("there is no status in its answer");
	else if (options->json)
		status = say_json(object);
	else if (write_status(object, &view) < 0)
		status = say_system_error("status");
	else
		status = say_end(0);
	json_decref(reply);
	return status;
}

int workers_run(const struct options *options)
{
	struct table_paper paper = choose_paper(options);
	json_t *reply, *list;
	int status = 0;

	reply = ask_daemon(options, &status);
	if (reply == NULL)
		return status;
	list = json_object_get(reply, "workers");
	if (!json_is_array(list))
		status = say_malformed("there is no list of workers in its answer");
	else if (json_object_del(reply, "ok") == 0 && options->json)
		status = say_json(reply);
	else if (workers_table_write(list, &paper, stdout) < 0)
		status = say_system_error("workers");
	else
		status = say_end(0);
	json_decref(reply);
	return status;
}
