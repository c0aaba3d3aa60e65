/* SPDX-License-Identifier: MIT */
/* preforkctl. Parses the command line and runs the command. */
#include <signal.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/fds.h"
#include "commands.h"
#include "options.h"
#include "say.h"

int main(int argc, char **argv)
{
	struct options options;
	struct err err;
	int status;

	if (fds_fill_stdio(&err) < 0)
		return say_failure(&err, EX_OSERR);
	/* If the daemon or a pager has closed its end, write() fails with EPIPE, and that is reported. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (options_parse(argc, argv, commands_table, &options, &status) < 0)
		return status;
	return options.command->run(&options);
}
