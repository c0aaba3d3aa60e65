/* SPDX-License-Identifier: MIT */
#include "loader/module_map.h"

#include <ctype.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "board/board.h"
#include "config/loader.h"
#include "config/options.h"

#define SYMBOL		  "preforkd_module"
#define SIZE_LEAST	  (offsetof(struct preforkd_module, worker_start) + sizeof(int (*)(void)))
#define OPTIONS_MOST	  64
#define OPTIONS_SIZE_MOST 65536
#define NAME_MOST	  31
#define TEXT_MOST	  4095
#define TIMER_LEAST_MS	  10
#define KNOWN_FLAGS	  (PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_SPEAKS_FIRST)

_Static_assert(BOARD_COUNTERS == PREFORKD_COUNTERS_MOST, "the board has a place for each counter");

/* The functions that modules call. Nothing in the daemon calls some of these functions, and then the linker would leave
 * the object files that define them in the library. */
__attribute__((used)) static void (*const interface[])(void) = {
	(void (*)(void))preforkd_fd,	  (void (*)(void))preforkd_read,   (void (*)(void))preforkd_read_line,
	(void (*)(void))preforkd_write,	  (void (*)(void))preforkd_printf, (void (*)(void))preforkd_deadline,
	(void (*)(void))preforkd_ended,	  (void (*)(void))preforkd_fail,   (void (*)(void))preforkd_peer,
	(void (*)(void))preforkd_service, (void (*)(void))preforkd_log,	   (void (*)(void))preforkd_options,
	(void (*)(void))preforkd_count,	  (void (*)(void))preforkd_keep,
};

/*
 * Writes a path of the descriptor that was never used before. The C library recognizes a loaded object by its path:
 * with a path that was used before, here or before a fork, dlopen(3) would return the old object, although the
 * descriptor belongs to another file now. So the path gets a number, in slashes and dots that change nothing.
 */
static void write_fresh_path(int fd, char *out, size_t size)
{
	static unsigned number;
	char way[3 * 32 + 1] = "";
	size_t at = 0;

	number++;
	for (unsigned bit = 0; bit < 32 && number >> bit != 0; bit++) {
		way[at++] = '/';
		if ((number >> bit & 1) != 0)
			way[at++] = '.';
	}
	(void)snprintf(out, size, "/proc/self%.*s/fd/%d", (int)at, way, fd);
}

/* The text of dlerror(3), without our path of the file if it begins with that. */
static const char *reason_of(const char *name)
{
	const char *text = dlerror();

	if (text == NULL)
		return "cannot be loaded";
	if (strncmp(text, name, strlen(name)) == 0 && strncmp(text + strlen(name), ": ", 2) == 0)
		return text + strlen(name) + 2;
	return text;
}

static bool is_name(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	}
	return i > 0 && i <= NAME_MOST && !isdigit((unsigned char)name[0]);
}

/* Reads the whole text, so that a wild pointer crashes here, in the trial child. */
static bool is_text(const char *text, bool one_line)
{
	size_t len = text != NULL ? strnlen(text, TEXT_MOST + 1) : 0;

	for (size_t i = 0; one_line && i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return len <= TEXT_MOST;
}

static int check_option(const struct preforkd_module *table, size_t i, struct err *err)
{
	const struct preforkd_option *o = &table->options[i];
	size_t width = options_width(o->type);
	size_t align = width == sizeof(bool) ? 1 : sizeof(void *);

	if (!is_name(o->name))
		return err_set(err,
			       "the name of option %zu has something else than letters, digits and _, or more than %d "
			       "of them",
			       i, NAME_MOST);
	if (width == 0)
		return err_set(err, "option %s: there is no type %d", o->name, o->type);
	if (o->offset > table->options_size || width > table->options_size - o->offset || o->offset % align != 0)
		return err_set(err, "option %s: the offset %zu does not lie in the struct of options_size, %zu bytes",
			       o->name, o->offset, table->options_size);
	if (o->min > o->max)
		return err_set(err, "option %s: min is more than max", o->name);
	if (!is_text(o->help, true) || !is_text(o->zero, true) || !is_text(o->preset, false))
		return err_set(err,
			       "option %s: help, zero or preset is longer than %d bytes, or help or zero is not one "
			       "line",
			       o->name, TEXT_MOST);
	if (o->reserved[0] != 0 || o->reserved[1] != 0)
		return err_set(err, "option %s needs a newer preforkd", o->name);
	return 0;
}

/* Two options must differ in name, and must not overlap in the module's struct. */
static int check_pair(const struct preforkd_option *a, const struct preforkd_option *b, struct err *err)
{
	if (strcmp(a->name, b->name) == 0)
		return err_set(err, "there are two options %s", b->name);
	if (b->offset < a->offset + options_width(a->type) && a->offset < b->offset + options_width(b->type))
		return err_set(err, "the options %s and %s are put into the same member", a->name, b->name);
	return 0;
}

static int check_options(const struct preforkd_module *table, struct err *err)
{
	const struct preforkd_option *options = table->options;

	if (table->options_size > OPTIONS_SIZE_MOST)
		return err_set(err, "options_size is %zu, more than %d", table->options_size, OPTIONS_SIZE_MOST);
	for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
		if (i >= OPTIONS_MOST)
			return err_set(err, "more than %d options, or no end of the table", OPTIONS_MOST);
		if (check_option(table, i, err) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (check_pair(&options[k], &options[i], err) < 0)
				return -1;
	}
	return 0;
}

static int check_counters(const struct preforkd_module *table, struct err *err)
{
	const struct preforkd_counter *counters = table->counters;

	for (size_t i = 0; counters != NULL && counters[i].name != NULL; i++) {
		if (i >= PREFORKD_COUNTERS_MOST)
			return err_set(err, "more than %d counters, or no end of the table", PREFORKD_COUNTERS_MOST);
		if (!is_name(counters[i].name))
			return err_set(err,
				       "the name of counter %zu has something else than letters, digits "
				       "and _, or more than %d of them",
				       i, NAME_MOST);
		if (!is_text(counters[i].help, true))
			return err_set(err, "counter %s: help is longer than %d bytes, or not one line",
				       counters[i].name, TEXT_MOST);
		if (counters[i].reserved[0] != 0 || counters[i].reserved[1] != 0)
			return err_set(err, "counter %s needs a newer preforkd", counters[i].name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(counters[k].name, counters[i].name) == 0)
				return err_set(err, "there are two counters %s", counters[i].name);
	}
	return 0;
}

/* Does the module use a member that this version does not know? */
static bool is_newer(const struct preforkd_module *own)
{
	const char *bytes = (const char *)own;

	for (size_t i = sizeof(*own); i < own->size; i++)
		if (bytes[i] != 0)
			return true;
	return false;
}

/* Copies the table into module->table, with 0 in the members that it lacks, and checks it. */
static int check_table(struct loaded_module *module, const struct preforkd_module *own, struct err *err)
{
	struct preforkd_module *table = &module->table;

	if (own->abi != PREFORKD_MODULE_ABI)
		return err_set(err,
			       "built for version %" PRIu32 " of the module interface, this is version %d; "
			       "build it again",
			       own->abi, PREFORKD_MODULE_ABI);
	if (own->size < SIZE_LEAST || own->size > 4096)
		return err_set(err, "its size member, %" PRIu32 ", is not that of a struct preforkd_module", own->size);
	if (is_newer(own))
		return err_set(err, "built for a newer preforkd, and uses what this one does not have");
	memset(table, 0, sizeof(*table));
	memcpy(table, own, own->size < sizeof(*table) ? own->size : sizeof(*table));
	if (table->name == NULL || !is_name(table->name))
		return err_set(err, "its name is missing, or not one of letters, digits and _");
	if (!is_text(table->summary, true))
		return err_set(err, "its summary is longer than %d bytes, or not one line", TEXT_MOST);
	if ((table->flags & ~(uint32_t)KNOWN_FLAGS) != 0 || (table->flags & (PREFORKD_STREAM | PREFORKD_DATAGRAM)) == 0)
		return err_set(err,
			       "its flags, %#" PRIx32 ", are not those of a module: PREFORKD_STREAM, "
			       "PREFORKD_DATAGRAM or both, and PREFORKD_SPEAKS_FIRST",
			       table->flags);
	if ((table->flags & PREFORKD_STREAM) != 0 && table->serve == NULL)
		return err_set(err, "it has no serve()");
	if ((table->flags & PREFORKD_DATAGRAM) != 0 && table->answer == NULL)
		return err_set(err, "it has PREFORKD_DATAGRAM in its flags, but no answer()");
	if (table->timer != NULL && table->timer_ms < TIMER_LEAST_MS)
		return err_set(err, "timer_ms is %" PRIu32 ", less than %d", table->timer_ms, TIMER_LEAST_MS);
	if (check_options(table, err) < 0 || check_counters(table, err) < 0)
		return -1;
	if (table->summary == NULL)
		table->summary = "";
	return 0;
}

int module_map_load(struct loaded_module *module, struct err *err)
{
	const struct preforkd_module *own;
	char name[160];

	write_fresh_path(module->fd, name, sizeof(name));
	module->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (module->handle == NULL)
		return err_set(err, "%s", reason_of(name));
	own = dlsym(module->handle, SYMBOL);
	if (own == NULL)
		return err_set(err, "it does not define %s, so it is no module", SYMBOL);
	return check_table(module, own, err);
}

void module_map_unload(struct loaded_module *module)
{
	if (module->handle != NULL)
		(void)dlclose(module->handle);
	module->handle = NULL;
}
