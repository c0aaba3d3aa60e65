/* SPDX-License-Identifier: MIT */
/* preforkctl: what the command line asks for is run; nothing else. */
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
	/* A daemon that goes away, or a pager that was left, is an error of one write. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (options_parse(argc, argv, &options, &status) < 0)
		return status;
	return options.command->run(&options);
}
