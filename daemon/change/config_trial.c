/* SPDX-License-Identifier: MIT */
#include "change/config_trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>

#include "base/exit_text.h"
#include "base/fds.h"
#include "base/title.h"
#include "base/trial.h"
#include "config/config.h"
#include "config/load.h"
#include "config/loader.h"

int config_trial_run(void *arg, int out)
{
	struct problems *problems;
	struct config *config;
	FILE *f;

	/* A client of the master must see the end of its connection when the master closes it, not when this child
	 * ends. */
	fds_close_except(&out, 1);
	f = fdopen(out, "w");
	if (f == NULL)
		return EXIT_FAILURE;
	title_prefix("reads the configuration");
	config = config_load(arg, &problems);
	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *p = problems_get(problems, i);

		(void)fprintf(f, "%c %s\n", p->level == LOG_ERR ? 'E' : 'W', p->text);
	}
	for (size_t i = 0; config != NULL && i < config->n_services; i++)
		if (config->services[i].module != NULL)
			(void)fprintf(f, "M %" PRIx64 "\n", config->services[i].module->mark);
	if (config != NULL)
		(void)fputs(".\n", f);
	return fclose(f) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void add_text(json_t *list, const char *text, size_t len)
{
	/* A path may hold any bytes. Those that are not UTF-8 were escaped when the problem was noted. */
	(void)json_array_append_new(list, json_stringn(text, len));
}

/* Adds the lines of TEXT that begin with KIND, without it. */
static void add_lines(json_t *list, const char *text, char kind)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 2 && text[0] == kind && text[1] == ' ')
			add_text(list, text + 2, len - 2);
		text += len + (text[len] == '\n');
	}
}

int config_trial_judge(const struct trial *trial, json_t **reasons_out)
{
	bool complete = trial->len >= 2 && strcmp(trial->text + trial->len - 2, ".\n") == 0;
	char how[128], text[256];

	*reasons_out = json_array();
	if (complete && WIFEXITED(trial->status) && WEXITSTATUS(trial->status) == 0)
		return 0;
	add_lines(*reasons_out, trial->text, 'E');
	if (json_array_size(*reasons_out) == 0) {
		exit_text(trial->status, how, sizeof(how));
		(void)snprintf(text, sizeof(text), "the process that read the configuration %s%s", how,
			       trial->late ? ", because it took too long" : "");
		add_text(*reasons_out, text, strlen(text));
	}
	return -1;
}

/* Reads the marks of modules that the child has written. -1: no memory. The caller frees out->marks in any case. */
static int read_tried(const struct trial *trial, struct modules_tried *out)
{
	*out = (struct modules_tried){.n = 0};
	for (const char *line = trial->text; line != NULL && *line != '\0';) {
		char *end;
		uint64_t mark = line[0] == 'M' ? strtoull(line + 1, &end, 16) : 0;

		if (mark != 0) {
			uint64_t *grown = reallocarray(out->marks, out->n + 1, sizeof(*grown));

			if (grown == NULL)
				return -1;
			out->marks = grown;
			out->marks[out->n++] = mark;
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return 0;
}

struct config *config_trial_load(const struct config_source *source, const struct trial *trial, json_t **reasons_out)
{
	struct config_source use = *source;
	struct modules_tried tried;
	struct problems *problems;
	struct config *config;

	*reasons_out = json_array();
	if (read_tried(trial, &tried) < 0) {
		free(tried.marks);
		add_text(*reasons_out, "no memory", strlen("no memory"));
		return NULL;
	}
	use.modules = MODULES_USE;
	use.tried = &tried;
	config = config_load(&use, &problems);
	free(tried.marks);
	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *p = problems_get(problems, i);

		if (config != NULL || p->level == LOG_ERR)
			add_text(*reasons_out, p->text, strlen(p->text));
	}
	problems_free(&problems);
	return config;
}
