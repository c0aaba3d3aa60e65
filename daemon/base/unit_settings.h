/* SPDX-License-Identifier: MIT */
/*
 * Any process. The settings of a systemd unit as texts, whether systemd or the unit's files have told them. A list has
 * one item a line; "~" in front of each item of a list says that all others are meant.
 */
#ifndef PREFORKD_BASE_UNIT_SETTINGS_H
#define PREFORKD_BASE_UNIT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unit_settings {
	char unit[256]; /* its name */
	char *text;	/* NAME=VALUE, each ended by a NUL */
	size_t len;
};

#define UNIT_SETTINGS_ITEM 4096

/* The settings that are kept, and what they are: a text, or a list of texts or of pairs of texts such as "from:to". */
struct unit_setting_name {
	const char *name;
	enum unit_setting_kind {
		UNIT_TEXT,
		UNIT_LIST,
		UNIT_NAMESPACES,
		UNIT_LIST_OF_FIRSTS,
		UNIT_LIST_OF_SECONDS
	} kind;
};

/* NULL: the setting NAME is not kept. */
const struct unit_setting_name *unit_settings_name(const char *name);

void unit_settings_init(struct unit_settings *settings, const char *unit);
void unit_settings_clear(struct unit_settings *settings);

/* Sets NAME to VALUE in place of what it was; out of memory, it stays unknown. */
void unit_settings_set(struct unit_settings *settings, const char *name, const char *value);

/* Adds VALUE to the list NAME, or sets the text NAME to it, as a further file of the unit does. */
void unit_settings_add(struct unit_settings *settings, const char *name, const char *value);

/* NULL: NAME is not known. */
const char *unit_settings_get(const struct unit_settings *settings, const char *name);

/* TEXT is "yes" in one of systemd's spellings. */
bool unit_settings_is_yes(const char *text);

/* The value is "yes" in one of systemd's spellings. */
bool unit_settings_is_on(const struct unit_settings *settings, const char *name);

/* Takes the next item of a list, which begins with what unit_settings_get() returned; false: there is no other. */
bool unit_settings_next(const char **list, char item[UNIT_SETTINGS_ITEM]);

/* The set of capabilities (base/capability.h) that the list NAME stands for. A list that is not known is PRESET. */
uint64_t unit_settings_capabilities(const struct unit_settings *settings, const char *name, uint64_t preset);

#endif
