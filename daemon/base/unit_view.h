/* SPDX-License-Identifier: MIT */
/* Any process. The files as the processes of a systemd unit see them: which are hidden, or cannot be written or run
 * (systemd.exec(5), "Sandboxing"). Looks at settings only, not at any running process. */
#ifndef PREFORKD_BASE_UNIT_VIEW_H
#define PREFORKD_BASE_UNIT_VIEW_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct unit_settings;

#define UNIT_VIEW_RULES 128

enum unit_view_kind {
	VIEW_HIDDEN,	/* the folder is empty, and cannot be entered */
	VIEW_PRIVATE,	/* the unit has an empty folder of its own there, which it can write to */
	VIEW_SHOWN,	/* mounted into a folder that is hidden otherwise */
	VIEW_READ_ONLY, /* against VIEW_WRITABLE: the deeper folder counts */
	VIEW_WRITABLE,
	VIEW_NO_EXEC, /* against VIEW_EXEC: the deeper folder counts */
	VIEW_EXEC,
};

struct unit_view {
	struct unit_view_rule {
		enum unit_view_kind kind;
		char path[256];
		char setting[64]; /* "ProtectHome=yes" */
	} rules[UNIT_VIEW_RULES];
	size_t n;
};

/* A unit with a root folder of its own sees other files altogether: then only what is mounted into it is known. */
void unit_view_init(struct unit_view *view, const struct unit_settings *settings);

/* The rule that mounts PATH, or a folder above it, into the unit. NULL: there is none. */
const struct unit_view_rule *unit_view_shows(const struct unit_view *view, const char *path);

/* The rule because of which the unit does not find the host's file PATH (absolute, without links), cannot write to the
 * folder PATH, or cannot run the file PATH. NULL: there is none. */
const struct unit_view_rule *unit_view_hides(const struct unit_view *view, const char *path);
const struct unit_view_rule *unit_view_protects(const struct unit_view *view, const char *path);
const struct unit_view_rule *unit_view_forbids_exec(const struct unit_view *view, const char *path);

#endif
