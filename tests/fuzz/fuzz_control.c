/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the body of a request on the control socket, of somebody who may change things and of somebody who may
 * not. The daemon stops, so that no order starts anything. Every request has an answer that says what is needed.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "change/launch.h"
#include "change/operation.h"
#include "config/config.h"
#include "control/commands.h"
#include "control/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config;
static struct generation generation = {.config = &config, .number = 1, .refs = 1};
static struct launch launch = {.binary = "/nowhere/preforkd"};

static const struct operation_kind stop_kind = {.order = ORDER_STOP, .name = "stop", .size = sizeof(struct operation)};

static void check_reply(json_t *reply)
{
	json_t *ok = json_object_get(reply, "ok");
	char *text = reply != NULL ? json_dumps(reply, JSON_COMPACT) : NULL;

	if (text == NULL || !json_is_boolean(ok))
		abort();
	if (json_is_false(ok) && (!json_is_string(json_object_get(reply, "error")) ||
				  json_integer_value(json_object_get(reply, "exit")) == 0))
		abort();
	free(text);
	json_decref(reply);
}

static void ask(struct operations *ops, bool may_change, bool read_all, json_t *request)
{
	struct control_peer peer = {.uid = 1000, .pid = 1, .may_change = may_change};
	unsigned job;

	config.control.read_all = read_all;
	check_reply(commands_run(ops, &peer, request, &job));
	if (job != 0)
		check_reply(commands_job(ops, job));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fleet fleet = {.generation = &generation, .dead = -1, .is_stopping = true};
	struct operations ops = {.fleet = &fleet, .launch = &launch};
	json_error_t error;
	json_t *request = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &error);

	log_set_level(LOG_EMERG);
	if (json_is_object(request) && operation_run(&ops, &stop_kind, NULL, 0) != NULL) {
		unsigned done = jobs_new(&ops.jobs);

		jobs_done(&ops.jobs, done, false, "a verdict", json_pack("[s]", "a reason"));
		jobs_progress(&ops.jobs, jobs_new(&ops.jobs), "under way");
		ask(&ops, false, false, request);
		ask(&ops, false, true, request);
		ask(&ops, true, false, request);
	}
	json_decref(request);
	operations_clear(&ops);
	return 0;
}
