/* SPDX-License-Identifier: MIT */
#include "pool/program_end.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/exit_text.h"
#include "base/json_text.h"
#include "base/parse.h"
#include "config/config.h"
#include "config/limit_table.h"
#include "pool/proc.h"
#include "pool/program.h"

void program_end_record(struct program_end *end, const struct proc *proc, int status)
{
	int64_t since = proc->ready ? proc->ready_ms : proc->started_ms;

	*end = (struct program_end){
		.status = status,
		.was_ready = proc->ready,
		.was_late = !proc->ready && proc->kill_ms != 0,
		.left_children = kill(-proc->pid, 0) == 0, /* the group outlives its leader */
		.lived_ms = clock_ms() - since,
	};
	if (proc->program->output != NULL)
		end->lines = proc->program->output->last;
}

void program_end_tell(const struct program_end *end, const struct config_service *service, json_t *reasons)
{
	const char *hint = "", *line;
	int sig = WIFSIGNALED(end->status) ? WTERMSIG(end->status) : 0;
	char how[128], blame[64], time[32], text[512];

	exit_text(end->status, how, sizeof(how));
	(void)limit_table_blame(&service->limits, sig, "; ", blame, sizeof(blame));
	format_duration(end->lived_ms, time, sizeof(time));
	if (WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0)
		hint = end->left_children ? "; it put itself into the background, and must stay in the foreground"
					  : "; it must stay in the foreground";
	if (end->was_late)
		(void)snprintf(text, sizeof(text), "services.%s: the program was not ready in time (timeouts.start)",
			       service->name);
	else
		(void)snprintf(text, sizeof(text), "services.%s: the program %s%s %s %s%s", service->name, how, blame,
			       time, end->was_ready ? "after it was ready" : "after its start, before it was ready",
			       hint);
	(void)json_array_append_new(reasons, json_text(text));
	for (size_t i = 0; (line = last_lines_get(&end->lines, i)) != NULL; i++) {
		(void)snprintf(text, sizeof(text), "services.%s: its output: %s", service->name, line);
		(void)json_array_append_new(reasons, json_text(text));
	}
}
