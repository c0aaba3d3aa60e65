/* SPDX-License-Identifier: MIT */
/* Any process. How a process ended, in words. */
#ifndef PREFORKD_BASE_EXIT_TEXT_H
#define PREFORKD_BASE_EXIT_TEXT_H

#include <stddef.h>

/* STATUS is waitpid(2)'s: "ended with status 71", "was killed by signal 11 (SIGSEGV), core dumped". */
void exit_text(int status, char *out, size_t size);

#endif
