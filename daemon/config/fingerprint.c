/* SPDX-License-Identifier: MIT */
#include "config/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "config/config.h"
#include "config/print.h"
#include "config/rows.h"
#include "config/value_source.h"
#include "config/values.h"

/* The sum of the hashes of its parts does not depend on their order, which another version may have changed. */
struct sum {
	uint64_t n;
	uint64_t unique; /* without memory for a part: a number that no other configuration has */
};

/* One part, as text: "NAME=" and the value that the caller writes to F. */
struct part {
	FILE *f; /* NULL: there is no memory for it */
	char *text;
	size_t size;
};

static void open_part(struct part *part, const char *name)
{
	*part = (struct part){.text = NULL};
	part->f = open_memstream(&part->text, &part->size);
	if (part->f != NULL)
		(void)fprintf(part->f, "%s=", name);
}

static void add_part(struct sum *sum, struct part *part)
{
	static const uint64_t key[2] = {0, 0};

	if (part->f != NULL && fclose(part->f) == 0)
		sum->n += siphash(key, part->text, part->size);
	else
		sum->n += ++sum->unique;
	free(part->text);
}

static void add_bytes(struct sum *sum, const char *name, const void *data, size_t len)
{
	struct part part;

	open_part(&part, name);
	if (part.f != NULL)
		(void)fwrite(data, 1, len, part.f);
	add_part(sum, &part);
}

static void add_row(struct sum *sum, const struct row *row, const void *base)
{
	struct part part;

	open_part(&part, row->path);
	if (part.f != NULL)
		print_value(row, base, part.f);
	add_part(sum, &part);
	if (row->meaning == MEANS_ID)
		add_bytes(sum, "id", (const char *)base + row->meant, sizeof(uid_t));
	if (row->meaning == MEANS_FILE)
		add_bytes(sum, "file", (const char *)base + row->meant, sizeof(uint64_t));
}

static void add_text(struct sum *sum, const char *name, const char *text)
{
	if (text != NULL)
		add_bytes(sum, name, text, strlen(text));
}

/* The user and the groups that the workers really get; groups are a set. */
static void add_identity(struct sum *sum, const struct identity *identity)
{
	if (!identity->set)
		return;
	add_bytes(sum, "uid", &identity->uid, sizeof(identity->uid));
	add_bytes(sum, "gid", &identity->gid, sizeof(identity->gid));
	for (size_t i = 0; i < identity->n_groups; i++)
		add_bytes(sum, "group", &identity->groups[i], sizeof(identity->groups[i]));
	add_text(sum, "name", identity->user);
	add_text(sum, "home", identity->home);
	add_text(sum, "shell", identity->shell);
}

static bool concerns_workers(const struct row *row, const struct value_source *source)
{
	return row->reload != RELOAD_LIVE && source->level != LEVEL_PRESET && row->meaning != MEANS_USER &&
	       row->meaning != MEANS_GROUP;
}

uint64_t config_fingerprint(const struct config *config, size_t index)
{
	const struct main_values *main_values = &config->store->main;
	const struct service_values *values = &config->store->services[index];
	struct sum sum = {0};

	for (size_t i = 0; i < rows_main_count; i++)
		if (concerns_workers(&rows_main[i], &main_values->sources[i]))
			add_row(&sum, &rows_main[i], main_values);
	for (size_t i = 0; i < rows_service_count; i++)
		if (concerns_workers(&rows_service[i], &values->sources[i]))
			add_row(&sum, &rows_service[i], values);
	add_identity(&sum, &values->service.identity);
	return sum.n != 0 ? sum.n : 1;
}
