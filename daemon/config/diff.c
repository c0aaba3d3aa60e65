/* SPDX-License-Identifier: MIT */
#include "config/diff.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/rows.h"
#include "config/same.h"
#include "config/values.h"
#include "net/networks.h"

/* Compares the fields in the store: the checks complete values there, and struct config has copies of them. */

/* The changed keys so far, and the greatest change that one of them needs. */
struct changes {
	enum config_change most;
	char *keys;
	size_t size, len; /* len: of all keys, also of those for which there was no room */
};

static bool has_groups(const struct identity *a, const struct identity *of)
{
	size_t i, k;

	for (i = 0; i < of->n_groups; i++) {
		for (k = 0; k < a->n_groups && a->groups[k] != of->groups[i]; k++)
			;
		if (k == a->n_groups)
			return false;
	}
	return true;
}

/* The supplementary groups are a set: their order has no meaning. */
static bool has_same_groups(const struct identity *a, const struct identity *b)
{
	if (a->pending || b->pending)
		return true;
	/* A list of groups is a key of its own. */
	return a->gid == b->gid && (a->only != NULL || b->only != NULL || (has_groups(a, b) && has_groups(b, a)));
}

/* The groups of a list, which were looked up. */
static bool has_same_list(const struct identity *a, const struct identity *b)
{
	if ((a->only == NULL) != (b->only == NULL))
		return false;
	return a->only == NULL || a->pending || b->pending || (has_groups(a, b) && has_groups(b, a));
}

/* Name, home and shell are compared because programs find them in their environment. */
static bool has_same_user(const struct identity *a, const struct identity *b)
{
	if (a->pending || b->pending) /* one of the two is not known now: no reason for new workers */
		return a->set == b->set && same_text(a->user, b->user);
	return a->set == b->set && a->uid == b->uid && same_text(a->user, b->user) && same_text(a->home, b->home) &&
	       same_text(a->shell, b->shell);
}

/* An empty list differs from no list. */
static bool has_same_networks(const void *field_a, const void *field_b)
{
	const struct networks *a = *(const struct networks *const *)field_a;
	const struct networks *b = *(const struct networks *const *)field_b;

	return (a == NULL) == (b == NULL) && networks_equal(a, b);
}

/* A and B are the structs that the row's offsets count from. */
static bool has_same_value(const struct row *row, const void *a, const void *b)
{
	const struct service_values *service_a = a, *service_b = b;

	_Static_assert(sizeof(uid_t) == sizeof(gid_t), "MEANS_ID is for both");
	switch (row->meaning) {
	case MEANS_ID:
		return memcmp((const char *)a + row->meant, (const char *)b + row->meant, sizeof(uid_t)) == 0;
	case MEANS_USER:
		return has_same_user(&service_a->service.identity, &service_b->service.identity);
	case MEANS_GROUP:
		/* Another user mostly has other groups. Report this as a change of the user only. */
		return has_same_groups(&service_a->service.identity, &service_b->service.identity) ||
		       !has_same_user(&service_a->service.identity, &service_b->service.identity);
	case MEANS_GROUPS:
		return has_same_list(&service_a->service.identity, &service_b->service.identity);
	case MEANS_FILE:
		if (memcmp((const char *)a + row->meant, (const char *)b + row->meant, sizeof(uint64_t)) != 0)
			return false;
		break;
	case MEANS_NETWORKS:
		return has_same_networks((const char *)a + row->meant, (const char *)b + row->meant);
	case MEANS_ITSELF:
		break;
	}
	return same_field(row, (const char *)a + row->offset, (const char *)b + row->offset);
}

static enum config_change get_change(const struct row *row)
{
	switch (row->reload) {
	case RELOAD_LIVE:
		return CHANGE_LIVE;
	case RELOAD_WORKERS:
		return CHANGE_WORKERS;
	case RELOAD_LISTENER:
		return CHANGE_LISTENER;
	}
	return CHANGE_LISTENER;
}

static void add_key(struct changes *changes, const char *key)
{
	size_t room = changes->size > changes->len ? changes->size - changes->len : 0;

	changes->len += (size_t)snprintf(room > 0 ? changes->keys + changes->len : NULL, room, "%s%s",
					 changes->len > 0 ? ", " : "", key);
}

static void compare_row(struct changes *changes, const struct row *row, const void *a, const void *b)
{
	if (has_same_value(row, a, b))
		return;
	if (get_change(row) > changes->most)
		changes->most = get_change(row);
	add_key(changes, row->path);
}

/* True for keys of the program that workers inherit; user and group are compared as the identity of the service. */
static bool concerns_workers(const struct row *row)
{
	return row->reload != RELOAD_LIVE && row->meaning != MEANS_USER && row->meaning != MEANS_GROUP;
}

enum config_change config_diff_service(const struct config *a, size_t old, const struct config *b, size_t new,
				       char *keys, size_t size)
{
	struct changes changes = {.keys = keys, .size = size};
	size_t i;

	if (size > 0)
		keys[0] = '\0';
	for (i = 0; i < rows_main_count; i++) {
		if (concerns_workers(&rows_main[i]))
			compare_row(&changes, &rows_main[i], &a->store->main, &b->store->main);
	}
	for (i = 0; i < rows_service_count; i++)
		compare_row(&changes, &rows_service[i], &a->store->services[old], &b->store->services[new]);
	if (changes.len >= size && size > strlen("..."))
		memcpy(keys + size - sizeof("..."), "...", sizeof("..."));
	return changes.most;
}

ssize_t config_find_service(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->n_services; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return (ssize_t)i;
	}
	return -1;
}

bool config_is_disabled(const struct config *config, const char *name)
{
	size_t i;

	for (i = config->n_services; i < config->n_services + config->n_disabled; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return true;
	}
	return false;
}

bool config_diff_log(const struct config *a, const struct config *b)
{
	return a->log.target != b->log.target || a->log.facility != b->log.facility || a->log.level != b->log.level;
}

bool config_diff_control(const struct config *a, const struct config *b)
{
	size_t i;

	for (i = 0; i < rows_main_count; i++) {
		if (strncmp(rows_main[i].path, "control.", strlen("control.")) == 0 &&
		    !has_same_value(&rows_main[i], &a->store->main, &b->store->main))
			return true;
	}
	return false;
}
