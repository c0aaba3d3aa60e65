/* SPDX-License-Identifier: MIT */
#include "config/environment.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "syntax/raw.h"

/* Variables that the daemon sets itself. Another value would tell the program something wrong about its client or about
 * its sockets, or would make the daemon take other processes for its own. */
static const struct {
	const char *name; /* a * at its end stands for any ending */
	const char *why;
} reserved[] = {
	{"PROTO", "the protocol of the connection"},
	{"TCPLOCAL*", "the address of the connection"},
	{"TCPREMOTE*", "the address of the client"},
	{"UDPLOCAL*", "the address of the socket"},
	{"UNIXLOCAL*", "the address of the connection"},
	{"UNIXREMOTE*", "the process of the client"},
	{"REMOTE_ADDR", "the address of the client"},
	{"REMOTE_PORT", "the port of the client"},
	{"LISTEN_*", "the sockets that the program is given"},
	{"NOTIFY_SOCKET", "where the program notifies the daemon"},
	{"WATCHDOG_*", "how often the program must notify the daemon"},
	{"PREFORKD_*", "the service, and the proxy of the connection"},
};

static bool is_reserved(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	return pattern[len - 1] == '*' ? strncmp(pattern, name, len - 1) == 0 : strcmp(pattern, name) == 0;
}

int environment_check_name(const char *name, struct err *err)
{
	size_t len = 0;

	while (isalnum((unsigned char)name[len]) || name[len] == '_')
		len++;
	if (len == 0 || name[len] != '\0' || isdigit((unsigned char)name[0]))
		return err_set(err, "\"%.64s\" is no name of a variable: letters, digits and _, and no digit first",
			       name);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (is_reserved(reserved[i].name, name))
			return err_set(err, "the daemon sets %.64s itself: %s", name, reserved[i].why);
	}
	return 0;
}

int environment_check(const struct raw *raw, const char *name, struct err *err)
{
	if (raw->type == RAW_STRING || raw->type == RAW_TEXT)
		return environment_check_name(name, err);
	return err_set(err, "the value of a variable is a string, in quotes");
}

/* The place of NAME in the sorted list: of that variable, or where it belongs. */
static size_t find_place(const struct variables *variables, const char *name)
{
	size_t i = 0;

	while (i < variables->n && strcmp(variables->list[i].name, name) < 0)
		i++;
	return i;
}

static void put_variable(struct variables *variables, char *name, char *value)
{
	size_t i = find_place(variables, name);

	if (i == variables->n || strcmp(variables->list[i].name, name) != 0) {
		memmove(&variables->list[i + 1], &variables->list[i], (variables->n - i) * sizeof(*variables->list));
		variables->n++;
	}
	variables->list[i] = (struct variable){.name = name, .value = value};
}

void environment_add(struct raw *const *raws, size_t n, struct arena *arena, struct variables *out)
{
	struct variable *list = arena_alloc(arena, (out->n + n) * sizeof(*list));

	if (out->n > 0)
		memcpy(list, out->list, out->n * sizeof(*list));
	out->list = list;
	for (size_t i = 0; i < n; i++) {
		if (!raws[i]->bad)
			put_variable(out, arena_strdup(arena, strrchr(raws[i]->path, '.') + 1),
				     arena_strdup(arena, raws[i]->string));
	}
}

bool environment_has(const struct variables *variables, const char *name)
{
	size_t i = find_place(variables, name);

	return i < variables->n && strcmp(variables->list[i].name, name) == 0;
}
