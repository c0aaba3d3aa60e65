/* SPDX-License-Identifier: MIT */
/* preforkctl. The table of all its commands. Only main.c needs it: the commands themselves know struct command only. */
#ifndef PREFORKD_CTL_COMMANDS_H
#define PREFORKD_CTL_COMMANDS_H

#include "command.h"

/* Ends with an entry whose name is NULL. */
extern const struct command commands_table[];

#endif
