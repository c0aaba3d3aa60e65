/* SPDX-License-Identifier: MIT */
#include "master/master.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/signals.h"
#include "base/title.h"
#include "change/host_limits.h"
#include "change/launch.h"
#include "change/operation.h"
#include "change/reload.h"
#include "change/start.h"
#include "change/stop.h"
#include "config/config.h"
#include "control/server.h"
#include "control/status.h"
#include "fleet/fleet_open.h"
#include "fleet/orphans.h"
#include "fleet/reopen.h"
#include "listeners/control_socket.h"
#include "master/report.h"
#include "master/watchdog.h"
#include "net/inherited.h"
#include "pool/groups.h"
#include "upgrade/retry.h"
#include "upgrade/upgrade.h"

#define TICK_USEC 1000000

struct master {
	struct fleet fleet;
	struct operations ops;
	struct report report;
};

/* ---- events ---- */

static void sample_rates(const struct master *master)
{
	for (size_t i = 0; i < master->fleet.n_pools; i++) {
		struct counts c;

		status_counts(&master->ops, master->fleet.pools[i], &c);
		totals_sample(master->fleet.pools[i]->totals, c.accepted);
	}
}

/* Looks after the pools in force. The sweep after this event looks after retiring pools and steps the operations. */
static void look_after_fleet(struct master *master, bool tick)
{
	fleet_look_after(&master->fleet, tick);
	operations_mark(&master->ops);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct master *master = userdata;

	(void)usec;
	if (!master->fleet.is_stopping)
		sample_rates(master);
	look_after_fleet(master, true);
	if (operation_find_changer(&master->ops) == NULL && operation_find(&master->ops, ORDER_START) == NULL)
		reopen_step(&master->fleet);
	if (master->fleet.has_programs)
		(void)orphans_end(master->fleet.by_pid);
	if (groups_are_due())
		groups_sweep(master->fleet.by_pid);
	control_socket_look(master->ops.control);
	report_patience(&master->report);
	master->report.is_due = true;
	(void)sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Reaps all children that have ended, because one SIGCHLD may stand for many. */
static void reap_children(struct master *master)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = child_reap_any(&status, &usage)) > 0)
		if (!fleet_reaped(&master->fleet, pid, status, &usage) && !reopen_reaped(&master->fleet, pid, status) &&
		    !reload_reaped(&master->ops, pid, status) && !upgrade_reaped(&master->ops, pid, status))
			/* adopted, or older than this image: nothing waits for it */
			log_msg(LOG_DEBUG, "reaped process %d", (int)pid);
	look_after_fleet(master, false);
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	reap_children(userdata);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct master *master = userdata;

	(void)source;
	(void)info;
	stop_signal(&master->ops);
	return 0;
}

static int on_dump(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	const struct master *master = userdata;

	(void)source;
	(void)info;
	report_dump(&master->report);
	return 0;
}

/* The sender of a signal gets no answer, so a refusal is logged. */
static void ask_by_signal(struct master *master, const struct operation_kind *kind)
{
	struct err err;

	if (operation_ask(&master->ops, kind, NULL, 0, 0, &err) == 0)
		log_msg(LOG_ERR, "no %s: %s", kind->name, err.text);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	ask_by_signal(userdata, &reload_kind);
	return 0;
}

static int on_upgrade(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	ask_by_signal(userdata, &upgrade_kind);
	return 0;
}

static void on_pool_event(void *userdata)
{
	struct master *master = userdata;

	operations_mark(&master->ops);
}

static void on_swept(void *userdata)
{
	struct master *master = userdata;

	report_changes(&master->report);
}

static void on_answer(void *userdata)
{
	struct master *master = userdata;

	server_answer(&master->ops);
}

static const struct {
	int sig;
	sd_event_signal_handler_t handler;
} signals[] = {
	{SIGCHLD, on_child}, {SIGTERM, on_stop}, {SIGINT, on_stop},
	{SIGHUP, on_reload}, {SIGUSR1, on_dump}, {SIGUSR2, on_upgrade},
};

#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

void master_set_signals(void)
{
	sigset_t block;

	(void)sigemptyset(&block);
	for (size_t i = 0; i < N_SIGNALS; i++)
		(void)sigaddset(&block, signals[i].sig);
	(void)sigprocmask(SIG_BLOCK, &block, NULL);
	signals_harmless();
	/* All others are let through, whoever blocked them: fds_drop_quickly() needs SIGALRM. */
	(void)sigprocmask(SIG_SETMASK, &block, NULL);
}

static int set_loop_error(int rc, struct err *err)
{
	return err_code(err, -rc, "cannot set up the event loop");
}

static int make_loop(struct master *master, struct err *err)
{
	int rc = sd_event_new(&master->fleet.event);

	for (size_t i = 0; rc >= 0 && i < N_SIGNALS; i++)
		rc = sd_event_add_signal(master->fleet.event, NULL, signals[i].sig, signals[i].handler, master);
	/* The first tick comes at once: it starts the workers. */
	if (rc >= 0)
		rc = sd_event_add_time_relative(master->fleet.event, NULL, CLOCK_MONOTONIC, 0, 1000, on_tick, master);
	if (rc >= 0)
		rc = watchdog_start(master->fleet.event);
	if (rc < 0)
		return set_loop_error(rc, err);
	return operations_watch(&master->ops, err);
}

/* ---- start and end ---- */

/* The start is an operation. After an upgrade there is none: the upgrade's operation goes on. */
static int begin_start_operation(struct master *master, bool resumed, struct err *err)
{
	if (resumed || operation_run(&master->ops, &start_kind, NULL, 0) != NULL)
		return 0;
	return err_set(err, "no memory for the start");
}

/* Opens the fleet: listeners come from the image before this one or from a service manager, or are bound. */
static int open_all(struct master *master, struct err *err)
{
	struct inherited_set *inherited = &master->fleet.inherited;
	bool resumed;

	master->fleet.dead = fd_dead(err);
	if (master->fleet.dead < 0 || make_loop(master, err) < 0 || upgrade_resume(&master->ops, &resumed, err) < 0 ||
	    begin_start_operation(master, resumed, err) < 0 || inherited_import(inherited, err) < 0)
		return -1;
	report_unfit(inherited); /* first, because it may be why the start fails */
	if (fleet_open(&master->fleet, inherited, err) < 0)
		return -1;
	if (!fleet_waits(&master->fleet)) {
		report_leftovers(inherited);
		inherited_clear(inherited);
	}
	return server_open(&master->ops, err);
}

static void log_limits(const struct master *master)
{
	json_t *warnings = host_limits_warnings(&master->ops.host, master->fleet.generation->config);

	host_limits_tell(warnings);
	json_decref(warnings);
}

static void close_all(struct master *master)
{
	host_limits_forget(&master->ops.host);
	operations_end_all(&master->ops, NULL, "the daemon stops");
	server_close(&master->ops);
	operations_clear(&master->ops);
	fleet_close(&master->fleet);
	fd_close(&master->fleet.dead);
	(void)sd_event_unref(master->fleet.event);
}

/* The parts of MASTER refer to each other, so it must not be moved. */
static void init_master(struct master *master, const struct launch *launch, struct config *config)
{
	*master = (struct master){
		.fleet = {.generation = generation_new(config, 1),
			  .dead = -1,
			  .started_ms = clock_ms(),
			  .on_event = on_pool_event,
			  .userdata = master},
		.ops =
			{
				.fleet = &master->fleet,
				.launch = launch,
				.host = {.fleet = &master->fleet},
				.exit_status = EX_OSERR,
				.on_swept = on_swept,
				.on_answer = on_answer,
				.userdata = master,
			},
		.report = {.ops = &master->ops},
	};
	limits_init(&master->ops.host.unit);
}

static int run_loop(struct master *master)
{
	struct log_about about = {.message_id = MESSAGE_ID_STOPPED};
	int rc;

	host_limits_ask(&master->ops.host);
	reap_children(master); /* children of the image before may have ended during the exec */
	rc = sd_event_loop(master->fleet.event);
	if (master->fleet.has_programs)
		orphans_end_all(master->fleet.by_pid);
	if (rc >= 0) {
		log_about(LOG_NOTICE, &about, "stopped");
		return master->ops.exit_status;
	}
	log_msg(LOG_ERR, "the event loop failed: %s", strerror(-rc));
	stop_leave_listeners(&master->fleet);
	return EX_OSERR;
}

int master_run(const struct launch *launch, struct config *config)
{
	struct log_about about = {.message_id = MESSAGE_ID_START_FAILED};
	struct err err = {.text = "no memory"};
	struct master master;
	int status = EX_OSERR;

	init_master(&master, launch, config);
	/* From here on signals wait for the loop: a stop during a slow start must not be lost. */
	master_set_signals();
	title_prefix("master");
	orphans_init();
	groups_open();
	if (master.fleet.generation != NULL)
		log_limits(&master); /* first, because a limit may be why the start fails */
	if (master.fleet.generation == NULL || open_all(&master, &err) < 0) {
		log_about(LOG_ERR, &about, "%s", err.text);
		retry_start(launch->argv);
		stop_leave_listeners(&master.fleet);
	} else {
		status = run_loop(&master);
	}
	close_all(&master);
	groups_close();
	return status;
}
