/* SPDX-License-Identifier: MIT */
#include "config/sandbox_check.h"

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
	const struct config_service *service = &values->service;

	if (!service->sandbox.no_new_privileges && service->identity.uid != 0 && has_lists(&service->sandbox))
		checker_error(checker, values, value_source(values, "sandbox.no_new_privileges"),
			      "must be true for sandbox.read, write, execute, tcp_connect and tcp_bind, unless the "
			      "user is root");
}

void sandbox_check(const struct checker *checker, struct service_values *values)
{
	check_no_new_privileges(checker, values);
	check_lists(checker, values);
}
