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
#include "change/cancel.h"
#include "change/drain.h"
#include "change/operation.h"
#include "change/pause.h"
#include "change/reload.h"
#include "change/resize.h"
#include "change/restart.h"
#include "change/stop.h"
#include "config/config.h"
#include "config/diff.h"
#include "control/explain.h"
#include "control/peer.h"
#include "control/status.h"
#include "net/unix_peer.h"
#include "upgrade/upgrade.h"

struct call {
	struct operations *ops;
	const struct control_peer *peer;
	json_t *request;
	const char *service;		   /* the name in the request; NULL: none */
	struct member *member;		   /* of that service; NULL: none, or it is disabled */
	const struct operation_kind *kind; /* of the order */
	unsigned job;			   /* whose verdict the client waits for; 0: none */
};

enum { NEEDS_SERVICE = 1, MAY_SERVICE = 2, CHANGES = 4, MAY_DISABLED = 8 };

json_t *commands_refuse(int exit_status, const char *text)
{
	return json_pack("{s:b, s:i, s:o}", "ok", 0, "exit", exit_status, "error", json_text(text));
}

static json_t *do_ping(struct call *call)
{
	(void)call;
	return json_pack("{s:b, s:s, s:i}", "ok", 1, "version", PACKAGE_VERSION, "pid", (int)getpid());
}

static json_t *do_status(struct call *call)
{
	return json_pack("{s:b, s:o}", "ok", 1, "status", status_json(call->ops, call->service));
}

static json_t *do_workers(struct call *call)
{
	return json_pack("{s:b, s:o}", "ok", 1, "workers", status_workers_json(call->ops, call->service));
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
	said = explain_json(call->ops, call->service, address, &client);
	unix_peer_clear(&client.cred);
	return json_pack("{s:b, s:o}", "ok", 1, "explain", said);
}

static json_t *do_stop(struct call *call)
{
	bool now = json_is_true(json_object_get(call->request, "now"));

	stop_begin(call->ops, STOP_FOR_GOOD, EX_OK);
	if (now)
		stop_now(call->ops, "told to stop at once");
	return json_pack("{s:b}", "ok", 1);
}

static json_t *promise_job(unsigned job, const struct err *err)
{
	if (job == 0)
		return commands_refuse(1, err->text);
	return json_pack("{s:b, s:I}", "ok", 1, "job", (json_int_t)job);
}

/* Orders for the whole daemon, and those for the service that the request names. */
static json_t *do_order(struct call *call)
{
	struct err err;

	return promise_job(operation_ask(call->ops, call->kind, call->member, 0, 0, &err), &err);
}

static json_t *do_resize(struct call *call)
{
	const json_t *min = json_object_get(call->request, "min");
	const json_t *max = json_object_get(call->request, "max");
	struct err err;

	if (!json_is_integer(min) || !json_is_integer(max))
		return commands_refuse(EX_USAGE, "resize needs the numbers min and max");
	return promise_job(resize_ask(call->ops, call->member, json_integer_value(min), json_integer_value(max), &err),
			   &err);
}

static json_t *do_job(struct call *call)
{
	const json_t *number = json_object_get(call->request, "job");
	json_int_t n = json_integer_value(number);
	const struct job *job = n > 0 && n <= UINT32_MAX ? jobs_find(&call->ops->jobs, (unsigned)n) : NULL;

	if (job != NULL && !job->done)
		call->job = job->number;
	return commands_job(call->ops, job != NULL ? job->number : 0);
}

json_t *commands_job(const struct operations *ops, unsigned number)
{
	const struct job *job = jobs_find(&ops->jobs, number);

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
	const struct operation_kind *kind; /* of do_order() */
} commands[] = {
	{"ping", do_ping, 0, NULL},
	{"status", do_status, MAY_SERVICE | MAY_DISABLED, NULL},
	{"workers", do_workers, MAY_SERVICE, NULL},
	{"explain", do_explain, MAY_SERVICE, NULL},
	{"job", do_job, 0, NULL},
	{"reload", do_order, CHANGES, &reload_kind},
	{"restart", do_order, CHANGES | NEEDS_SERVICE, &restart_kind},
	{"upgrade", do_order, CHANGES, &upgrade_kind},
	{"cancel", do_order, CHANGES, &cancel_kind},
	{"stop", do_stop, CHANGES, NULL},
	{"pause", do_order, CHANGES | NEEDS_SERVICE, &pause_kind},
	{"resume", do_order, CHANGES | NEEDS_SERVICE, &resume_kind},
	{"drain", do_order, CHANGES, &drain_kind},
	{"undrain", do_order, CHANGES, &undrain_kind},
	{"resize", do_resize, CHANGES | NEEDS_SERVICE, NULL},
};

/* Finds the service that the request names. False and a reply: there is none of that name, or a name is missing. */
static bool find_service(struct call *call, int flags, json_t **reply_out)
{
	const json_t *value = json_object_get(call->request, "service");
	const char *name = json_string_value(value);
	char text[256];
	bool disabled;

	if ((flags & (NEEDS_SERVICE | MAY_SERVICE)) == 0)
		return true;
	if (value == NULL && (flags & NEEDS_SERVICE) == 0)
		return true;
	call->service = name;
	call->member = name != NULL ? member_find(call->ops->fleet->members, name) : NULL;
	if (call->member != NULL)
		return true;
	disabled = name != NULL && config_is_disabled(fleet_config(call->ops->fleet), name);
	if (disabled && (flags & MAY_DISABLED) != 0)
		return true;
	if (disabled)
		(void)snprintf(text, sizeof(text), "the service \"%.64s\" is disabled (enabled = false)", name);
	else if (name != NULL)
		(void)snprintf(text, sizeof(text), "there is no service \"%.64s\"", name);
	else
		(void)snprintf(text, sizeof(text), "the name of a service is missing");
	*reply_out = commands_refuse(name != NULL ? 1 : EX_USAGE, text);
	return false;
}

static bool is_permitted(const struct call *call, int flags)
{
	const struct config_control *config = &call->ops->fleet->generation->config->control;

	return call->peer->may_change || ((flags & CHANGES) == 0 && config->read_all);
}

static void log_order(const struct call *call, const char *name)
{
	log_msg(LOG_NOTICE, "%s%s%s: ordered by uid %u, pid %d", name, call->member != NULL ? " " : "",
		call->member != NULL ? call->member->name : "", (unsigned)call->peer->uid, (int)call->peer->pid);
}

json_t *commands_run(struct operations *ops, const struct control_peer *peer, json_t *request, unsigned *job_out)
{
	struct call call = {.ops = ops, .peer = peer, .request = request};
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
		if (!find_service(&call, commands[i].flags, &reply))
			return reply;
		if ((commands[i].flags & CHANGES) != 0)
			log_order(&call, name);
		call.kind = commands[i].kind;
		reply = commands[i].run(&call);
		*job_out = call.job;
		return reply;
	}
	(void)snprintf(text, sizeof(text), "unknown command \"%.64s\"", name != NULL ? name : "");
	return commands_refuse(EX_USAGE, text);
}
