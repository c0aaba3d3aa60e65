/* SPDX-License-Identifier: MIT */
#include "change/host_check.h"

#include <limits.h>
#include <stdlib.h>

#include "base/arena.h"
#include "change/host_amounts.h"
#include "change/host_files.h"
#include "change/host_needs.h"
#include "change/host_report.h"
#include "change/host_sockets.h"
#include "change/host_unit.h"
#include "change/host_walls.h"
#include "config/host_compare.h"
#include "config/source.h"
#include "syntax/problems.h"

struct host_unit *host_check_begin(struct config_source *source)
{
	struct host_unit *host = arena_resize(NULL, 1, sizeof(*host));
	char *file = realpath(source->file, NULL);

	host_unit_init(host, source->file[0] == '/' || file == NULL ? source->file : file);
	free(file);
	source->starter = &host->starter;
	return host;
}

void host_check_end(struct host_unit **host, const struct config *config, struct problems **problems)
{
	struct host_report report = {.host = *host, .config = config, .problems = *problems};
	const struct host_place nowhere = {.where = NULL};

	if ((*host)->trouble.text[0] != '\0')
		host_report_add(&report, HOST_REFUSAL, &nowhere, "%s", (*host)->trouble.text);
	if (config != NULL) {
		host_files_judge(&report);
		host_needs_judge(&report);
		host_amounts_judge(&report);
		host_sockets_judge(&report);
		host_compare(config, &(*host)->limits, problems);
		host_walls_judge(config, *problems);
	}
	problems_sort(*problems);
	host_unit_clear(*host);
	free(*host);
	*host = NULL;
}
