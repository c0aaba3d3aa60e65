/* SPDX-License-Identifier: MIT */
#include "config/sandbox_check.h"

#include <linux/capability.h>
#include <preforkd/module.h>
#include <stdbool.h>

#include "config/checker.h"
#include "config/value_source.h"
#include "config/values.h"

static bool runs_programs(const struct service_values *values)
{
	return values->service.handler != NULL && (values->service.handler->flags & PREFORKD_COMMAND) != 0;
}

/* Programs of root may use set-user-ID files, unless the key says otherwise. A worker that runs no program never gets
 * new rights. */
static void check_no_new_privileges(const struct checker *checker, struct service_values *values)
{
	const struct value_source *source = value_source(values, "sandbox.no_new_privileges");
	bool *value = &values->service.sandbox.no_new_privileges;

	if (!runs_programs(values)) {
		if (!*value && source->level == LEVEL_SERVICE)
			checker_warning(checker, values, source, "has no effect: this service runs no program");
		*value = true;
	} else if (source->level == LEVEL_PRESET) {
		*value = values->service.identity.uid != 0;
	}
}

static bool has_lists(const struct config_sandbox *sandbox)
{
	return sandbox->read != NULL || sandbox->write != NULL || sandbox->execute != NULL ||
	       sandbox->tcp_connect.limited || sandbox->tcp_bind.limited;
}

/* Landlock takes either, so that a set-user-ID program cannot be led astray. */
static void check_lists(const struct checker *checker, const struct service_values *values)
{
	const struct config_sandbox *sandbox = &values->service.sandbox;
	bool may = values->service.identity.uid == 0 &&
		   (!sandbox->capabilities_written || (sandbox->capabilities >> CAP_SYS_ADMIN & 1) != 0);

	if (!sandbox->no_new_privileges && !may && has_lists(sandbox))
		checker_error(checker, values, value_source(values, "sandbox.no_new_privileges"),
			      "must be true for sandbox.read, write, execute, tcp_connect and tcp_bind, unless the "
			      "user is root and has CAP_SYS_ADMIN");
}

/* A proxy without a network can reach no upstream but unix sockets. A name of a unix socket that is not a path ("@...")
 * belongs to a network, too. */
static void check_upstreams(const struct checker *checker, struct service_values *values)
{
	const struct config_upstreams *upstreams = &values->service.upstreams;

	for (size_t i = 0; i < upstreams->n; i++) {
		const struct addr *addr = &upstreams->list[i];

		if (addr->kind != ADDR_UNIX || addr->host[0] != '/')
			checker_error(checker, values, checker_nearer(values, "sandbox.private_network", "upstream"),
				      "upstream \"%s\" cannot be reached with sandbox.private_network: only "
				      "unix:/PATH can",
				      addr->text);
	}
}

static bool is_listed(const struct config_ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->list[i] == port)
			return true;
	return false;
}

/* Landlock would deny each connection to an upstream whose port is missing. */
static void check_upstream_ports(const struct checker *checker, const struct service_values *values)
{
	const struct config_upstreams *upstreams = &values->service.upstreams;
	const struct config_ports *ports = &values->service.sandbox.tcp_connect;

	for (size_t i = 0; ports->limited && i < upstreams->n; i++) {
		const struct addr *addr = &upstreams->list[i];

		if (addr->kind != ADDR_UNIX && !is_listed(ports, addr->port))
			checker_error(checker, values, checker_nearer(values, "sandbox.tcp_connect", "upstream"),
				      "upstream \"%s\" could not be reached: add %u to sandbox.tcp_connect", addr->text,
				      (unsigned)addr->port);
	}
}

/* The socket for the program's messages has no path. */
static void check_messages(const struct checker *checker, struct service_values *values)
{
	if (values->service.program.runs && values->service.program.notify)
		checker_error(checker, values, checker_nearer(values, "sandbox.private_network", "program.notify"),
			      "with sandbox.private_network the messages of program.notify cannot reach the daemon");
}

/* A program that accepts by itself would need a supervisor outside of its namespace, which the daemon does not have. */
static void check_pids(const struct checker *checker, struct service_values *values)
{
	const struct value_source *source = value_source(values, "sandbox.private_pids");

	if (values->service.program.runs)
		checker_error(checker, values, source, "is not available for the handler \"listen\"");
	else if (!runs_programs(values) && values->service.handler != NULL && source->level == LEVEL_SERVICE)
		checker_warning(checker, values, source, "has no effect: this service runs no program");
}

/* The kernel counts these for programs only. */
static void check_group_limit(const struct checker *checker, const struct service_values *values, const char *key)
{
	const struct value_source *source = value_source(values, key);

	if (values->service.handler != NULL && !runs_programs(values) && source->level == LEVEL_SERVICE)
		checker_warning(checker, values, source, "has no effect: this service runs no program");
}

void sandbox_check(const struct checker *checker, struct service_values *values)
{
	check_no_new_privileges(checker, values);
	check_lists(checker, values);
	check_upstream_ports(checker, values);
	if (values->service.sandbox.private_pids)
		check_pids(checker, values);
	if (values->service.sandbox.private_network) {
		check_upstreams(checker, values);
		check_messages(checker, values);
	}
	if (values->service.limits.memory != 0)
		check_group_limit(checker, values, "limits.memory");
	if (values->service.limits.tasks != 0)
		check_group_limit(checker, values, "limits.tasks");
}
