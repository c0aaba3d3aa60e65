/* SPDX-License-Identifier: MIT */
#include "config/access_lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/week.h"
#include "config/checker.h"
#include "config/identity.h"
#include "config/network_list.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"

/* For another host, on which the names may exist. */
static int accept_uid(const char *name, uid_t *out, struct err *err)
{
	(void)name;
	(void)err;
	*out = 0;
	return 0;
}

static int accept_gid(const char *name, gid_t *out, struct err *err)
{
	(void)name;
	(void)err;
	*out = 0;
	return 0;
}

static const struct network_names *choose_names(const struct checker *checker)
{
	static const struct network_names any = {accept_uid, accept_gid};
	static const struct network_names here = {identity_uid, identity_gid};

	return checker->source->portable ? &any : &here;
}

/* Adds the texts of the row PATH to LIST. False: one is wrong, which is reported. */
static bool add_texts(const struct checker *checker, const struct service_values *values, const char *path,
		      const struct text_list *texts, bool allow, struct network_list *list)
{
	struct value_source place = *value_source(values, path);
	struct network network;
	bool good = true;
	struct err err;
	size_t i;

	for (i = 0; i < texts->n; i++) {
		const struct access_rule rule = {.allow = allow, .text = texts->items[i], .origin = texts->origins[i]};

		if (network_parse(texts->items[i], choose_names(checker), &network, &err) == 0) {
			network_list_add(list, &network, &rule);
			continue;
		}
		place.origin = texts->origins[i];
		checker_lacks(checker, values, &place, &err);
		good = false;
	}
	return good;
}

/* Adds the networks in the files of the row PATH to LIST. Files for another host are not read: they may be absent here.
 */
static bool add_files(const struct checker *checker, const struct service_values *values, const char *path,
		      const struct text_list *files, bool allow, struct network_list *list)
{
	struct value_source place = *value_source(values, path);
	bool good = true;
	size_t i;

	for (i = 0; i < files->n; i++) {
		place.origin = files->origins[i];
		if (files->items[i][0] != '/') {
			checker_error(checker, values, &place, "\"%.256s\" must be a full path, beginning with /",
				      files->items[i]);
			good = false;
		} else if (!checker->source->portable &&
			   !network_list_read(checker, &place, files->items[i], allow, choose_names(checker),
					      checker->store->arena, list)) {
			good = false;
		}
	}
	return good;
}

/* Makes the set of a list whose entries have no values. NULL: the list is empty. */
static const struct networks *make_list(struct checker *checker, const struct service_values *values, const char *path,
					const struct text_list *texts)
{
	struct network_list list = {.n = 0};
	const struct networks *set = NULL;

	if (texts->n > 0) {
		(void)add_texts(checker, values, path, texts, true, &list);
		set = networks_new(checker->store->arena, list.entries, list.n);
	}
	network_list_clear(&list);
	return set;
}

static bool same_texts(const struct text_list *a, const struct text_list *b, bool at_same_place)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
		if (at_same_place &&
		    (a->origins[i].file != b->origins[i].file || a->origins[i].line != b->origins[i].line))
			return false;
	}
	return true;
}

/* An earlier service with the same rules, which are mostly those of `defaults`. Its sets are shared, so that long files
 * are not read and stored again. */
static const struct service_values *find_same_service(const struct checker *checker,
						      const struct service_values *values)
{
	const struct service_values *other;

	for (other = checker->store->services; other < values; other++) {
		if (same_texts(&other->allow, &values->allow, true) && same_texts(&other->deny, &values->deny, true) &&
		    same_texts(&other->allow_file, &values->allow_file, false) &&
		    same_texts(&other->deny_file, &values->deny_file, false))
			return other;
	}
	return NULL;
}

static void share_rules(const struct service_values *from, struct service_values *values)
{
	const struct config_access *access = &from->service.access;

	values->service.access.rules = access->rules;
	values->service.access.rule = access->rule;
	values->service.access.n_rules = access->n_rules;
	values->service.access.only_allowed = access->only_allowed;
	values->sets.allow = from->sets.allow;
	values->sets.allow_file = from->sets.allow_file;
	values->sets.deny = from->sets.deny;
	values->sets.deny_file = from->sets.deny_file;
}

/* Stores LIST in ACCESS. */
static void make_rules(struct checker *checker, struct config_access *access, const struct network_list *list)
{
	struct access_rule *rules;
	size_t i;

	if (list->n == 0)
		return;
	rules = arena_alloc(checker->store->arena, list->n * sizeof(*rules));
	for (i = 0; i < list->n; i++) {
		list->entries[i].value = (uint32_t)i;
		rules[i].allow = list->rules[i].allow; /* without the padding, which may look like a pointer */
		rules[i].text = list->rules[i].text;
		rules[i].origin = list->rules[i].origin;
	}
	access->rule = rules;
	access->n_rules = list->n;
	access->rules = networks_new(checker->store->arena, list->entries, list->n);
}

static void lookup_rules(struct checker *checker, struct service_values *values)
{
	const struct {
		const char *path;
		const struct text_list *texts;
		bool allow, files;
		const struct networks **set;
	} parts[] = {
		{"access.allow", &values->allow, true, false, &values->sets.allow},
		{"access.allow_file", &values->allow_file, true, true, &values->sets.allow_file},
		{"access.deny", &values->deny, false, false, &values->sets.deny},
		{"access.deny_file", &values->deny_file, false, true, &values->sets.deny_file},
	};
	const struct service_values *same = find_same_service(checker, values);
	struct config_access *access = &values->service.access;
	struct network_list list = {.n = 0};
	size_t i, begin, n_allowed = 0;
	bool good = true;

	if (same != NULL) {
		share_rules(same, values);
		return;
	}
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		begin = list.n;
		if (parts[i].texts->n == 0)
			continue;
		if (!(parts[i].files ? add_files : add_texts)(checker, values, parts[i].path, parts[i].texts,
							      parts[i].allow, &list))
			good = false;
		if (parts[i].allow)
			n_allowed += list.n - begin;
		/* For comparing, so before make_rules() numbers the entries. */
		*parts[i].set = networks_new(checker->store->arena, list.n > begin ? &list.entries[begin] : NULL,
					     list.n - begin);
	}
	access->only_allowed = values->allow.n > 0 || values->allow_file.n > 0;
	if (access->only_allowed && n_allowed == 0 && good && !checker->source->portable)
		checker_warning(checker, values, value_source(values, "access.allow_file"),
				"there is no network in it: no client may connect");
	make_rules(checker, access, &list);
	network_list_clear(&list);
}

static void lookup_times(struct checker *checker, struct service_values *values)
{
	struct config_access *access = &values->service.access;
	struct value_source place = *value_source(values, "access.times");
	struct week_range *ranges;
	struct err err;

	if (values->times.n == 0)
		return;
	ranges = arena_alloc(checker->store->arena, values->times.n * sizeof(*ranges));
	for (size_t i = 0; i < values->times.n; i++) {
		place.origin = values->times.origins[i];
		if (week_parse(values->times.items[i], &ranges[access->n_times], &err) == 0)
			access->n_times++;
		else
			checker_error(checker, values, &place, "%s", err.text);
	}
	access->times = ranges;
}

void access_lookup(struct checker *checker, struct service_values *values)
{
	struct config_service *service = &values->service;
	struct network_sets *sets = &values->sets;

	lookup_rules(checker, values);
	lookup_times(checker, values);
	sets->probes = make_list(checker, values, "access.probes", &values->probes);
	sets->exempt = make_list(checker, values, "access.exempt", &values->exempt);
	sets->reserve_for = make_list(checker, values, "access.reserve_for", &values->reserve_for);
	sets->proxy_from = make_list(checker, values, "proxy_protocol.from", &values->proxy_from);
	sets->proxy_without = make_list(checker, values, "proxy_protocol.without", &values->proxy_without);
	service->access.probes = sets->probes;
	service->access.exempt = sets->exempt;
	service->access.reserve_for = sets->reserve_for;
	service->proxy_protocol.from = sets->proxy_from;
	service->proxy_protocol.without = sets->proxy_without;
}
