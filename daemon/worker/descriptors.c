/* SPDX-License-Identifier: MIT */
#include "worker/descriptors.h"

#include <unistd.h>

#include "base/fds.h"
#include "base/log.h"
#include "board/sources.h"
#include "config/config.h"
#include "config/loader.h"
#include "worker/contract.h"

/* The master's own, and its log, are descriptions that a worker could change for all. params->dead is /dev/null. */
static void replace_standard_fds(const struct worker_params *params)
{
	int output = params->output >= 0 ? params->output : params->dead;

	log_echo(-1); /* its descriptor is closed next, and the number may become a client's */
	log_forget();
	if (dup2(params->dead, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(WORKER_EXIT_SETUP);
}

/* Closes all descriptors but those that a worker needs, and those that its module keeps. */
static int close_others(const struct worker_params *params)
{
	const struct loaded_module *module = params->service->module;
	int keep[8 + MODULE_KEPT_MOST] = {params->listener, params->board,	 params->ring,	  params->dead,
					  params->proof,    params->sources->fd, params->targets, params->group};
	size_t n = 8;

	for (size_t i = 0; module != NULL && i < module->n_kept; i++)
		keep[n++] = module->kept[i];
	return fds_close_except(keep, n);
}

int descriptors_set_up(const struct worker_params *params)
{
	replace_standard_fds(params);
	return close_others(params);
}
