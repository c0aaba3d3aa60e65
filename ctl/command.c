/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <string.h>

#define ARGUMENTS_COLUMN 26 /* the help texts begin so many columns behind the names */

const struct command *command_find(const struct command *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

void command_print_all(const struct command *table, FILE *out)
{
	for (; table->name != NULL; table++)
		(void)fprintf(out, "  %s %-*s %s\n", table->name, (int)(ARGUMENTS_COLUMN - strlen(table->name)),
			      table->arguments, table->help);
}
