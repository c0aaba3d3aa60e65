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
#include "config/config.h"
#include "control/commands.h"
#include "control/peer.h"
#include "master/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config;
static struct generation generation = {.config = &config, .number = 1, .refs = 1};
static struct launch launch = {.binary = "/nowhere/preforkd"};

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

static void ask(struct master *master, bool may_change, bool read_all, json_t *request)
{
	struct control_peer peer = {.uid = 1000, .pid = 1, .may_change = may_change};
	unsigned job;

	config.control.read_all = read_all;
	check_reply(commands_run(master, &peer, request, &job));
	if (job != 0)
		check_reply(commands_job(master, job));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct master master = {
		.launch = &launch,
		.generation = &generation,
		.phase = MASTER_STOPPING,
		.dead = -1,
	};
	json_error_t error;
	json_t *request = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &error);

	log_set_level(LOG_EMERG);
	if (json_is_object(request)) {
		unsigned done = jobs_new(&master.jobs);

		jobs_done(&master.jobs, done, false, "a verdict", json_pack("[s]", "a reason"));
		jobs_progress(&master.jobs, jobs_new(&master.jobs), "under way");
		ask(&master, false, false, request);
		ask(&master, false, true, request);
		ask(&master, true, false, request);
	}
	json_decref(request);
	jobs_clear(&master.jobs);
	return 0;
}
