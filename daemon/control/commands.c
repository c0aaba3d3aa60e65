/* SPDX-License-Identifier: MIT */
#include "control/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json_text.h"
#include "base/log.h"
#include "change/admin.h"
#include "change/reload.h"
#include "change/stop.h"
#include "config/config.h"
#include "control/explain.h"
#include "control/peer.h"
#include "control/status.h"
#include "master/state.h"
#include "upgrade/upgrade.h"

struct call {
	struct master *master;
	const struct control_peer *peer;
	json_t *request;
	struct pool *pool; /* of the service that the request names; NULL: none */
	unsigned job;	   /* whose verdict the client waits for; 0: none */
};

enum { NEEDS_SERVICE = 1, MAY_SERVICE = 2, CHANGES = 4 };

json_t *commands_refuse(int exit_status, const char *text)
{
	return json_pack("{s:b, s:i, s:o}", "ok", 0, "exit", exit_status, "error", json_text(text));
}

static json_t *promise_job(unsigned job)
{
	return json_pack("{s:b, s:I}", "ok", 1, "job", (json_int_t)job);
}

static json_t *do_ping(struct call *call)
{
	(void)call;
	return json_pack("{s:b, s:s, s:i}", "ok", 1, "version", PACKAGE_VERSION, "pid", (int)getpid());
}

static json_t *do_status(struct call *call)
{
	return json_pack("{s:b, s:o}", "ok", 1, "status", status_json(call->master, call->pool));
}

static json_t *do_workers(struct call *call)
{
	return json_pack("{s:b, s:o}", "ok", 1, "workers", status_workers_json(call->master, call->pool));
}

static json_t *do_explain(struct call *call)
{
	const char *address = json_string_value(json_object_get(call->request, "address"));
	struct explain_client client;
	json_t *said;
	struct err err;

	if (address == NULL)
		return commands_refuse(EX_USAGE, "explain needs an address");
	if (explain_parse(address, &client, &err) < 0)
		return commands_refuse(EX_USAGE, err.text);
	explain_groups(json_object_get(call->request, "groups"), &client);
	said = explain_json(call->master, call->pool, address, &client);
	unix_peer_clear(&client.cred);
	return json_pack("{s:b, s:o}", "ok", 1, "explain", said);
}

static json_t *do_reload(struct call *call)
{
	return promise_job(reload_request(call->master));
}

static json_t *do_upgrade(struct call *call)
{
	return promise_job(upgrade_request(call->master));
}

static json_t *do_stop(struct call *call)
{
	bool now = json_is_true(json_object_get(call->request, "now"));

	if (call->master->phase != MASTER_STOPPING)
		stop_begin(call->master, STOP_FOR_GOOD, EX_OK);
	if (now)
		stop_now(call->master, "told to stop at once");
	return json_pack("{s:b}", "ok", 1);
}

static json_t *promise_or_refuse(unsigned job, const struct err *err)
{
	return job != 0 ? promise_job(job) : commands_refuse(1, err->text);
}

static json_t *do_pause(struct call *call)
{
	struct err err;

	return promise_or_refuse(admin_pause(call->master, call->pool, &err), &err);
}

static json_t *do_resume(struct call *call)
{
	struct err err;

	return promise_or_refuse(admin_resume(call->master, call->pool, &err), &err);
}

static json_t *do_drain(struct call *call)
{
	struct err err;

	return promise_or_refuse(admin_drain(call->master, &err), &err);
}

static json_t *do_undrain(struct call *call)
{
	struct err err;

	return promise_or_refuse(admin_undrain(call->master, &err), &err);
}

static json_t *do_resize(struct call *call)
{
	const json_t *min = json_object_get(call->request, "min");
	const json_t *max = json_object_get(call->request, "max");
	struct err err;

	if (!json_is_integer(min) || !json_is_integer(max))
		return commands_refuse(EX_USAGE, "resize needs the numbers min and max");
	return promise_or_refuse(
		admin_resize(call->master, call->pool, json_integer_value(min), json_integer_value(max), &err), &err);
}

static json_t *do_job(struct call *call)
{
	const json_t *number = json_object_get(call->request, "job");
	json_int_t n = json_integer_value(number);
	const struct job *job = n > 0 && n <= UINT32_MAX ? jobs_find(&call->master->jobs, (unsigned)n) : NULL;

	if (job != NULL && !job->done)
		call->job = job->number;
	return commands_job(call->master, job != NULL ? job->number : 0);
}

json_t *commands_job(const struct master *master, unsigned number)
{
	const struct job *job = jobs_find((struct jobs *)&master->jobs, number);

	if (job == NULL)
		return commands_refuse(1, "there is no job of that number (any more)");
	if (!job->done)
		return json_pack("{s:b, s:b, s:o}", "ok", 1, "done", 0, "text", json_text(job->text));
	return json_pack("{s:b, s:b, s:b, s:o, s:o}", "ok", 1, "done", 1, "success", job->success, "text",
			 json_text(job->text), "reasons",
			 job->reasons != NULL ? json_incref(job->reasons) : json_array());
}

static const struct {
	const char *name;
	json_t *(*run)(struct call *call);
	int flags;
} commands[] = {
	{"ping", do_ping, 0},
	{"status", do_status, MAY_SERVICE},
	{"workers", do_workers, MAY_SERVICE},
	{"explain", do_explain, MAY_SERVICE},
	{"job", do_job, 0},
	{"reload", do_reload, CHANGES},
	{"upgrade", do_upgrade, CHANGES},
	{"stop", do_stop, CHANGES},
	{"pause", do_pause, CHANGES | NEEDS_SERVICE},
	{"resume", do_resume, CHANGES | NEEDS_SERVICE},
	{"drain", do_drain, CHANGES},
	{"undrain", do_undrain, CHANGES},
	{"resize", do_resize, CHANGES | NEEDS_SERVICE},
};

/* Finds the service that the request names. False and a reply: there is none of that name, or a name is missing. */
static bool find_pool(struct call *call, int flags, json_t **reply_out)
{
	const json_t *value = json_object_get(call->request, "service");
	const char *name = json_string_value(value);
	char text[256];

	if ((flags & (NEEDS_SERVICE | MAY_SERVICE)) == 0)
		return true;
	if (value == NULL && (flags & NEEDS_SERVICE) == 0)
		return true;
	for (size_t i = 0; name != NULL && i < call->master->n_pools; i++)
		if (strcmp(call->master->pools[i]->service->name, name) == 0) {
			call->pool = call->master->pools[i];
			return true;
		}
	if (name != NULL)
		(void)snprintf(text, sizeof(text), "there is no service \"%.64s\"", name);
	else
		(void)snprintf(text, sizeof(text), "the name of a service is missing");
	*reply_out = commands_refuse(name != NULL ? 1 : EX_USAGE, text);
	return false;
}

static bool is_permitted(const struct call *call, int flags)
{
	const struct config_control *config = &call->master->generation->config->control;

	return call->peer->may_change || ((flags & CHANGES) == 0 && config->read_all);
}

static void log_order(const struct call *call, const char *name)
{
	log_msg(LOG_NOTICE, "%s%s%s: ordered by uid %u, pid %d", name, call->pool != NULL ? " " : "",
		call->pool != NULL ? call->pool->service->name : "", (unsigned)call->peer->uid, (int)call->peer->pid);
}

json_t *commands_run(struct master *master, const struct control_peer *peer, json_t *request, unsigned *job_out)
{
	struct call call = {.master = master, .peer = peer, .request = request};
	const char *name = json_string_value(json_object_get(request, "command"));
	json_t *reply;
	char text[128];

	*job_out = 0;
	for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (!is_permitted(&call, commands[i].flags))
			return commands_refuse(
				EX_NOPERM,
				(commands[i].flags & CHANGES) != 0
					? "not permitted: root, the daemon's own user and members of control.group may"
					: "not permitted (control.read)");
		if (!find_pool(&call, commands[i].flags, &reply))
			return reply;
		if ((commands[i].flags & CHANGES) != 0)
			log_order(&call, name);
		reply = commands[i].run(&call);
		*job_out = call.job;
		return reply;
	}
	(void)snprintf(text, sizeof(text), "unknown command \"%.64s\"", name != NULL ? name : "");
	return commands_refuse(EX_USAGE, text);
}
